package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/bench/measure"
	"superheroes/bench/proc"
	"superheroes/test/system"
)

// TestRun measures a real process with all services on SQLite, from the command line.
func TestRun(t *testing.T) {
	program := system.Build(t)
	s := system.Up(t, program, t.TempDir())
	target := "fights=" + s.Fights + ",heroes=" + s.Heroes + ",name=ours"
	folder := filepath.Join(t.TempDir(), "report")
	run := system.Start(t, build(t), nil, "run", "--target", target, "--mix", "family", "--connections", "4",
		"--rate", "100", "--max-wait", "1m", "--duration", "1s", "--warmup", "100ms", "--idle", "100ms", "--rounds", "1", "--versus", "url="+s.Fights+",name=again", "--json", "--report", folder)
	code := run.Wait(t, time.Minute)
	var report measure.Report
	if err := json.Unmarshal([]byte(run.Stdout.String()), &report); err != nil {
		t.Fatalf("exit code %d, %v, stderr %s", code, err, run.Stderr.String())
	}
	if report.Void != (code == exitError) || !report.Void && code != exitOK {
		t.Errorf("exit code %d, void %v", code, report.Void)
	}
	for _, member := range report.Series[0].Members {
		checkMember(t, member)
	}
	if len(report.Series[0].Floor.Runs) != 2 || report.Plan.Mix != "family" || report.Plan.Unit != "fight" {
		t.Errorf("%d runs of the floor, plan %+v", len(report.Series[0].Floor.Runs), report.Plan)
	}
	for _, name := range []string{"report.txt", "report.json", "latency.svg", "cpu.svg", "throughput.svg"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// checkMember checks that a member has figures and stored every fight, and that it is void for no reason other than a busy
// machine.
func checkMember(t *testing.T, member measure.Member) {
	t.Helper()
	for _, reason := range member.Void {
		if !strings.Contains(reason, "strangers took") && !strings.Contains(reason, "were sent at least") {
			t.Errorf("%s is void: %s", member.Name, reason)
		}
	}
	for _, run := range member.Runs {
		if run.Stored == nil || !run.Stored.Checked || run.Stored.Stored == 0 || run.Stored.Stored != run.Stored.Acknowledged {
			t.Errorf("%s: stored %+v", member.Name, run.Stored)
		}
	}
	for _, name := range []string{"throughput", "latency_p50_us", "bytes"} {
		if figure, ok := member.Figure(name); !ok || figure.Median <= 0 {
			t.Errorf("%s: %s is %+v", member.Name, name, figure)
		}
	}
}

// TestRunFindsTheProcess checks that the CPU is read from the process found by its port.
func TestRunFindsTheProcess(t *testing.T) {
	if _, err := os.Stat("/proc/net/tcp"); err != nil {
		t.Skip("listening processes can't be looked up here:", err)
	}
	program := system.Build(t)
	s := system.Up(t, program, t.TempDir())
	run := system.Start(t, build(t), nil, "run", "--target", s.Fights, "--duration=1s", "--warmup=0s", "--idle=10ms", "--no-floor", "--json", "--rate=50", "--max-wait=1m")
	run.Wait(t, time.Minute)
	var report measure.Report
	if err := json.Unmarshal([]byte(run.Stdout.String()), &report); err != nil {
		t.Fatalf("%v, stderr %s", err, run.Stderr.String())
	}
	use := report.Series[0].Members[0].Runs[0].Application
	if use == nil || len(use.PIDs) != 1 || use.PIDs[0] != s.Processes["fights"].Pid() || use.CPU <= 0 || use.RSSAfter < 1<<20 {
		t.Errorf("got %+v, want the process %d", use, s.Processes["fights"].Pid())
	}
}

// TestRunBesideOthers runs busy loops alongside the generator, in both models: no run is valid, and the report names the
// processes that took the cores.
func TestRunBesideOthers(t *testing.T) {
	if _, err := proc.System().Census(nil); err != nil {
		t.Skip(err)
	}
	program := system.Build(t)
	s := system.Up(t, program, t.TempDir())
	for range max(4, runtime.NumCPU()) {
		system.Start(t, "sh", nil, "-c", "while :; do :; done")
	}
	for name, arguments := range map[string][]string{"closed model": nil, "open model": {"--rate=50"}} {
		t.Run(name, func(t *testing.T) {
			run := system.Start(t, build(t), nil, append([]string{"run", "--target", s.Fights, "--duration=500ms", "--warmup=100ms", "--idle=10ms", "--no-floor"}, arguments...)...)
			if code := run.Wait(t, time.Minute); code != exitError {
				t.Errorf("exit code %d", code)
			}
			report := run.Stdout.String()
			for _, said := range []string{
				`(?m)^  VOID: round 1: strangers took [1-9][0-9.]* % of the cores.* \(limit 5 %\): .* \([0-9]+\) [0-9.]+ %`,
				`(?m)^  of the cores: strangers [1-9][0-9.]* %, steal [0-9.]+ %; load average before [0-9.]+$`,
				`\nVOID: do not use these figures\n$`,
			} {
				if !regexp.MustCompile(said).MatchString(report) {
					t.Errorf("the report doesn't match %s:\n%s", said, report)
				}
			}
			if !strings.Contains(run.Stderr.String(), "strangers took") {
				t.Errorf("stderr: %s", run.Stderr.String())
			}
		})
	}
}

// TestRunInterrupted checks that an interrupted run still writes its partial report, marked VOID.
func TestRunInterrupted(t *testing.T) {
	program := system.Build(t)
	s := system.Up(t, program, t.TempDir())
	folder := t.TempDir()
	run := system.Start(t, build(t), nil, "run", "--target", s.Fights, "--duration=1h", "--warmup=0s", "--no-floor", "--report", folder)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if text, err := stored(t, s.Fights); err == nil && text > 50 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("fewer than 50 fights were stored within a minute")
		}
	}
	run.Signal(t, syscall.SIGINT)
	if code := run.Wait(t, time.Minute); code != exitError {
		t.Errorf("exit code %d", code)
	}
	text, err := os.ReadFile(filepath.Join(folder, "report.txt"))
	if err != nil || string(text) != run.Stdout.String() {
		t.Errorf("the report in the folder differs from stdout, %v", err)
	}
	if !regexp.MustCompile(`VOID: round 1: interrupted\n(.*\n)*.*fights: [1-9]\d* acknowledged, [1-9]\d* stored\n`).Match(text) {
		t.Errorf("the report is\n%s", text)
	}
	if lines := strings.Count(run.Stderr.String(), "\n"); lines != 1 || !strings.Contains(run.Stderr.String(), "VOID") {
		t.Errorf("stderr: %s", run.Stderr.String())
	}
}

func stored(t *testing.T, fights string) (int, error) {
	t.Helper()
	response, err := system.Client().Get(fights + "/api/fights/count")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var answer struct{ Count int }
	err = json.NewDecoder(response.Body).Decode(&answer)
	return answer.Count, err
}

func TestRunWithoutATarget(t *testing.T) {
	got := invoke(t, "run", "--target=http://127.0.0.1:1")
	if got.code != exitError || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "no response from http://127.0.0.1:1") {
		t.Errorf("got %+v", got)
	}
}

// TestRounds checks that a comparison runs as many rounds as the confidence interval requires, unless the number is set
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
			t.Errorf("%s: got %d, want %d", c.name, options.Rounds, c.want)
		}
	}
}
