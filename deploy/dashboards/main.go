// Command dashboards generates the Grafana dashboards, which the Helm chart contains.
//
//	go run -C deploy ./dashboards
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("chart/superheroes/files/dashboards"); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// write writes each dashboard to a file in the folder.
func write(folder string) error {
	for _, b := range boards() {
		text, err := b.json()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, b.file()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func boards() []board { return []board{requests(), resilience(), runtime(), work()} }
