// Command publish gives the project the address of its repository. In the working tree, it renames the module and its
// imports, fills in the address where documents and workflows have a placeholder, and adds to README.md how to get the
// program from the repository. It also moves a published project to another address.
//
//	go run ./tools/publish github.com/OWNER/NAME
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return fmt.Errorf("usage: go run ./tools/publish %s", placeholder)
	}
	root, err := git(".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	files, err := sources(root)
	if err != nil {
		return err
	}
	changed, err := publish(root, files, args[0])
	if err != nil {
		return err
	}
	fmt.Printf("changed %d files; check them with git diff, and run make test lint\n", changed)
	return nil
}

// sources returns the files of the working tree, relative to root, without those that git ignores.
func sources(root string) ([]string, error) {
	list, err := git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimRight(list, "\x00"), "\x00"), nil
}

func git(folder string, args ...string) (string, error) {
	output, err := exec.Command("git", append([]string{"-C", folder}, args...)...).Output() //nolint:noctx // takes only milliseconds
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(output)), nil
}
