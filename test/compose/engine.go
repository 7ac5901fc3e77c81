package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"superheroes/test/debian"
	"superheroes/test/procgroup"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

// engine describes where the test runs: one Docker engine runs compose.yml, and a second one builds the images, unless
// a single engine does both.
type engine struct {
	engine  docker   // runs the containers
	builder docker   // builds images, with network access
	own     bool     // whether this program has started the engines, as two daemons
	inside  []string // prefix for commands that access the published ports
	network []string // additional arguments for docker build
	undo    []func() error
}

// registry is the URL used to check whether the image registry is reachable; without credentials, the registry
// returns 401.
const registry = "https://registry-1.docker.io/v2/"

// pulled returns the third-party images that compose.yml and the Dockerfiles use.
func pulled() []string {
	return []string{"postgres:16", "mariadb:11.5", "mongo:7.0", "golang:1.26.8-trixie", "debian:trixie-slim"}
}

// findEngine returns the running Docker engine if that engine can pull images. Otherwise, findEngine starts two engines
// of its own.
func findEngine(ctx context.Context, work string, out *steps.Tally) (*engine, error) {
	reachable := canReach(ctx, registry)
	there := docker{program: "docker"}
	version, err := there.output(ctx, "version", "--format", "{{.Server.Version}}")
	if err == nil && reachable {
		if _, err := there.output(ctx, "compose", "version"); err != nil {
			return nil, steps.Skip("docker compose is missing: " + err.Error())
		}
		out.Note("Docker engine %s, already running; images are pulled", version)
		return &engine{engine: there, builder: there}, nil
	}
	if err := debian.Usable(); err != nil {
		return nil, steps.Skip(fmt.Sprintf("no running Docker engine can reach %s, and none can be started: %v", registry, err))
	}
	return startOwn(ctx, work, reachable, out)
}

func canReach(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return true
}

// startOwn starts two engines: one runs the containers in its own network namespace, the other builds images with the
// host's network.
func startOwn(ctx context.Context, work string, reachable bool, out *steps.Tally) (*engine, error) {
	err := debian.Install(ctx, out.Note, map[string]string{
		"dockerd": "docker.io", "iptables": "iptables", "ip": "iproute2", "nsenter": "util-linux", "debootstrap": "debootstrap",
		debian.Keyring: "debian-archive-keyring",
	})
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	cache = filepath.Join(cache, "superheroes-compose")
	base, plugins := filepath.Join(cache, "debian"), filepath.Join(cache, "plugins")
	err = errors.Join(makeDebian(ctx, base, out), debian.Unpack(ctx, plugins, debianRelease, "docker-compose", "docker-buildx"))
	if err != nil {
		return nil, err
	}
	e := &engine{own: true, network: []string{"--network=host"}}
	if err := e.start(ctx, work, filepath.Join(cache, "builder"), filepath.Join(plugins, "usr/libexec/docker")); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	out.Note("our own Docker engine, in a network namespace of its own; images are kept in %s", cache)
	prepare := e.pull
	if !reachable {
		out.Note("%s is unreachable: stand-in images replace %s", registry, strings.Join(pulled(), ", "))
		prepare = func(ctx context.Context) error { return e.makeStandIns(ctx, work, base) }
	}
	if err := prepare(ctx); err != nil {
		return nil, errors.Join(err, e.stop())
	}
	return e, nil
}

// start starts both engines. The data folder of the engine that builds images is kept for later runs.
func (e *engine) start(ctx context.Context, work, builderData, client string) error {
	namespace := fmt.Sprintf("superheroes-%d", os.Getpid())
	if _, err := shell.Output(ctx, "ip", "netns", "add", namespace); err != nil {
		return err
	}
	e.undo = append(e.undo, func() error {
		_, err := shell.Output(context.WithoutCancel(ctx), "ip", "netns", "del", namespace)
		return err
	})
	if _, err := shell.Output(ctx, "ip", "-n", namespace, "link", "set", "lo", "up"); err != nil {
		return err
	}
	e.inside = []string{"nsenter", "--net=/run/netns/" + namespace}
	var err error
	e.builder, err = e.startDaemon(ctx, nil, filepath.Join(work, "builder"), client, map[string]any{
		"data-root": builderData, "bridge": "none", "iptables": false, "ip6tables": false, "ip-forward": false,
	})
	if err != nil {
		return err
	}
	data := filepath.Join(work, "engine", "data")
	e.engine, err = e.startDaemon(ctx, e.inside, filepath.Join(work, "engine"), client, map[string]any{
		"data-root": data, "bip": "198.18.0.1/24", "default-address-pools": []map[string]any{{"base": "198.18.128.0/17", "size": 24}},
	})
	return err
}

// stop undoes all steps in reverse order.
func (e *engine) stop() error {
	var errs []error
	for _, undo := range slices.Backward(e.undo) {
		errs = append(errs, undo())
	}
	return errors.Join(errs...)
}

// startDaemon starts a Docker daemon with its own folders and socket, and returns a client for it.
func (e *engine) startDaemon(ctx context.Context, inside []string, dir, clientConfig string, settings map[string]any) (docker, error) {
	socket := "unix://" + filepath.Join(dir, "socket")
	settings["hosts"] = []string{socket}
	settings["exec-root"] = filepath.Join(dir, "exec")
	settings["pidfile"] = filepath.Join(dir, "pid")
	settings["exec-opts"] = []string{"native.cgroupdriver=cgroupfs"}
	text, err := json.Marshal(settings)
	if err != nil {
		return docker{}, err
	}
	config := filepath.Join(dir, "daemon.json")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(config, text, 0o600)); err != nil {
		return docker{}, err
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return docker{}, err
	}
	words := slices.Concat(inside, []string{"dockerd", "--config-file", config})
	command := exec.CommandContext(context.WithoutCancel(ctx), words[0], words[1:]...)
	command.Stdout, command.Stderr = log, log
	procgroup.Lead(command) // so that only this program receives interrupts from the terminal
	if err := errors.Join(command.Start(), log.Close()); err != nil {
		return docker{}, err
	}
	e.undo = append(e.undo, func() error {
		err := command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait() // the exit status of dockerd is irrelevant
		return err
	})
	client := docker{program: clientProgram(), env: []string{"DOCKER_HOST=" + socket, "DOCKER_CONFIG=" + clientConfig, "DOCKER_BUILDKIT=1"}}
	err = steps.Poll(ctx, time.Minute, func(ctx context.Context) error { _, err := client.output(ctx, "version"); return err })
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		return docker{}, fmt.Errorf("dockerd: %w\n%s", err, shell.LastLines(string(text), 15))
	}
	return client, nil
}

// clientProgram returns the path of the Docker client from the package that contains the Docker engine, because its
// version matches even if PATH contains another client.
func clientProgram() string {
	const packaged = "/usr/bin/docker"
	if _, err := os.Stat(packaged); err == nil {
		return packaged
	}
	return "docker"
}

// build builds an image.
func (e *engine) build(ctx context.Context, image, folder string, args ...string) (string, error) {
	args = append(append(append([]string{"build", "--quiet", "--tag", image}, e.network...), args...), folder)
	_, err := e.builder.output(ctx, args...)
	return "", err
}

// pull pulls all third-party images.
func (e *engine) pull(ctx context.Context) error {
	for _, image := range pulled() {
		if _, err := e.builder.output(ctx, "pull", "--quiet", image); err != nil {
			return err
		}
	}
	return nil
}

// load copies the images from the engine that builds them to the engine that runs them.
func (e *engine) load(ctx context.Context) (string, error) {
	if !e.own {
		return "built where they run", nil
	}
	save := e.builder.command(ctx, "save", "postgres:16", "mariadb:11.5", "mongo:7.0", serviceImage, loadImage)
	load := e.engine.command(ctx, "load", "--quiet")
	images, err := save.StdoutPipe()
	if err != nil {
		return "", err
	}
	load.Stdin = images
	var complaints strings.Builder
	save.Stderr, load.Stderr = &complaints, &complaints
	if err := save.Start(); err != nil {
		return "", err
	}
	if err := errors.Join(load.Run(), save.Wait()); err != nil {
		return "", fmt.Errorf("docker save | docker load: %w\n%s", err, complaints.String())
	}
	return "", nil
}
