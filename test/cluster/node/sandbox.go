package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"superheroes/test/procgroup"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

// Sandbox is where a node runs: in a network namespace and a control group of its own.
type Sandbox struct {
	// Group is the name of the control group.
	Group string
	made  []string // folders that didn't exist before
}

// NewSandbox makes a sandbox. The caller must close it.
func NewSandbox(ctx context.Context) (*Sandbox, error) {
	s := &Sandbox{Group: fmt.Sprintf("superheroes-%d", os.Getpid())}
	if _, err := shell.Output(ctx, "ip", "netns", "add", s.Group); err != nil {
		return nil, err
	}
	if err := errors.Join(s.makeFolders(), s.makeGroup()); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Command returns a command that runs in the sandbox, and in new namespaces for mounts and processes. It is the first
// process there: when it ends, the kernel kills all others and removes all mounts.
func (s *Sandbox) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	words := []string{
		"--net=/run/netns/" + s.Group, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", program,
	}
	command := exec.CommandContext(ctx, "nsenter", append(words, args...)...)
	procgroup.Lead(command)
	return command
}

// Close removes the sandbox, in which no process may run any more.
func (s *Sandbox) Close() error {
	_, err := shell.Output(context.Background(), "ip", "netns", "del", s.Group)
	for _, folder := range slices.Backward(s.made) {
		err = errors.Join(err, os.Remove(folder))
	}
	return errors.Join(err, s.removeGroup())
}

// hidden returns the folders that the node's programs write to and that they can't be told to leave alone. In the sandbox,
// other folders are mounted there.
func hidden() []string { return []string{"/run", "/var/log", "/var/lib/cni", "/var/lib/kubelet"} }

// makeFolders makes the hidden folders that don't exist, since something can only be mounted on a folder.
func (s *Sandbox) makeFolders() error {
	for _, folder := range hidden() {
		err := os.Mkdir(folder, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		s.made = append(s.made, folder)
	}
	return nil
}

// groups returns the folders of the control group: one for each controller in version 1 of the kernel's interface, a single
// one in version 2. Beside version 1, version 2 may be mounted for itself, and then kubelet and runc use it as well.
func (s *Sandbox) groups() ([]string, error) {
	const root = "/sys/fs/cgroup"
	if _, err := os.Stat(filepath.Join(root, "cgroup.controllers")); err == nil {
		return []string{filepath.Join(root, s.Group)}, nil
	}
	marks, err := filepath.Glob(filepath.Join(root, "*", "cgroup.procs"))
	if err != nil || len(marks) == 0 {
		return nil, errors.Join(errors.New("no control groups are mounted in "+root), err)
	}
	var folders []string
	for _, mark := range marks {
		folders = append(folders, filepath.Join(filepath.Dir(mark), s.Group))
	}
	return folders, nil
}

func (s *Sandbox) makeGroup() error {
	folders, err := s.groups()
	for _, folder := range folders {
		err = errors.Join(err, os.MkdirAll(folder, 0o755))
	}
	return errors.Join(err, s.allowCores())
}

// allowCores gives the control group all cores and memory. In version 1, a new group has none.
func (s *Sandbox) allowCores() error {
	const root = "/sys/fs/cgroup/cpuset"
	for _, setting := range []string{"cpuset.cpus", "cpuset.mems"} {
		all, err := os.ReadFile(filepath.Join(root, setting))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, s.Group, setting), all, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// removeGroup removes the control group and those in it. The kernel refuses while processes are still ending.
func (s *Sandbox) removeGroup() error {
	folders, err := s.groups()
	if err != nil {
		return err
	}
	return steps.Poll(context.Background(), time.Minute, func(context.Context) error {
		var errs []error
		for _, folder := range folders {
			errs = append(errs, removeTree(folder))
		}
		return errors.Join(errs...)
	})
}

// removeTree removes a control group and those in it, without the files, which the kernel removes.
func removeTree(folder string) error {
	var folders []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, folder := range slices.Backward(folders) {
		err = errors.Join(err, os.Remove(folder))
	}
	return err
}
