package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"superheroes/test/await"
	"superheroes/test/system"
)

// strace returns the path of strace, and skips the test if strace doesn't work here.
func strace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace")
	}
	if output, err := exec.CommandContext(t.Context(), path, "-D", "-f", "-e", "trace=connect", "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v %s", err, output)
	}
	return path
}

// testNetwork checks that the program connects only to configured addresses: no telemetry, no update check, no remote
// assets.
func testNetwork(t *testing.T, program string) {
	path := strace(t)
	record := filepath.Join(t.TempDir(), "connects")
	// With -D, the traced program is the test's direct child process, so it receives the test's signals.
	args := []string{"-D", "-f", "-e", "trace=connect", "-o", record, program}
	t.Run("all in one process", func(t *testing.T) {
		s, env := system.FreeUp(t)
		up := system.Start(t, path, append(env, "DATA_DIR="+t.TempDir()), append(args, "up")...)
		up.Ready(t, s.Fights+"/readyz")
		for _, name := range []string{"heroes", "villains", "locations", "fights"} {
			base := s.URL(name)
			for _, page := range []string{"/docs", "/redoc", "/openapi.json", "/healthz", "/api/" + name} {
				wantOK(t, base+page)
			}
		}
		wantOK(t, s.Fights+execute)
		stop(t, up)
		if got := connects(t, record); len(got) > 0 {
			t.Errorf("it connected to %q", got)
		}
	})
	t.Run("fights alone", func(t *testing.T) {
		peers := newCatalogs(t)
		addr := system.FreeAddr(t)
		env := append(peers.env(), "ADDR="+addr, "MONGODB_URL=sqlite:"+t.TempDir()+"/fights.db", "DRAIN_DELAY=0s",
			"HTTP_PROXY=http://"+system.FreeAddr(t))
		alone := system.Start(t, path, env, append(args, "fights")...)
		alone.Ready(t, "http://"+addr+"/readyz")
		wantOK(t, "http://"+addr+execute)
		stop(t, alone)
		configured := map[string]bool{peers.heroes.URL: true, peers.villains.URL: true, peers.locations.URL: true}
		got := connects(t, record)
		for _, to := range got {
			if !configured["http://"+to] {
				t.Errorf("it connected to %s", to)
			}
		}
		if len(got) < 3 {
			t.Errorf("strace recorded only %q, so the test proves nothing", got)
		}
	})
}

// connects returns the target addresses of all connect calls in strace's output.
func connects(t *testing.T, record string) []string {
	t.Helper()
	var text string
	await.True(t, "strace has written its output", func() bool {
		content, err := os.ReadFile(record)
		text = string(content)
		return err == nil && strings.Contains(text, "+++ exited with 0 +++")
	})
	var to []string
	ipv4 := regexp.MustCompile(`sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)`)
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "connect(") {
			continue
		}
		if found := ipv4.FindStringSubmatch(line); found != nil {
			line = found[2] + ":" + found[1]
		}
		to = append(to, line)
	}
	return to
}
