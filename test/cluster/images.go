package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"superheroes/test/cluster/image"
	"superheroes/test/cluster/node"
	"superheroes/test/shell"
)

// Names in the work folder.
const (
	archive      = "images.tar"
	previousTree = "previous" // the previous commit
	chartTest    = "chart.test"
)

// Tags of the image of the services.
const (
	current  = "devel"    // the chart's default
	previous = "previous" // built from the previous commit
	broken   = "broken"   // a program that never gets ready
)

// chart is the folder of the chart in a source tree.
const chart = "deploy/chart/superheroes"

// buildImages builds the programs and writes an archive with all images that pods use.
func buildImages(ctx context.Context, work string) (string, error) {
	revision, err := extractPrevious(ctx, filepath.Join(work, previousTree))
	if err != nil {
		return "", err
	}
	for output, tree := range map[string]string{current: ".", previous: filepath.Join(work, previousTree)} {
		if err := build(ctx, tree, filepath.Join(work, "program-"+output), "./cmd/superheroes"); err != nil {
			return "", err
		}
	}
	if err := build(ctx, ".", filepath.Join(work, "pause"), "./test/cluster/pause"); err != nil {
		return "", err
	}
	all, err := images(work)
	if err != nil {
		return "", err
	}
	file, err := os.Create(filepath.Join(work, archive))
	if err != nil {
		return "", err
	}
	err = errors.Join(image.Write(file, all...), file.Close())
	return fmt.Sprintf("of this tree, and of %s for upgrades", revision), err
}

// extractPrevious writes the files of the previous commit to a folder, and returns the commit's title.
func extractPrevious(ctx context.Context, folder string) (string, error) {
	title, err := shell.Output(ctx, "git", "log", "-1", "--format=%h (%s)", "HEAD~1")
	if err != nil {
		return "", fmt.Errorf("the previous commit is needed for upgrades: %w", err)
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	_, err = shell.Output(ctx, "sh", "-c", fmt.Sprintf("git archive HEAD~1 | tar -x -C %q", folder))
	return title, err
}

// build builds a static program.
func build(ctx context.Context, tree, output, what string) error {
	environment := append(os.Environ(), "CGO_ENABLED=0")
	_, err := shell.Settings{Env: environment, Dir: tree}.Output(ctx, "go", "build", "-trimpath", "-o", output, what)
	return err
}

// images returns the images of the services, in each version, and those that other pods need.
func images(work string) ([]image.Image, error) {
	service, err := serviceImage()
	if err != nil {
		return nil, err
	}
	pause := filepath.Join(work, "pause")
	all := []image.Image{{
		Name: node.Pause, Files: []image.File{{Path: "pause", Source: pause}}, User: "65535:65535", Entrypoint: []string{"/pause"},
	}}
	for tag, program := range map[string]string{
		current: filepath.Join(work, "program-"+current), previous: filepath.Join(work, "program-"+previous), broken: pause,
	} {
		version := service
		version.Name += ":" + tag
		version.Files = []image.File{{Path: "superheroes", Source: program}, {Path: "data", Owner: 65532}}
		all = append(all, version)
	}
	return append(all, busyboxImage()), nil
}

// serviceImage returns the image of the services with the settings of the Dockerfile, without files and tag.
func serviceImage() (image.Image, error) {
	dockerfile, err := os.ReadFile("Dockerfile")
	if err != nil {
		return image.Image{}, err
	}
	variables := regexp.MustCompile(`(?m)^ENV (DATA_DIR=.*)$`).FindSubmatch(dockerfile)
	user := regexp.MustCompile(`(?m)^USER (\S+)$`).FindSubmatch(dockerfile)
	if variables == nil || user == nil {
		return image.Image{}, errors.New("the Dockerfile has no USER, or no ENV with DATA_DIR")
	}
	return image.Image{
		Name: "docker.io/library/superheroes-go", Env: strings.Fields(string(variables[1])), User: string(user[1]),
		Entrypoint: []string{"/superheroes"}, Cmd: []string{"up"},
	}, nil
}

// busyboxImage returns a stand-in for the image of helm test: Debian's BusyBox.
func busyboxImage() image.Image {
	files := []image.File{{Path: "bin/busybox", Source: unpacked + "/trixie/usr/bin/busybox"}}
	for _, command := range []string{"sh", "timeout", "wget", "sed", "sleep"} {
		files = append(files, image.File{Path: "bin/" + command, Link: "busybox"})
	}
	return image.Image{Name: "docker.io/library/busybox:1.37", Files: files, Env: []string{"PATH=/bin"}, Cmd: []string{"sh"}}
}
