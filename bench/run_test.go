package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/bench/measure"
	"superheroes/bench/proc"
	"superheroes/test/await"
	"superheroes/test/program"
	"superheroes/test/system"
)

// TestRun runs the built command against a real process that hosts all services on SQLite.
func TestRun(t *testing.T) {
	s := system.Up(t, system.Build(t), t.TempDir())
	bench := system.BuildPackage(t, "superheroes/bench")
	start := func(t *testing.T, args ...string) *system.Process {
		return system.Start(t, bench, nil, append([]string{"run", "--idle=100ms"}, args...)...)
	}
	t.Run("report", func(t *testing.T) {
		page := filepath.Join(t.TempDir(), "report.html")
		run := start(t, "--target", "fights="+s.Fights+",heroes="+s.Heroes+",name=ours", "--versus", "url="+s.Fights+",name=again",
			"--mix", "family", "--connections=4", "--rate=100", "--max-wait=1m", "--duration=1s", "--warmup=100ms", "--rounds=1",
			"--json", "--report", page)
		code := run.Wait(t, time.Minute)
		var report measure.Report
		if err := json.Unmarshal([]byte(run.Stdout.String()), &report); err != nil {
			t.Fatalf("exit code %d, parsing the report failed: %v, stderr %s", code, err, &run.Stderr)
		}
		if report.Void != (code == exitError) || !report.Void && code != exitOK {
			t.Errorf("exit code %d, but void is %v", code, report.Void)
		}
		for _, member := range report.Series[0].Members {
			checkMember(t, member, s.Processes["fights"].Pid())
		}
		if len(report.Series[0].Floor.Runs) != 2 || report.Plan.Mix != "family" || report.Plan.Unit != "fight" {
			t.Errorf("got %d runs of the floor server and plan %+v", len(report.Series[0].Floor.Runs), report.Plan)
		}
		encoded := base64.StdEncoding.EncodeToString([]byte(run.Stdout.String()))
		if text, err := os.ReadFile(page); err != nil || strings.Count(string(text), "<svg") != 3 || !strings.Contains(string(text), encoded) {
			t.Errorf("the page lacks the plots or the JSON: %v", err)
		}
	})
	t.Run("interrupted", func(t *testing.T) { interrupt(t, s.Fights, start) })
	t.Run("beside other processes", func(t *testing.T) { runBesideOthers(t, s.Fights, start) })
}

// checkMember checks that a member's report has figures, that every fight was stored and that the member's process was
// found by its port. The only acceptable reason for a void run is a busy machine.
func checkMember(t *testing.T, member measure.Member, pid int) {
	t.Helper()
	for _, reason := range member.Void {
		if !strings.Contains(reason, "unrelated processes used") && !strings.Contains(reason, "iterations started at least") {
			t.Errorf("%s is void: %s", member.Name, reason)
		}
	}
	_, err := os.Stat("/proc/net/tcp")
	for _, run := range member.Runs {
		if run.Stored == nil || !run.Stored.Checked || run.Stored.Stored == 0 || run.Stored.Stored != run.Stored.Acknowledged {
			t.Errorf("%s: stored %+v", member.Name, run.Stored)
		}
		if use := run.Application; err == nil && (use == nil || !slices.Equal(use.PIDs, []int{pid}) || use.CPU <= 0 || use.RSSAfter < 1<<20) {
			t.Errorf("got usage %+v, want that of process %d", use, pid)
		}
	}
	for _, name := range []string{"throughput", "latency_p50_us", "bytes"} {
		if figure, ok := member.Figure(name); !ok || figure.Median <= 0 {
			t.Errorf("%s: %s is %+v", member.Name, name, figure)
		}
	}
}

// runBesideOthers runs busy loops alongside the load generator. The run must be void, and the report must name the
// processes that used the CPU.
func runBesideOthers(t *testing.T, fights string, start func(*testing.T, ...string) *system.Process) {
	if _, err := proc.System().Census(nil); err != nil {
		t.Skip(err)
	}
	for range max(4, runtime.NumCPU()) {
		system.Start(t, "sh", nil, "-c", "while :; do :; done")
	}
	run := start(t, "--target", fights, "--duration=500ms", "--warmup=100ms", "--no-floor", "--verbose")
	if code := run.Wait(t, time.Minute); code != exitError {
		t.Errorf("exit code %d", code)
	}
	for _, said := range []string{
		`(?m)^  VOID: round 1: unrelated processes used [1-9][0-9.]* % of the cores.* \(limit 5 %\): .* \([0-9]+\) [0-9.]+ %`,
		`(?m)^  of the cores: unrelated processes [1-9][0-9.]* %, steal [0-9.]+ %; load average before [0-9.]+$`,
		`\nVOID: do not use these figures\n$`,
	} {
		if !regexp.MustCompile(said).MatchString(run.Stdout.String()) {
			t.Errorf("the report doesn't match %s:\n%s", said, &run.Stdout)
		}
	}
	if !strings.Contains(run.Stderr.String(), "unrelated processes used") {
		t.Errorf("stderr: %s", &run.Stderr)
	}
}

// interrupt checks that an interrupted run still writes its partial report, marked VOID.
func interrupt(t *testing.T, fights string, start func(*testing.T, ...string) *system.Process) {
	page, before := filepath.Join(t.TempDir(), "report.html"), stored(t, fights)
	run := start(t, "--target", fights, "--duration=1h", "--warmup=0s", "--no-floor", "--report", page)
	await.True(t, "50 fights are stored", func() bool { return stored(t, fights) >= before+50 })
	run.Signal(t, syscall.SIGINT)
	if code := run.Wait(t, time.Minute); code != exitError {
		t.Errorf("exit code %d", code)
	}
	text, err := os.ReadFile(page)
	if err != nil || !regexp.MustCompile(`VOID: round 1: interrupted<(.*\n)*.*fights: [1-9][\d,]* acknowledged, [1-9][\d,]* stored<`).Match(text) {
		t.Errorf("%v, the page is\n%s", err, text)
	}
	if said := run.Stdout.String(); strings.Count(said, "VOID: the measurement stopped early: interrupted; do not use these figures\n") != 2 {
		t.Errorf("stdout: %s", said)
	}
	if lines := strings.Count(run.Stderr.String(), "\n"); lines != 1 || !strings.Contains(run.Stderr.String(), "VOID") {
		t.Errorf("stderr: %s", &run.Stderr)
	}
}

// stored returns the number of stored fights.
func stored(t *testing.T, fights string) int {
	t.Helper()
	body, err := program.Get(t.Context(), fights+"/api/fights/count")
	if err != nil {
		t.Fatal(err)
	}
	var counted struct{ Count int }
	if err := json.Unmarshal(body, &counted); err != nil {
		t.Fatal(err)
	}
	return counted.Count
}

// TestRounds checks that a comparison has enough rounds for the confidence interval, unless the number of rounds is set
// explicitly.
func TestRounds(t *testing.T) {
	versus := []string{"http://127.0.0.1:2"}
	for _, c := range []struct {
		name        string
		versus      []string
		asked, want int
	}{
		{"alone", nil, 0, 1}, {"compared", versus, 0, 6}, {"compared, set explicitly", versus, 2, 2},
	} {
		command := runCommand{Target: "http://127.0.0.1:1", Versus: c.versus, Mix: "livez"}
		command.Rounds = c.asked
		if options, _ := command.options(); options.Rounds != c.want {
			t.Errorf("%s: got %d rounds, want %d", c.name, options.Rounds, c.want)
		}
	}
}
