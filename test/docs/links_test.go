package main

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "correct the line numbers of links to Go declarations")

// root is the path of the repository.
var root = filepath.Join("..", "..")

var (
	linkForm    = regexp.MustCompile(`\[([^\[\]]*)\]\(([^()\s]+)\)`)
	imageForm   = regexp.MustCompile(`(?:src|srcset)="([^"]+)"`)
	lineForm    = regexp.MustCompile(`^L(\d+)$`)
	headingForm = regexp.MustCompile(`(?m)^#+ (.+)$`)
	unanchored  = regexp.MustCompile(`[^\p{L}\p{N} _-]`) // characters that an anchor lacks
	quoteForm   = regexp.MustCompile("^`([A-Za-z_][A-Za-z0-9_]*)`$")
)

// TestLinks checks that every relative link in a document resolves, including its heading, and that a link to a line of Go
// code, such as [`Decide`](internal/fight/fight.go#L42), points to the declaration of the name in its text.
func TestLinks(t *testing.T) {
	for _, document := range documents(t) {
		t.Run(filepath.ToSlash(document), func(t *testing.T) {
			path := filepath.Join(root, document)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			corrected, faults := checkLinks(path, string(text))
			if *update && corrected != string(text) {
				if err := os.WriteFile(path, []byte(corrected), 0o644); err != nil {
					t.Fatal(err)
				}
				_, faults = checkLinks(path, corrected)
			}
			for _, fault := range faults {
				t.Error(fault)
			}
			if len(faults) > 0 {
				t.Log("to correct line numbers: go test ./test/docs -run Links -update")
			}
		})
	}
}

// documents returns every Markdown file in the repository, except in test data and build output.
func documents(t *testing.T) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || path == "build" || len(name) > 1 && strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if filepath.Ext(name) == ".md" {
			found = append(found, filepath.FromSlash(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("there is no document")
	}
	return found
}

// checkLinks returns the text of the document with the line numbers in links corrected where possible, and the faults in the
// original text.
func checkLinks(document, text string) (corrected string, faults []string) {
	inBlock := false
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), fence) {
			inBlock = !inBlock
		}
		if inBlock {
			continue
		}
		lines[i] = linkForm.ReplaceAllStringFunc(line, func(link string) string {
			parts := linkForm.FindStringSubmatch(link)
			right, err := checkLink(document, parts[1], parts[2])
			if err != nil {
				faults = append(faults, fmt.Sprintf("line %d: %s: %v", i+1, link, err))
			}
			return "[" + parts[1] + "](" + right + ")"
		})
		for _, image := range imageForm.FindAllStringSubmatch(line, -1) {
			if _, err := checkLink(document, "", image[1]); err != nil {
				faults = append(faults, fmt.Sprintf("line %d: %s: %v", i+1, image[0], err))
			}
		}
	}
	return strings.Join(lines, "\n"), faults
}

// checkLink returns the corrected target of a link, or the original target if it can't be corrected.
func checkLink(document, label, target string) (string, error) {
	if strings.Contains(target, ":") { // a URL
		return target, nil
	}
	file, fragment, _ := strings.Cut(target, "#")
	path := document
	if file != "" {
		path = filepath.Join(filepath.Dir(document), filepath.FromSlash(file))
	}
	if _, err := os.Stat(path); err != nil {
		return target, errors.New("leads nowhere")
	}
	if fragment != "" && filepath.Ext(path) == ".md" {
		return target, checkHeading(path, fragment)
	}
	match := lineForm.FindStringSubmatch(fragment)
	if match == nil {
		return target, nil
	}
	number, _ := strconv.Atoi(match[1]) // only digits; a number that is too large matches no line
	line, err := lineOf(path, number)
	if err != nil {
		return target, err
	}
	name := quoteForm.FindStringSubmatch(label)
	if name == nil {
		return target, nil
	}
	if filepath.Ext(path) != ".go" && strings.Contains(line, name[1]) {
		return target, nil
	}
	declared := declarations(path, name[1])
	if slices.Contains(declared, number) {
		return target, nil
	}
	if len(declared) != 1 {
		return target, fmt.Errorf("the link points to the line %q, and %d lines declare %s", line, len(declared), name[1])
	}
	return fmt.Sprintf("%s#L%d", file, declared[0]), fmt.Errorf("the name is declared on line %d", declared[0])
}

// checkHeading returns an error if no heading of the document has the anchor, which GitHub forms from the heading's text.
func checkHeading(path, anchor string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for _, heading := range headingForm.FindAllStringSubmatch(string(text), -1) {
		if anchor == strings.ReplaceAll(unanchored.ReplaceAllString(strings.ToLower(heading[1]), ""), " ", "-") {
			return nil
		}
	}
	return fmt.Errorf("no heading has the anchor %s", anchor)
}

func lineOf(path string, number int) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	lines := strings.Split(string(text), "\n")
	if number < 1 || number > len(lines) {
		return "", fmt.Errorf("has %d lines", len(lines))
	}
	return lines[number-1], nil
}

// declarations returns the lines of a Go file that declare the name: as a function, a method, an interface's method,
// a type, a constant or a variable.
func declarations(path, name string) []int {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	var lines []int
	note := func(ident *ast.Ident) {
		if ident.Name == name {
			lines = append(lines, files.Position(ident.Pos()).Line)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			note(node.Name)
			return false
		case *ast.TypeSpec:
			note(node.Name)
		case *ast.ValueSpec:
			for _, ident := range node.Names {
				note(ident)
			}
		case *ast.InterfaceType:
			for _, method := range node.Methods.List {
				for _, ident := range method.Names {
					note(ident)
				}
			}
		}
		return true
	})
	return lines
}
