package main

// If no registry is reachable, locally built images stand in for the images named in compose.yml and the Dockerfiles.
// The stand-ins contain real servers, PostgreSQL 17 and MariaDB 11.8 from Debian 13, and FerretDB in place of MongoDB,
// with entrypoints from the folder standin. With the stand-ins, compose.yml and the Dockerfiles are tested against
// these servers, but not with the vendors' entrypoints and not against MongoDB itself. FerretDB runs no initialization
// script.

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"superheroes/test/debian"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

const (
	debianRelease = "trixie"
	ferretVersion = "v1.24.0"
)

// makeDebian creates a minimal Debian system in a folder, unless the folder already exists.
func makeDebian(ctx context.Context, base string, out *steps.Tally) error {
	if _, err := os.Stat(base); err == nil {
		return nil
	}
	out.Note("debootstrap: creating a minimal Debian %s", debianRelease)
	draft := base + ".draft"
	if err := errors.Join(os.RemoveAll(draft), os.MkdirAll(filepath.Dir(base), 0o755)); err != nil {
		return err
	}
	if _, err := shell.Output(ctx, "debootstrap", "--variant=minbase", "--include=ca-certificates", debianRelease, draft, debian.Mirror); err != nil {
		return err
	}
	return os.Rename(draft, base)
}

// makeStandIns builds the stand-ins and tags them with the names of the original images. Existing layers are reused.
func (e *engine) makeStandIns(ctx context.Context, work, base string) error {
	if err := e.importDebian(ctx, base); err != nil {
		return err
	}
	ferret, err := buildFerretDB(ctx, filepath.Join(work, "ferretdb"))
	if err != nil {
		return err
	}
	root, err := shell.Output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	for _, image := range []struct {
		name, folder string
		files        map[string]string // source paths of additional files, by name in the build context
	}{
		{"golang:1.26.8-trixie", "golang", map[string]string{"go": root, "ca-certificates.crt": certificates()}},
		{"postgres:16", "postgres", nil},
		{"mariadb:11.5", "mariadb", nil},
		{"mongo:7.0", "mongo", map[string]string{"ferretdb": ferret}},
	} {
		context := filepath.Join(work, "standin", image.folder)
		if err := os.CopyFS(context, os.DirFS(filepath.Join("test/compose/standin", image.folder))); err != nil {
			return err
		}
		for name, origin := range image.files {
			if err := copyTree(origin, filepath.Join(context, name)); err != nil {
				return err
			}
		}
		if _, err := e.build(ctx, image.name, context); err != nil {
			return fmt.Errorf("building a stand-in for %s: %w", image.name, err)
		}
	}
	return nil
}

// importDebian creates the base image of all stand-ins.
func (e *engine) importDebian(ctx context.Context, base string) error {
	const image = "debian:trixie-slim"
	if _, err := e.builder.output(ctx, "image", "inspect", image); err == nil {
		return nil
	}
	script := fmt.Sprintf("tar -C %q -c . | %q import --change 'CMD [\"/bin/bash\"]' - %s", base, e.builder.program, image)
	_, err := shell.Settings{Env: e.builder.environment()}.Output(ctx, "sh", "-c", script)
	return err
}

// certificates returns the path of the host's trusted CA certificates, which the stand-in for the golang image needs in
// order to reach the module proxy.
func certificates() string {
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return file
	}
	return "/etc/ssl/certs/ca-certificates.crt"
}

// buildFerretDB builds FerretDB and returns the path of the binary. The build requires a version file, which
// FerretDB's release process generates.
func buildFerretDB(ctx context.Context, dir string) (string, error) {
	tool := shell.Settings{Dir: "tools/ferretdb"}
	if _, err := tool.Output(ctx, "go", "mod", "download"); err != nil {
		return "", err
	}
	module, err := tool.Output(ctx, "go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "github.com/FerretDB/FerretDB")
	if err != nil {
		return "", err
	}
	version, folder, _ := strings.Cut(module, " ")
	if version != ferretVersion {
		return "", fmt.Errorf("tools/ferretdb names FerretDB %s, not %s", version, ferretVersion)
	}
	sources := filepath.Join(dir, "src")
	if err := os.CopyFS(sources, os.DirFS(folder)); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(sources, "build/version/version.txt"), []byte(version), 0o644); err != nil {
		return "", err
	}
	program := filepath.Join(dir, "ferretdb")
	environment := append(os.Environ(), "CGO_ENABLED=0")
	_, err = shell.Settings{Env: environment, Dir: sources}.Output(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/ferretdb")
	return program, err
}
