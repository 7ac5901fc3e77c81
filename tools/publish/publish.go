package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// placeholder stands for the address in documents and workflows until the project is published.
const placeholder = "github.com/OWNER/NAME"

// getting replaces a comment in README.md when the project is published.
//
//go:embed getting.md
var getting string

// names are the names of the project in its files.
type names struct {
	module  string // path of the main module
	address string // host, owner and name
}

// short returns the address without the host, as GitHub's tools expect it.
func (n names) short() string {
	_, short, _ := strings.Cut(n.address, "/")
	return short
}

// publish replaces the project's names in the files, which are relative to root, and returns how many files it changed.
func publish(root string, files []string, address string) (changed int, err error) {
	if !regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+/[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$`).MatchString(address) || address == placeholder {
		return 0, fmt.Errorf("%q is not the address of a repository; it should look like %s", address, placeholder)
	}
	before, err := current(root)
	if err != nil {
		return 0, err
	}
	after := names{address, address}
	for _, file := range files {
		if strings.HasPrefix(file, "tools/publish/") { // here the placeholder stands for itself
			continue
		}
		done, err := rewrite(filepath.Join(root, filepath.FromSlash(file)), before, after)
		if err != nil {
			return changed, fmt.Errorf("%s: %w", file, err)
		}
		if done {
			changed++
		}
	}
	return changed, nil
}

// current returns the names that the project has now.
func current(root string) (names, error) {
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return names{}, err
	}
	match := regexp.MustCompile(`(?m)^module (\S+)$`).FindSubmatch(text)
	if match == nil {
		return names{}, errors.New("go.mod names no module")
	}
	module := string(match[1])
	if strings.Contains(module, "/") {
		return names{module, module}, nil
	}
	return names{module, placeholder}, nil
}

// rewrite replaces the names in a file and reports whether it changed. Binary files and missing files stay as they are.
func rewrite(path string, before, after names) (changed bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || bytes.ContainsRune(text, 0) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	replaced := []byte(replace(filepath.Base(path), string(text), before, after))
	if bytes.Equal(text, replaced) {
		return false, nil
	}
	if filepath.Ext(path) == ".go" { // names of another length move comments
		if replaced, err = format.Source(replaced); err != nil {
			return false, err
		}
	}
	return true, os.WriteFile(path, replaced, 0o644) // the file exists and keeps its mode
}

// replace replaces the names in the text of a file. A module without a host has a name that is also an ordinary word, so it
// is replaced only where it is known to name the module.
func replace(file, text string, before, after names) string {
	switch file {
	case "README.md":
		text = regexp.MustCompile(`(?m)^<!-- published: .* -->\n`).ReplaceAllLiteralString(text, strings.ReplaceAll(getting, placeholder, before.address))
	case "go.mod":
		declared := regexp.MustCompile(`(?m)^(module |replace |\t)` + regexp.QuoteMeta(before.module) + `(/| |$)`)
		text = declared.ReplaceAllString(text, "${1}"+after.module+"${2}")
	case ".golangci.yml":
		text = strings.Replace(text, "local-prefixes: ["+before.module+"]", "local-prefixes: ["+after.module+"]", 1)
	}
	return strings.NewReplacer(`"`+before.module+`/`, `"`+after.module+`/`,
		before.address, after.address, before.short(), after.short()).Replace(text)
}
