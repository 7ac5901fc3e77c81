package find

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// packages is a set of Debian packages to install together.
type packages []string

const installPatience = 10 * time.Minute

// apt installs sets of Debian packages, one at a time, without starting services or creating a PostgreSQL cluster.
type apt struct {
	root    string // prefix of all system paths; "" except in tests
	uid     int
	consent string // value of TEST_INSTALL; "0" forbids installing packages
	say     func(format string, args ...any)
	execute func(ctx context.Context, program string, args ...string) (output string, err error)

	one     sync.Mutex
	updated bool
}

func newApt(getenv func(string) string, say func(string, ...any)) *apt {
	return &apt{uid: os.Geteuid(), consent: getenv("TEST_INSTALL"), say: say, execute: execute}
}

// install installs the packages. If installation is impossible or forbidden, the error states the reason.
func (a *apt) install(ctx context.Context, wanted packages) error {
	if err := a.allowed(); err != nil {
		return err
	}
	a.one.Lock()
	defer a.one.Unlock()
	a.say("apt-get: installing %s (TEST_INSTALL=0 forbids it)", strings.Join(wanted, ", "))

	ctx, cancel := context.WithTimeout(ctx, installPatience)
	defer cancel()
	a.update(ctx)
	names, err := a.resolve(ctx, wanted)
	if err != nil {
		return err
	}
	return a.quietly(func() error { return a.get(ctx, names) })
}

func (a *apt) allowed() error {
	if a.consent == "0" {
		return errors.New("TEST_INSTALL=0 forbids it")
	}
	release, err := os.ReadFile(a.root + "/etc/os-release")
	if err != nil || !isDebian(string(release)) {
		return errors.New("this is neither Debian nor Ubuntu")
	}
	if a.uid != 0 {
		return errors.New("only root may install packages")
	}
	return nil
}

// isDebian reports whether an os-release file describes Debian or Ubuntu.
func isDebian(release string) bool {
	for line := range strings.Lines(release) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ID" && key != "ID_LIKE" {
			continue
		}
		for _, id := range strings.Fields(strings.Trim(value, `"'`)) {
			if id == "debian" || id == "ubuntu" {
				return true
			}
		}
	}
	return false
}

// update fetches the package lists once. If the download fails, apt-get uses the existing lists.
func (a *apt) update(ctx context.Context) {
	if a.updated {
		return
	}
	a.updated = true
	if _, err := a.execute(ctx, "apt-get", "-q", "update"); err != nil {
		a.say("apt-get: updating the package lists failed: %v", err)
	}
}

// resolve returns the names of the packages in the installed Debian or Ubuntu release, because some package names
// include a version.
func (a *apt) resolve(ctx context.Context, wanted packages) ([]string, error) {
	var names []string
	for _, name := range wanted {
		output, err := a.execute(ctx, "apt-cache", "pkgnames", name)
		if err != nil {
			return nil, err
		}
		available, ok := choose(strings.Fields(output), name)
		if !ok {
			return nil, fmt.Errorf("this release has no package %s", name)
		}
		names = append(names, available)
	}
	return names, nil
}

// choose returns the wanted package if the package is available. Otherwise, choose returns the package with the highest
// version in its name, such as mariadb-server-core-10.6 for mariadb-server-core.
func choose(available []string, wanted string) (string, bool) {
	if slices.Contains(available, wanted) {
		return wanted, true
	}
	var best string
	for _, name := range available {
		version, ok := strings.CutPrefix(name, wanted+"-")
		if ok && strings.Trim(version, "0123456789.") == "" && slices.Compare(numbers(name), numbers(best)) > 0 {
			best = name
		}
	}
	return best, best != ""
}

// get installs the packages. Before it installs PostgreSQL, it installs postgresql-common and configures it not to
// create a cluster.
func (a *apt) get(ctx context.Context, names []string) error {
	if !slices.Contains(names, "postgresql") {
		return a.getAll(ctx, names)
	}
	if err := a.getAll(ctx, []string{"postgresql-common"}); err != nil {
		return err
	}
	return a.withFile("/etc/postgresql-common/createcluster.conf", "create_main_cluster = false\n", 0o644,
		func() error { return a.getAll(ctx, names) })
}

func (a *apt) getAll(ctx context.Context, names []string) error {
	args := []string{"-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "install"}
	_, err := a.execute(ctx, "apt-get", append(args, names...)...)
	return err
}

// quietly runs work under a policy that prevents packages from starting services.
func (a *apt) quietly(work func() error) error {
	return a.withFile("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755, work)
}

// withFile replaces the file's content, runs work, and restores the file.
func (a *apt) withFile(path, content string, mode os.FileMode, work func() error) (err error) {
	path = a.root + path
	restore, err := keep(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, restore()) }()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return fmt.Errorf("replacing %s: %w", path, err)
	}
	if err := os.Chmod(path, mode); err != nil { // needed because WriteFile doesn't change the mode of an existing file
		return fmt.Errorf("replacing %s: %w", path, err)
	}
	return work()
}

// keep returns a function that restores a file's current content and mode, or removes the file if it doesn't exist yet.
func keep(path string) (restore func() error, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return func() error { return os.Remove(path) }, nil
	}
	if err != nil {
		return nil, fmt.Errorf("checking %s: %w", path, err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("saving %s: %w", path, err)
	}
	return func() error {
		return errors.Join(os.WriteFile(path, content, info.Mode()), os.Chmod(path, info.Mode()))
	}, nil
}

// execute runs a system program without user interaction.
func execute(ctx context.Context, program string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // lets apt-get clean up
	command.WaitDelay = commandPatience
	output, err := command.CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("%s %s: %w", filepath.Base(program), strings.Join(args, " "), err), lastLine(string(output)))
	}
	return string(output), nil
}
