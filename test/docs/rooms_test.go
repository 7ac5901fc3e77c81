package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestRooms checks that the package diagram in ARCHITECTURE.md matches the imports in the code: each arrow stands for
// an import, and each import between two packages of the diagram has an arrow.
func TestRooms(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	picture := map[string][]string{}
	for _, arrow := range regexp.MustCompile(`(?m)^ +(\w+) --> ([\w &]+)$`).FindAllStringSubmatch(string(text), -1) {
		picture[arrow[1]] = slices.Sorted(slices.Values(strings.Split(arrow[2], " & ")))
	}
	anybody := []string{"storage", "bounded", "rawio", "telemetry"} // ARCHITECTURE.md says so
	code := map[string][]string{}
	for room, imports := range imports(t) {
		if strings.HasSuffix(room, "test") || room == "app" { // test helpers may import anything; app imports everything
			continue
		}
		for _, imported := range imports {
			if name := path.Base(imported); strings.HasPrefix(imported, "superheroes/internal/") && !slices.Contains(anybody, name) {
				code[room] = append(code[room], name)
			}
		}
		slices.Sort(code[room])
	}
	if diff := cmp.Diff(picture, code); diff != "" {
		t.Errorf("the diagram (-) and the imports (+) differ:\n%s", diff)
	}
}

// TestDomainKnowsNoTechnology checks that the domain packages import neither HTTP nor database packages.
func TestDomainKnowsNoTechnology(t *testing.T) {
	imports := imports(t)
	for _, room := range []string{"fight", "catalog", "statistics", "character", "location"} {
		if imports[room] == nil {
			t.Errorf("there is no package %s", room)
		}
		for _, imported := range imports[room] {
			if regexp.MustCompile(`^net/http|^database/sql|huma|pgx|mysql|mongo|sqlite|httpserver`).MatchString(imported) {
				t.Errorf("%s imports %s", room, imported)
			}
		}
	}
}

// imports maps the folder name of each package below internal to the packages that it imports, excluding test imports.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string]map[string]bool{}
	err := fs.WalkDir(os.DirFS(filepath.Join(root, "internal")), ".", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, "internal", filepath.FromSlash(file)), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		room := path.Base(path.Dir(file))
		if found[room] == nil {
			found[room] = map[string]bool{}
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[room][imported] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for room, imports := range found {
		all[room] = slices.Sorted(maps.Keys(imports))
	}
	return all
}

// TestNoGRPC checks that the program doesn't link gRPC, which would add 7 MB to it.
func TestNoGRPC(t *testing.T) {
	packages, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "../../cmd/superheroes").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(packages), "superheroes/internal/otlp\n") || strings.Contains(string(packages), "grpc") {
		t.Errorf("the program links\n%s", packages)
	}
}
