// Package shell runs commands for the programs that test the containers and the cluster.
package shell

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Settings are the environment and the working directory of commands. The zero value inherits both.
type Settings struct {
	Env []string
	Dir string
}

// Output runs a command and returns its trimmed standard output. If the command fails, the error contains the last
// lines of the output.
func Output(ctx context.Context, name string, args ...string) (string, error) {
	return Settings{}.Output(ctx, name, args...)
}

// Output is like the function Output, with the given settings.
func (s Settings) Output(ctx context.Context, name string, args ...string) (string, error) {
	return s.Feed(ctx, "", name, args...)
}

// Feed is like Output, with a text as the command's standard input.
func (s Settings) Feed(ctx context.Context, input, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Env, command.Dir = s.Env, s.Dir
	var stdout, stderr strings.Builder
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, LastLines(stdout.String()+stderr.String(), 15))
	}
	return strings.TrimSpace(stdout.String()), nil
}

// LastLines returns at most the given number of lines from the end of a text.
func LastLines(text string, most int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}
