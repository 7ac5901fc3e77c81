package find

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"superheroes/test/engines"
)

// chromium looks for a browser. It isn't run in a container: tests drive it over a pipe.
func (f *Finder) chromium(ctx context.Context) *Engine {
	const remedy = "install Chromium or Chrome (Debian: apt-get install chromium), or set " + engines.Chrome
	return first(ctx, "Chromium", remedy,
		f.given(engines.Chrome),
		source{"local programs", f.localChromium},
		source{"apt-get", f.installedChromium},
	)
}

func (f *Finder) localChromium(ctx context.Context) (*Engine, error) {
	var reasons []error
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "Google Chrome", "Chromium"} {
		path, err := f.machine.find(programs{
			names: []string{name},
			folders: []string{
				"/usr/bin", "/usr/local/bin", "/opt/google/chrome", "/snap/bin",
				"/Applications/Google Chrome.app/Contents/MacOS", "/Applications/Chromium.app/Contents/MacOS",
			},
		})
		if err != nil {
			continue
		}
		engine, err := program(ctx, engines.Chrome, path, "found "+path)
		if err == nil {
			return engine, nil
		}
		reasons = append(reasons, err)
	}
	if reasons == nil {
		return nil, errors.New("no chromium or google-chrome")
	}
	return nil, errors.Join(reasons...)
}

func (f *Finder) installedChromium(ctx context.Context) (*Engine, error) {
	// Without a font, pages show no text.
	if err := f.apt.install(ctx, packages{"chromium", "fonts-dejavu-core"}); err != nil {
		return nil, err
	}
	return f.localChromium(ctx)
}

// program runs a program that needs no server to get its version: some programs of that name only explain how to
// install the real one. The variable gets the path.
func program(ctx context.Context, variable, path, how string) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, "--version").Output()
	if filepath.Base(path) == "nginx" { // nginx accepts short options only, and prints its version to stderr
		output, err = exec.CommandContext(ctx, path, "-v").CombinedOutput()
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	version, _, _ = strings.Cut(version, " built on")
	return &Engine{Name: version, How: how, Env: []string{variable + "=" + path}}, nil
}

// given returns the program whose path is in the environment.
func (f *Finder) given(variable string) source {
	return source{"environment", func(ctx context.Context) (*Engine, error) {
		path := f.Getenv(variable)
		if path == "" {
			return nil, fmt.Errorf("%s is not set", variable)
		}
		return program(ctx, variable, path, "found at "+variable)
	}}
}
