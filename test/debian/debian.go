// Package debian gets programs from Debian packages, for the programs that test the containers and the cluster.
package debian

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"superheroes/test/shell"
	"superheroes/test/steps"
)

// Mirror is the URL of Debian's packages, and Keyring contains the keys that sign them. Ubuntu has the keyring in a package
// that isn't installed by default.
const (
	Mirror  = "http://deb.debian.org/debian"
	Keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// Usable returns an error if programs can't be installed on this machine.
func Usable() error {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return errors.New("this requires Linux and root")
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("this requires Debian packages")
	}
	return nil
}

// Install installs those programs and files that are missing, given the package of each, without letting packages start
// services.
func Install(ctx context.Context, say func(format string, args ...any), packages map[string]string) error {
	var missing []string
	for _, program := range slices.Sorted(maps.Keys(packages)) {
		if !installed(program) {
			missing = append(missing, packages[program])
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if os.Getenv("TEST_INSTALL") == "0" {
		return steps.Skip("TEST_INSTALL=0 forbids installing " + strings.Join(missing, ", "))
	}
	say("apt-get: installing %s (TEST_INSTALL=0 forbids it)", strings.Join(missing, ", "))
	allow, err := forbidServices()
	if err != nil {
		return err
	}
	script := "apt-get update -qq; apt-get install -qq --no-install-recommends -o DPkg::Lock::Timeout=300 " + strings.Join(missing, " ")
	_, err = shell.Settings{Env: append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")}.Output(ctx, "sh", "-c", script)
	return errors.Join(err, allow())
}

// installed reports whether a program is in PATH, or a file exists.
func installed(name string) bool {
	if filepath.IsAbs(name) {
		_, err := os.Stat(name)
		return err == nil
	}
	_, err := exec.LookPath(name)
	return err == nil
}

// forbidServices prevents packages from starting services until the returned function is called.
func forbidServices() (allow func() error, err error) {
	const policy = "/usr/sbin/policy-rc.d"
	if _, err := os.Stat(policy); err == nil {
		return func() error { return nil }, nil // a policy already exists
	}
	if err := os.WriteFile(policy, []byte("#!/bin/sh\nexit 101\n"), 0o755); err != nil {
		return nil, err
	}
	return func() error { return os.Remove(policy) }, nil
}

// Unpack unpacks packages of any release of Debian into a folder, without installing them or what they depend on, unless
// the folder already exists.
func Unpack(ctx context.Context, folder, release string, packages ...string) error {
	if _, err := os.Stat(folder); err == nil {
		return nil
	}
	draft, err := filepath.Abs(folder + ".draft")
	if err != nil {
		return err
	}
	if err := os.RemoveAll(draft); err != nil {
		return err
	}
	options, err := separateLists(draft, release)
	if err != nil {
		return err
	}
	apt := shell.Settings{Dir: draft}
	for _, command := range [][]string{{"update", "-qq"}, append([]string{"download", "-qq"}, packages...)} {
		if _, err := apt.Output(ctx, "apt-get", append(slices.Clone(options), command...)...); err != nil {
			return fmt.Errorf("getting packages of Debian %s: %w", release, err)
		}
	}
	packs, err := filepath.Glob(filepath.Join(draft, "*.deb"))
	if err != nil {
		return err
	}
	for _, pack := range packs {
		if _, err := shell.Output(ctx, "dpkg", "-x", pack, filepath.Join(draft, "unpacked")); err != nil {
			return err
		}
	}
	return errors.Join(os.Rename(filepath.Join(draft, "unpacked"), folder), os.RemoveAll(draft))
}

// separateLists returns options with which apt-get uses package lists in a folder, for a single release, and leaves the
// machine's own lists alone.
func separateLists(folder, release string) (options []string, err error) {
	for _, name := range []string{"lists/partial", "cache/archives/partial"} {
		err = errors.Join(err, os.MkdirAll(filepath.Join(folder, name), 0o755))
	}
	source := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", Keyring, Mirror, release)
	err = errors.Join(err,
		os.WriteFile(filepath.Join(folder, "sources.list"), []byte(source), 0o644),
		os.WriteFile(filepath.Join(folder, "status"), nil, 0o644))
	for key, value := range map[string]string{
		"Dir::Etc::SourceList": filepath.Join(folder, "sources.list"), "Dir::Etc::SourceParts": "-",
		"Dir::State": folder, "Dir::State::status": filepath.Join(folder, "status"), "Dir::Cache": filepath.Join(folder, "cache"),
		"Acquire::Languages": "none", "APT::Sandbox::User": "root",
	} {
		options = append(options, "-o", key+"="+value)
	}
	return options, err
}
