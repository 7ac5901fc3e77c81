package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"superheroes/test/shell"
)

// Tags of the images built from this repository.
const (
	serviceImage = "superheroes-go"
	loadImage    = "superheroes-k6"
)

// imageLimit is the maximum compressed size of the service's image.
const imageLimit = 25 << 20

// recipe contains the instructions with which the Dockerfile builds the binary.
type recipe struct {
	goVersion string // Go version, such as 1.26.8
	command   string // shell command "go build …" that uses the variable VERSION and contains -o /out/superheroes
}

var (
	fromGo  = regexp.MustCompile(`(?m)^FROM (?:--platform=\S+ )?golang:(\d+\.\d+\.\d+)-\w+ AS build$`)
	goBuild = regexp.MustCompile(`(?m)^\s+(go build .* -o /out/superheroes \./cmd/superheroes)$`)
)

func readRecipe() (recipe, error) {
	text, err := os.ReadFile("Dockerfile")
	if err != nil {
		return recipe{}, err
	}
	from, build := fromGo.FindSubmatch(text), goBuild.FindSubmatch(text)
	if from == nil || build == nil {
		return recipe{}, errors.New("the Dockerfile has no exact Go version or no recognizable go build command")
	}
	return recipe{string(from[1]), string(build[1])}, nil
}

// sources returns the names of the files and folders from which the binary in the image is built.
func sources() []string { return []string{"go.mod", "go.sum", "cmd", "internal", "database"} }

// snapshot copies the source files of the image, so that edits made during the test don't affect later builds.
func snapshot(to string) error {
	for _, source := range append(sources(), "Dockerfile", ".dockerignore") {
		if err := copyTree(source, filepath.Join(to, source)); err != nil {
			return err
		}
	}
	return nil
}

// buildTwice builds the binary twice with the Dockerfile's command, in different folders and with empty build caches.
func buildTwice(ctx context.Context, work, snapshot string) (string, error) {
	recipe, err := readRecipe()
	if err != nil {
		return "", err
	}
	first, err := buildClean(ctx, recipe, snapshot, filepath.Join(work, "first"))
	if err != nil {
		return "", err
	}
	second, err := buildClean(ctx, recipe, snapshot, filepath.Join(work, "second-with-another-name"))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(first, second) {
		return "", errors.New("the two binaries differ")
	}
	return fmt.Sprintf("go%s, %.1f MiB", recipe.goVersion, mebibytes(len(first))), nil
}

// buildClean builds the binary in dir with an empty build cache, and returns the contents of the binary.
func buildClean(ctx context.Context, recipe recipe, snapshot, dir string) ([]byte, error) {
	if err := copyTree(snapshot, filepath.Join(dir, "src")); err != nil {
		return nil, err
	}
	binary := filepath.Join(dir, "superheroes")
	script := strings.Replace(recipe.command, "/out/superheroes", binary, 1)
	environment := append(os.Environ(), "VERSION=", "CGO_ENABLED=0", "GOFLAGS=", "GOTOOLCHAIN=go"+recipe.goVersion,
		"GOCACHE="+filepath.Join(dir, "cache"))
	if _, err := (shell.Settings{Env: environment, Dir: filepath.Join(dir, "src")}).Output(ctx, "sh", "-c", script); err != nil {
		return nil, err
	}
	return os.ReadFile(binary)
}

// copyTree copies a file or a folder.
func copyTree(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return os.CopyFS(to, os.DirFS(from))
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

// compareImage checks that the binary in the image is identical to the one from the first clean build.
func compareImage(ctx context.Context, docker docker, work string) (string, error) {
	container, err := docker.output(ctx, "create", serviceImage)
	if err != nil {
		return "", err
	}
	copied := filepath.Join(work, "from-image")
	_, err = docker.output(ctx, "cp", container+":/superheroes", copied)
	if _, removeErr := docker.output(ctx, "rm", container); err == nil {
		err = removeErr
	}
	if err != nil {
		return "", err
	}
	inImage, err := os.ReadFile(copied)
	if err != nil {
		return "", err
	}
	clean, err := os.ReadFile(filepath.Join(work, "first", "superheroes"))
	if err != nil {
		return "", err
	}
	if !bytes.Equal(inImage, clean) {
		return "", errors.New("the binaries differ")
	}
	return "", nil
}

// inspectImage checks the size of the image and which user its container runs as.
func inspectImage(ctx context.Context, docker docker, image string) (string, error) {
	user, err := docker.output(ctx, "image", "inspect", "--format", "{{.Config.User}}", image)
	if err != nil {
		return "", err
	}
	if !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		return "", fmt.Errorf("the image runs as user %q, want a numeric user and group above 0", user)
	}
	plain, compressed, err := sizes(ctx, docker, image)
	if err != nil {
		return "", err
	}
	if compressed > imageLimit {
		return "", fmt.Errorf("the image is %.1f MiB compressed, want at most %.0f", mebibytes(compressed), mebibytes(imageLimit))
	}
	return fmt.Sprintf("user %s, %.1f MiB, %.1f MiB compressed", user, mebibytes(plain), mebibytes(compressed)), nil
}

// sizes returns the size of the image as a tar archive, uncompressed and compressed as in a registry.
func sizes(ctx context.Context, docker docker, image string) (plain, compressed int, err error) {
	if !strings.Contains(image, ":") {
		image += ":latest" // without a tag, docker save includes all images with this name
	}
	command := docker.command(ctx, "save", image)
	saved, err := command.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := command.Start(); err != nil {
		return 0, 0, err
	}
	var size counter
	zipped := gzip.NewWriter(&size)
	n, copyErr := io.Copy(zipped, saved)
	err = errors.Join(copyErr, zipped.Close(), command.Wait())
	return int(n), int(size), err
}

// counter is a writer that counts bytes.
type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// buildForARM builds the service's image for arm64, without running it.
func buildForARM(ctx context.Context, machine *engine, snapshot string) (string, error) {
	const image = serviceImage + ":arm64"
	if _, err := machine.build(ctx, image, snapshot, "--platform", "linux/arm64"); err != nil {
		return "", err
	}
	architecture, err := machine.builder.output(ctx, "image", "inspect", "--format", "{{.Architecture}}", image)
	if err != nil {
		return "", err
	}
	if architecture != "arm64" {
		return "", fmt.Errorf("the image has the platform %s", architecture)
	}
	return inspectImage(ctx, machine.builder, image)
}

func mebibytes(n int) float64 { return float64(n) / (1 << 20) }

// docker runs the Docker client with a particular Docker engine.
type docker struct {
	program string
	env     []string
}

func (d docker) environment() []string { return append(os.Environ(), d.env...) }

func (d docker) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, d.program, args...)
	command.Env = d.environment()
	return command
}

func (d docker) output(ctx context.Context, args ...string) (string, error) {
	return shell.Settings{Env: d.environment()}.Output(ctx, d.program, args...)
}
