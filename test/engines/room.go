package engines

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// room is a server's temporary folder, together with the account under which the server's programs run.
type room struct {
	root    string
	account *account
}

// newRoom creates a folder that the unprivileged account owns. The folder can't be a test's TempDir, because only the
// user who runs the test has access to TempDir. The path is short, because the length of Unix socket paths is limited.
func newRoom() (*room, error) {
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	root, err := os.MkdirTemp("", "superheroes-")
	if err != nil {
		return nil, fmt.Errorf("creating a server's folder: %w", err)
	}
	room := &room{root: root, account: account}
	if err := account.own(root); err != nil {
		return nil, room.discard(err)
	}
	return room, nil
}

func (r *room) path(name string) string { return filepath.Join(r.root, name) }

// folder creates a subfolder that the server can write to.
func (r *room) folder(name string) (string, error) {
	path := r.path(name)
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", fmt.Errorf("creating a server's folder: %w", err)
	}
	return path, r.account.own(path)
}

// write creates a file that only the server's account can read.
func (r *room) write(name, content string) (string, error) {
	path := r.path(name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return "", fmt.Errorf("writing a server's file: %w", err)
	}
	return path, r.account.own(path)
}

// run runs a program until it exits. If the program fails, the error contains the program's output.
func (r *room) run(ctx context.Context, program string, args ...string) error {
	command := exec.CommandContext(ctx, program, args...)
	r.dress(command)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(program), err, lastLines(string(output)))
	}
	return nil
}

// dress prepares a command: it sets the account, the working directory, and an environment without the user's settings.
// The working directory is the room, because the account may have no access to the current directory.
func (r *room) dress(command *exec.Cmd) {
	command.Dir = r.root
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.root, "TMPDIR=" + r.root, "LC_ALL=C"}
	command.SysProcAttr = r.account.attributes()
}

func (r *room) remove() error {
	if err := os.RemoveAll(r.root); err != nil {
		return fmt.Errorf("removing a server's folder: %w", err)
	}
	return nil
}

// discard removes the room after a failure, and returns the cause of the failure.
func (r *room) discard(cause error) error {
	return errors.Join(cause, r.remove())
}

// lastLines returns the last lines of a log. If there was a failure, these lines usually contain its cause.
func lastLines(log string) string {
	const keep = 15
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-keep):], "\n")
}
