package measure

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"superheroes/bench/proc"
)

// TestWhoseProcesses has reports name the processes that figures are of, and those that they lack.
func TestWhoseProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	forwarder := filepath.Join(t.TempDir(), "docker-proxy")
	if err := os.Symlink(os.Args[0], forwarder); err != nil {
		t.Fatal(err)
	}
	const gone, lacks, without = "http://127.0.0.1:1", "NOT WHOLE", "without heroes, villains, locations"
	one, proxied := serving(t, os.Args[0]), serving(t, forwarder)
	for _, c := range []struct {
		name   string
		mix    string
		urls   map[Service]string
		pids   []int
		says   []string
		silent []string
	}{
		{"one of its own", "random_hero", map[Service]string{Heroes: one}, nil, []string{"are those of "}, []string{lacks, without}},
		{"fights alone", "execute_fight", map[Service]string{"": one}, nil, []string{"are those of ", without}, []string{lacks}},
		{"each somewhere", "execute_fight", map[Service]string{Fights: one, Heroes: one, Villains: one, Locations: one}, nil, nil, []string{lacks, without}},
		{"one where nobody is", "execute_fight", map[Service]string{Fights: one, Heroes: gone, Villains: one, Locations: one}, nil, []string{lacks, gone}, []string{without}},
		{"on behalf of containers", "execute_fight", map[Service]string{"": proxied}, nil, []string{"are not known"}, []string{"are those of"}},
		{"that were named", "execute_fight", map[Service]string{"": proxied}, []int{os.Getpid()}, []string{"are those of "}, []string{lacks, without}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := quick(t, c.mix, Target{Name: "member", URLs: c.urls, PIDs: c.pids})
			o.system = proc.System()
			report := &Report{}
			if err := o.find(report); err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(report.Notes, "\n")
			for _, part := range c.says {
				if !strings.Contains(notes, part) {
					t.Errorf("%q is not said:\n%s", part, notes)
				}
			}
			for _, part := range c.silent {
				if strings.Contains(notes, part) {
					t.Errorf("%q is said:\n%s", part, notes)
				}
			}
		})
	}
}

// serving starts a floor with that program and returns its address.
func serving(t *testing.T, program string) string {
	t.Helper()
	floor, err := StartFloor(exec.CommandContext(t.Context(), program, "floor", "100"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(floor.Stop)
	return floor.Target.URLs[""]
}
