package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const somewhere = "git.example.org/marvels/ring"

// TestPublish publishes a copy of the project, then moves it to another address, and checks that the programs build there,
// that all imports resolve, including those of tests, and that the documents are still in order.
func TestPublish(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles everything")
	}
	folder, files := copyProject(t)
	for _, address := range []string{"github.com/Someone/heroes-3", somewhere} {
		if changed, err := publish(folder, files, address); err != nil || changed < 100 {
			t.Fatalf("publishing at %s changed %d files: %v", address, changed, err)
		}
	}
	for _, module := range []string{".", "bench", "deploy"} { // compiling every test would take minutes and find nothing else
		goCommand(t, filepath.Join(folder, module), "list", "-deps", "-test", "./...")
	}
	goCommand(t, folder, "vet", "./cmd/superheroes", "./test/docs")
	goCommand(t, filepath.Join(folder, "bench"), "build", "-o", os.DevNull, ".")
	goCommand(t, folder, "test", "./test/docs", "-run", "Links|Length|Index|Rooms|Domain")
	goCommand(t, folder, "build", "-o", "built", "./cmd/superheroes")
	if output := goCommand(t, folder, "version", "-m", "built"); !strings.Contains(output, "\tpath\t"+somewhere+"/cmd/superheroes\n") {
		t.Errorf("the binary was built from\n%s", output)
	}
	readme := contentOf(t, folder, "README.md")
	if !strings.Contains(readme, "go install "+somewhere+"/cmd/superheroes@latest\n") || strings.Contains(readme, "<!-- published:") {
		t.Errorf("README.md doesn't say how to get the program from the repository:\n%s", readme)
	}
	if release := contentOf(t, folder, ".github/workflows/release.yml"); !strings.Contains(release, "--repo marvels/ring\n") {
		t.Errorf("the release workflow doesn't name the repository:\n%.800s", release)
	}
	for _, file := range files {
		if text := contentOf(t, folder, file); !strings.HasPrefix(file, "tools/publish/") &&
			(strings.Contains(text, "OWNER/NAME") || strings.Contains(text, "heroes-3")) {
			t.Errorf("%s still has a placeholder or the first address", file)
		}
	}
}

// TestInvalidAddress checks that an invalid address changes nothing.
func TestInvalidAddress(t *testing.T) {
	for _, address := range []string{"", "superheroes", "owner/name", "https://github.com/a/b", "github.com/a", "github.com/a/b/c", placeholder, "github.com/a/b c"} {
		if changed, err := publish("..", []string{"../go.mod"}, address); err == nil || changed != 0 {
			t.Errorf("publishing at %q changed %d files, with the error %v", address, changed, err)
		}
	}
}

// copyProject copies the files of the working tree to a temporary folder.
func copyProject(t *testing.T) (folder string, files []string) {
	t.Helper()
	root, err := git(".", "rev-parse", "--show-toplevel")
	if err != nil {
		t.Skipf("the files to copy are not known: %v", err)
	}
	if files, err = sources(root); err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, file))
		if os.IsNotExist(err) { // deleted, but still in the index
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, files
}

// goCommand runs a go command and returns its output. With -trimpath, the results are in the build cache the next time,
// although the folder has another name.
func goCommand(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOFLAGS=-trimpath", "CGO_ENABLED=0")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

func contentOf(t *testing.T, folder, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}
