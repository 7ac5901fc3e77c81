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

// chromium looks for a browser. There is no container of it: tests drive it over a pipe of their own.
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
	// Without a font a page has no text to see.
	if err := f.apt.install(ctx, packages{"chromium", "fonts-dejavu-core"}); err != nil {
		return nil, err
	}
	return f.localChromium(ctx)
}

// program asks a program that needs no server for its version: some that go by the name only tell how to install one. The
// variable tells the tests where it is.
func program(ctx context.Context, variable, path, how string) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	output, err := exec.CommandContext(ctx, path, "--version").Output()
	if filepath.Base(path) == "nginx" { // it knows short options only, and answers as it complains
		output, err = exec.CommandContext(ctx, path, "-v").CombinedOutput()
	}
	if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	version, _, _ = strings.Cut(version, " built on")
	return &Engine{Name: version, How: how, Env: []string{variable + "=" + path}}, nil
}

// given takes the program whose path stands in the environment.
func (f *Finder) given(variable string) source {
	return source{"environment", func(ctx context.Context) (*Engine, error) {
		path := f.Getenv(variable)
		if path == "" {
			return nil, fmt.Errorf("%s is not set", variable)
		}
		return program(ctx, variable, path, "found at "+variable)
	}}
}
