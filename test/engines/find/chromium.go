package find

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"superheroes/test/engines"
)

// chromium looks for a browser. There is no container of it: tests drive it over a pipe of their own.
func (f *Finder) chromium(ctx context.Context) *Engine {
	const remedy = "install Chromium or Chrome (Debian: apt-get install chromium), or set " + engines.Chrome
	return first(ctx, "Chromium", remedy,
		source{"environment", f.givenChromium},
		source{"local programs", f.localChromium},
		source{"apt-get", f.installedChromium},
	)
}

func (f *Finder) givenChromium(ctx context.Context) (*Engine, error) {
	program := f.Getenv(engines.Chrome)
	if program == "" {
		return nil, fmt.Errorf("%s is not set", engines.Chrome)
	}
	return browser(ctx, program, "found at "+engines.Chrome)
}

func (f *Finder) localChromium(ctx context.Context) (*Engine, error) {
	var reasons []error
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "Google Chrome", "Chromium"} {
		program, err := f.machine.find(programs{
			names: []string{name},
			folders: []string{
				"/usr/bin", "/usr/local/bin", "/opt/google/chrome", "/snap/bin",
				"/Applications/Google Chrome.app/Contents/MacOS", "/Applications/Chromium.app/Contents/MacOS",
			},
		})
		if err != nil {
			continue
		}
		engine, err := browser(ctx, program, "found "+program)
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

// browser asks the program for its version: some that go by the name only tell how to install one.
func browser(ctx context.Context, program, how string) (*Engine, error) {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	output, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %w", program, err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(output)), " built on")
	return &Engine{Name: version, How: how, Env: []string{engines.Chrome + "=" + program}}, nil
}
