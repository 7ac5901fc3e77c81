package find

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// image describes the Docker image of a database server.
type image struct {
	name string
	port int // inside the container
	env  []string
	args []string
	url  string // with %s in place of the published address
}

const (
	pullPatience      = 5 * time.Minute
	containerPatience = time.Minute
	commandPatience   = 30 * time.Second
)

// docker runs the Docker command that is installed on this machine.
type docker struct{}

// available returns nil if a Docker engine responds, and an error otherwise.
func (d *docker) available(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, commandPatience)
	defer cancel()
	if _, err := d.command(ctx, "info", "--format", "{{.ServerVersion}}"); err != nil {
		return fmt.Errorf("no engine: %w", err)
	}
	return nil
}

// run starts a container of the image and publishes its port on a free loopback port.
func (d *docker) run(ctx context.Context, image image) (*container, error) {
	args := []string{"run", "--rm", "--detach", "--publish", "127.0.0.1::" + strconv.Itoa(image.port)}
	for _, variable := range image.env {
		args = append(args, "--env", variable)
	}
	args = append(append(args, image.name), image.args...)

	pulling, cancel := context.WithTimeout(ctx, pullPatience)
	defer cancel()
	id, err := d.command(pulling, args...)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", image.name, err)
	}
	started := &container{docker: d, id: id}
	address, err := d.command(ctx, "port", id, strconv.Itoa(image.port)+"/tcp")
	if err != nil {
		return nil, started.discard(fmt.Errorf("querying the published port of %s: %w", image.name, err))
	}
	address, _, _ = strings.Cut(address, "\n")
	started.url = fmt.Sprintf(image.url, address)
	return started, nil
}

// command runs docker and returns its output.
func (d *docker) command(ctx context.Context, args ...string) (string, error) {
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, "docker", args...)
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", errors.Join(err, lastLine(stderr.String()))
	}
	return strings.TrimSpace(string(output)), nil
}

// lastLine returns the last line of a program's error output as an error, or nil if the output is empty.
func lastLine(text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	return errors.New(text[strings.LastIndex(text, "\n")+1:])
}

// container is a running container that was started by this program.
type container struct {
	docker *docker
	id     string
	url    string
}

// await waits until the server responds, and returns the server's version.
func (c *container) await(ctx context.Context, ping func(context.Context, string) (string, error)) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, containerPatience)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		version, err := ping(ctx, c.url)
		if err == nil {
			return version, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("the server in the container does not respond: %w", err)
		case <-again.C:
		}
	}
}

// close kills the container. Docker then removes the container and its data, because of the --rm option.
func (c *container) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), commandPatience)
	defer cancel()
	if _, err := c.docker.command(ctx, "kill", c.id); err != nil {
		return fmt.Errorf("stopping a container: %w", err)
	}
	return nil
}

// discard kills the container after a failure, and returns the cause of the failure.
func (c *container) discard(cause error) error {
	return errors.Join(cause, c.close())
}
