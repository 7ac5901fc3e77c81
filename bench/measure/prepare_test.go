package measure

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"superheroes/bench/proc"
)

// TestProcessNotes checks that a report names the processes that its figures cover, and says which processes are
// missing.
func TestProcessNotes(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc on", runtime.GOOS)
	}
	forwarder := filepath.Join(t.TempDir(), "docker-proxy")
	if err := os.Symlink(os.Args[0], forwarder); err != nil {
		t.Fatal(err)
	}
	const gone, lacks, without = "http://127.0.0.1:1", "INCOMPLETE", "don't cover separate processes for heroes, villains, locations"
	one, proxied := serving(t, os.Args[0]), serving(t, forwarder)
	for _, c := range []struct {
		name   string
		mix    string
		urls   map[Service]string
		pids   []int
		says   []string
		silent []string
	}{
		{"one service", "random_hero", map[Service]string{Heroes: one}, nil, []string{" and their descendants"}, []string{lacks, without}},
		{"fights alone", "execute_fight", map[Service]string{"": one}, nil, []string{" and their descendants", without}, []string{lacks}},
		{"an address for each service", "execute_fight", map[Service]string{Fights: one, Heroes: one, Villains: one, Locations: one}, nil, nil, []string{lacks, without}},
		{"an address without a listener", "execute_fight", map[Service]string{Fights: one, Heroes: gone, Villains: one, Locations: one}, nil, []string{lacks, gone}, []string{without}},
		{"behind a container's forwarder", "execute_fight", map[Service]string{"": proxied}, nil, []string{"are unknown"}, []string{"and their descendants"}},
		{"named processes", "execute_fight", map[Service]string{"": proxied}, []int{os.Getpid()}, []string{" and their descendants"}, []string{lacks, without}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := quick(t, c.mix, Target{Name: "member", URLs: c.urls, PIDs: c.pids})
			o.system = proc.System()
			report := &Report{}
			if err := o.find(report); err != nil {
				t.Fatal(err)
			}
			notes := strings.Join(report.Notes, "\n")
			if uncovered := o.Targets[0].uncovered; (len(uncovered) == 3) != slices.Contains(c.says, without) {
				t.Errorf("not covered: %q", uncovered)
			}
			for _, part := range c.says {
				if !strings.Contains(notes, part) {
					t.Errorf("the notes don't contain %q:\n%s", part, notes)
				}
			}
			for _, part := range c.silent {
				if strings.Contains(notes, part) {
					t.Errorf("the notes contain %q:\n%s", part, notes)
				}
			}
		})
	}
}

// serving starts a floor server by running the given program, and returns the server's URL.
func serving(t *testing.T, program string) string {
	t.Helper()
	floor, err := StartFloor(exec.CommandContext(t.Context(), program, "floor", "100"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(floor.Stop)
	return floor.Target.URLs[""]
}
