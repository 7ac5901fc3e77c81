package performance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"superheroes/test/engines/find"

	"superheroes/bench/energy"
	"superheroes/bench/proc"
)

// lab is the environment for the experiments: the built program, a temporary folder, and the database servers.
type lab struct {
	plan    plan
	module  string // folder that contains go.mod
	dir     string // temporary
	program string // the built superheroes binary
	self    string // path of this program, which also runs as the floor server and as the stub of the fights service
	stores  stores
	procs   proc.FS
	say     func(format string, args ...any)
}

// newLab builds the program and returns a lab. The caller must call close, which shuts down everything that was
// started.
func newLab(ctx context.Context, p plan, progress io.Writer) (*lab, error) {
	begin := time.Now()
	l := &lab{plan: p, procs: proc.System(), say: func(format string, args ...any) {
		fmt.Fprintf(progress, "%6.0f s  %s\n", time.Since(begin).Seconds(), fmt.Sprintf(format, args...))
	}}
	var err error
	if l.module, err = find.Module(ctx); err != nil {
		return nil, err
	}
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if l.dir, err = os.MkdirTemp("", "superheroes-performance-"); err != nil {
		return nil, err
	}
	l.program = filepath.Join(l.dir, "superheroes")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", l.program, "./cmd/superheroes")
	build.Dir, build.Env = l.module, append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("building the program: %w: %s", err, output), os.RemoveAll(l.dir))
	}
	return l, nil
}

func (l *lab) close() error { return errors.Join(l.stores.close(), os.RemoveAll(l.dir)) }

// version returns the version of the source tree according to git.
func (l *lab) version(ctx context.Context) string {
	git := exec.CommandContext(ctx, "git", "-C", l.module, "describe", "--always", "--dirty", "--abbrev=12")
	output, err := git.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(output))
}

// ThisMachine describes this machine.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
	m.CPU = lineOf("/proc/cpuinfo", "model name")
	m.Kernel = strings.TrimSpace(contentOf("/proc/sys/kernel/osrelease"))
	kib, _, _ := strings.Cut(lineOf("/proc/meminfo", "MemTotal"), " ")
	if n, err := strconv.ParseFloat(kib, 64); err == nil {
		m.Memory = n / (1 << 20)
	}
	first, _, _ := strings.Cut(contentOf("/proc/loadavg"), " ")
	m.Load, _ = strconv.ParseFloat(first, 64) // 0 if not available
	return m
}

// contentOf returns the content of a file, or "" if the file can't be read.
func contentOf(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(text)
}

// lineOf returns the value from a file's first "name: value" line with the given name.
func lineOf(path, name string) string {
	for line := range strings.Lines(contentOf(path)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// meter lists the RAPL counters of this machine, or says why RAPL isn't available.
func meter() string {
	m, err := energy.Open(energy.Powercap)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("RAPL counts %v", m.Zones())
}
