// Generate writes the files that a new database server runs once when it creates a service's database: the tables as
// the service itself would create them, filled with the same roster.
//
//	go run ./database/generate
//
// A test fails if a file is out of date.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// run writes every file below the repository's root.
func run(root string) error {
	made, err := files()
	if err != nil {
		return err
	}
	for name, content := range made {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("creating the folder of %s: %w", name, err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return nil
}
