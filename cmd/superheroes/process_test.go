package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/await"
	"superheroes/test/system"
)

// TestProcesses runs the program as a user does, where being a process matters: signals, locks, ports.
func TestProcesses(t *testing.T) {
	program := system.Build(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, string)
	}{
		{"up says where everything is", testAnnouncement},
		{"timers may be late", testTimerSlack},
		{"data folder", testDataFolder},
		{"default data folder", testDefaultFolder},
		{"port in use", testPortInUse},
		{"folder in use", testFolderInUse},
		{"folder that can't be written", testBadFolder},
		{"service alone", testAlone},
		{"health", testHealth},
		{"health while draining", testHealthDraining},
		{"import while up runs", testImportWhileUp},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, program) })
	}
}

// soon is a timeout for what would hang if the code were wrong. Correct code never comes near it.
const soon = time.Minute

// anyPort makes up use free ports.
var anyPort = []string{"--heroes-addr=127.0.0.1:0", "--villains-addr=127.0.0.1:0", "--locations-addr=127.0.0.1:0", "--fights-addr=127.0.0.1:0", "--statistics-addr=127.0.0.1:0", "--arena-addr=127.0.0.1:0"}

// stop stops a process as a user does, and checks that it exits cleanly and silently.
func stop(t *testing.T, p *system.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t, soon); code != exitOK || p.Stderr.String() != "" {
		t.Errorf("exit code %d, stderr %q", code, p.Stderr.String())
	}
}

// refuses checks that a start fails with exit code 1 and one line containing these texts.
func refuses(t *testing.T, p *system.Process, texts ...string) {
	t.Helper()
	code := p.Wait(t, soon)
	outcome{code, p.Stdout.String(), p.Stderr.String()}.check(t, exitError, texts...)
}

// fetch returns the body of a 200.
func fetch(t *testing.T, url string) string {
	t.Helper()
	response, err := system.Client().Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %s %v", url, response.Status, body, err)
	}
	return string(body)
}

var (
	page   = regexp.MustCompile(`(?m)\A.*\n\n  arena +(http://127\.0\.0\.1:[1-9][0-9]*/)$`)
	listed = regexp.MustCompile(`(?m)^  (heroes|villains|locations|fights|statistics) +(http://127\.0\.0\.1:[1-9][0-9]*)/docs$`)
	curl   = regexp.MustCompile(`(?m)^Try:  curl (http://\S+)$`)
)

// start runs up on free ports and returns it, with the base URLs it announces.
func start(t *testing.T, program string, env []string, args ...string) (*system.Process, map[string]string) {
	t.Helper()
	p := system.Start(t, program, env, append(args, anyPort...)...)
	await.True(t, "up says where everything is", func() bool { return curl.MatchString(p.Stdout.String()) })
	bases := map[string]string{}
	for _, match := range listed.FindAllStringSubmatch(p.Stdout.String(), -1) {
		bases[match[1]] = match[2]
	}
	if len(bases) != 5 {
		t.Fatalf("got %q", p.Stdout.String())
	}
	return p, bases
}

// A service alone raises its slack if told so, which re-executes it: it stays the same process, with the same arguments
// and settings. By default it doesn't, and up never does.
func testTimerSlack(t *testing.T, program string) {
	const slack = "TIMER_SLACK=2ms"
	for _, c := range []struct {
		name    string
		service string
		env     []string
		raised  bool
	}{
		{"a service by default", "heroes", nil, false},
		{"a service", "heroes", []string{slack}, true},
		{"up", "up", []string{slack}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, dir := system.FreeAddr(t), t.TempDir()
			env := append(c.env, "ADDR="+addr, "DATABASE_URL=sqlite:"+dir+"/heroes.db", "DRAIN_DELAY=0s")
			args := []string{c.service}
			if c.service == "up" {
				args = append(append(args, anyPort...), "--heroes-addr="+addr, "--data-dir="+dir)
			}
			p := system.Start(t, program, env, args...)
			p.Ready(t, "http://"+addr+"/readyz")
			got, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", p.Pid()))
			if err != nil {
				t.Skipf("the slack of another process can't be read here: %v", err)
			}
			if raised := string(got) == "2000000\n"; raised != c.raised {
				t.Errorf("the slack is %s", got)
			}
			environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid()))
			if err != nil {
				t.Fatal(err)
			}
			if again := strings.Contains(string(environ), "RESTARTED"); again != c.raised {
				t.Errorf("it re-executed itself: %t", again)
			}
			stop(t, p)
		})
	}
}

func testAnnouncement(t *testing.T, program string) {
	for _, c := range []struct {
		args    []string
		profile string
	}{
		{nil, "eco"},
		{[]string{"up"}, "eco"},
		{[]string{"up", "--profile=strict"}, "strict"},
	} {
		t.Run("superheroes "+strings.Join(c.args, " "), func(t *testing.T) {
			dir := t.TempDir()
			p, bases := start(t, program, nil, append(c.args, "--data-dir="+dir)...)
			said := p.Stdout.String()
			if !strings.Contains(said, dir) || !strings.Contains(said, ", profile "+c.profile+"\n") || strings.Count(said, "curl") != 1 {
				t.Errorf("got %s", said)
			}
			if match := page.FindStringSubmatch(said); match == nil || !strings.Contains(fetch(t, match[1]), "<title>Battle") {
				t.Errorf("the battle page is not listed first: %s", said)
			}
			for service, base := range bases {
				fetch(t, base+"/readyz")
				fetch(t, base+"/docs")
				if health := fetch(t, base+"/healthz"); !strings.Contains(health, `"profile":"`+c.profile+`"`) {
					t.Errorf("%s: the profile is missing from %s", service, health)
				}
				fetch(t, base+"/api/"+service)
			}
			line := curl.FindStringSubmatch(said)[1]
			if line != bases["fights"]+"/api/fights/execute_fight" || !strings.Contains(fetch(t, line), `"winner_name"`) {
				t.Errorf("the line to try is %s", line)
			}
			stop(t, p)
			if p.Stdout.String() != said {
				t.Errorf("it was not quiet: %s", p.Stdout.String())
			}
		})
	}
}

func testDataFolder(t *testing.T, program string) {
	dir, other := filepath.Join(t.TempDir(), "a", "data"), t.TempDir()
	counted := func(args []string, env ...string) string {
		p, bases := start(t, program, env, args...)
		defer stop(t, p)
		fetch(t, bases["fights"]+"/api/fights/execute_fight")
		return fetch(t, bases["fights"]+"/api/fights/count")
	}
	for _, c := range []struct {
		name string
		args []string
		env  string
		want string
	}{
		{"by variable", nil, "DATA_DIR=" + dir, `{"count":1}`},
		{"by flag, kept", []string{"--data-dir=" + dir}, "", `{"count":2}`},
		{"the flag wins", []string{"up", "--data-dir=" + other}, "DATA_DIR=" + dir, `{"count":1}`},
		{"by variable, kept", []string{"up"}, "DATA_DIR=" + dir, `{"count":3}`},
	} {
		if got := counted(c.args, c.env); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := counted([]string{"--data-dir=" + dir}); got != `{"count":1}` {
		t.Errorf("afresh: got %s", got)
	}
}

func testDefaultFolder(t *testing.T, program string) {
	t.Chdir(t.TempDir())
	p, _ := start(t, program, nil)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if dir := filepath.Join(here, "superheroes-data"); !strings.Contains(p.Stdout.String(), dir) {
		t.Errorf("%s is not in %s", dir, p.Stdout.String())
	}
	if _, err := os.Stat("superheroes-data/heroes.db"); err != nil {
		t.Error(err)
	}
	stop(t, p)
}

func testPortInUse(t *testing.T, program string) {
	running, bases := start(t, program, nil, "--data-dir="+t.TempDir())
	for service, base := range bases {
		addr, flag := strings.TrimPrefix(base, "http://"), "--"+service+"-addr"
		t.Run(flag, func(t *testing.T) {
			args := append(slices.Clone(anyPort), "--data-dir="+t.TempDir(), flag+"="+addr) // the last one counts
			refuses(t, system.Start(t, program, nil, args...), addr, flag, "in use")
		})
	}
	t.Run("--addr", func(t *testing.T) {
		addr := strings.TrimPrefix(bases["fights"], "http://")
		p := system.Start(t, program, nil, "heroes", "--addr="+addr, "--database-url=sqlite:"+t.TempDir()+"/heroes.db")
		refuses(t, p, addr, "--addr", "in use")
	})
	fetch(t, bases["fights"]+"/api/fights/execute_fight")
	stop(t, running)
}

func testFolderInUse(t *testing.T, program string) {
	dir := t.TempDir()
	running, bases := start(t, program, nil, "--data-dir="+dir)
	fetch(t, bases["fights"]+"/api/fights/execute_fight")
	second := system.Start(t, program, nil, append(anyPort, "--data-dir="+dir)...)
	refuses(t, second, dir, "--data-dir", "in use")
	fetch(t, bases["fights"]+"/api/fights/execute_fight") // nothing was damaged
	before := fetch(t, bases["fights"]+"/api/fights")

	running.Kill()
	again, bases := start(t, program, nil, "--data-dir="+dir)
	if diff := cmp.Diff(before, fetch(t, bases["fights"]+"/api/fights")); diff != "" {
		t.Errorf("fights after kill -9 (-want +got):\n%s", diff)
	}
	stop(t, again)
}

func testBadFolder(t *testing.T, program string) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(t.TempDir(), "locked")
	if err := os.Mkdir(locked, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, needs string }{
		{"a file in its place", file, ""},
		{"a file above it", filepath.Join(file, "data"), ""},
		{"a read-only folder", locked, "user"},
		{"a folder in a read-only one", filepath.Join(locked, "data"), "user"},
		{"a folder that takes no files", "/proc/self/task", "linux"},
		{"a folder that takes no folders", "/proc/superheroes", "linux"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.needs == "user" && os.Geteuid() == 0 {
				t.Skip("root may write anywhere; run the test as another user")
			}
			if c.needs == "linux" && runtime.GOOS != "linux" {
				t.Skip("needs Linux' /proc")
			}
			refuses(t, system.Start(t, program, nil, append(anyPort, "--data-dir="+c.dir)...), c.dir, "--data-dir")
		})
	}
}

func testAlone(t *testing.T, program string) {
	addr, file := system.FreeAddr(t), filepath.Join(t.TempDir(), "heroes.db")
	p := system.Start(t, program, []string{"ADDR=" + addr, "DATABASE_URL=sqlite:" + file}, "heroes", "--drain-delay=0s")
	p.Ready(t, "http://"+addr+"/readyz")
	fetch(t, "http://"+addr+"/api/heroes/1")
	stop(t, p)
	if p.Stdout.String() != "" {
		t.Errorf("stdout: %s", p.Stdout.String())
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func testHealth(t *testing.T, program string) {
	p, bases := start(t, program, nil, "--data-dir="+t.TempDir())
	var flags []string
	addrs := map[string]string{}
	for service, base := range bases {
		addrs[service] = strings.TrimPrefix(base, "http://")
		flags = append(flags, "--"+service+"-addr="+addrs[service])
	}
	arena := strings.TrimSuffix(strings.TrimPrefix(page.FindStringSubmatch(p.Stdout.String())[1], "http://"), "/")
	flags = append(flags, "--arena-addr="+arena)
	_, port, _ := strings.Cut(addrs["heroes"], ":")
	t.Run("of all", func(t *testing.T) {
		invoke(append([]string{"health"}, flags...)...).check(t, exitOK, addrs["heroes"], addrs["villains"], addrs["locations"], addrs["fights"], addrs["statistics"], arena)
	})
	t.Run("of all but statistics", func(t *testing.T) {
		args := append([]string{"health"}, flags...)
		got := invoke(append(args, "--statistics-addr="+system.FreeAddr(t), "--statistics=false")...)
		got.check(t, exitOK, addrs["fights"])
	})
	t.Run("of all without an arena", func(t *testing.T) {
		got := invoke(append([]string{"health", "--arena=false"}, flags...)...)
		got.check(t, exitOK, addrs["fights"])
		if strings.Contains(got.stdout, arena) {
			t.Errorf("got %s", got.stdout)
		}
	})
	for name, addr := range map[string]string{"as given": addrs["heroes"], "of all addresses": ":" + port, "of all addresses, spelled out": "0.0.0.0:" + port} {
		t.Run("of ADDR "+name, func(t *testing.T) {
			t.Setenv("ADDR", addr)
			invoke("health").check(t, exitOK, addr+" is ready")
		})
	}
	t.Run("of one that hangs", func(t *testing.T) {
		invoke("health", "--timeout=200ms", "--addr="+silent(t)).check(t, exitError, "deadline")
	})
	t.Run("of one that is missing", func(t *testing.T) {
		missing := system.FreeAddr(t)
		got := invoke(append(append([]string{"health"}, flags...), "--villains-addr="+missing)...)
		if got.code != exitError || !strings.Contains(got.stderr, missing) || strings.Contains(got.stderr, addrs["heroes"]) {
			t.Errorf("got %+v", got)
		}
	})
	stop(t, p)
	t.Run("of one that was stopped", func(t *testing.T) {
		invoke("health", "--addr="+addrs["heroes"]).check(t, exitError, addrs["heroes"], "refused")
	})
}

func testHealthDraining(t *testing.T, program string) {
	p, bases := start(t, program, nil, "--data-dir="+t.TempDir(), "--drain-delay=1m")
	addr := strings.TrimPrefix(bases["fights"], "http://")
	p.Signal(t, syscall.SIGTERM)
	var last outcome
	await.True(t, "health says that the service drains", func() bool {
		last = invoke("health", "--addr="+addr)
		return last.code != exitOK
	})
	last.check(t, exitError, addr, "draining")
	fetch(t, bases["fights"]+"/livez")
	p.Signal(t, syscall.SIGTERM) // a second one would stop it at once
	p.Wait(t, soon)
}

func testImportWhileUp(t *testing.T, program string) {
	dir := t.TempDir()
	p, bases := start(t, program, nil, "--data-dir="+dir)
	fetch(t, bases["heroes"]+"/api/heroes/random_hero") // the ids are in memory now
	const only = `{"id":7,"name":"The Only One","otherName":"","level":1,"picture":"","powers":""}`
	file := write(t, "only.jsonl", only+"\n")
	invoke("import", "heroes", file, "--replace", "--data-dir="+dir).check(t, exitOK, "1 hero imported")
	if got := fetch(t, bases["heroes"]+"/api/heroes"); got != "["+only+"]" {
		t.Errorf("the list is %.300s", got)
	}
	await.True(t, "a random hero is the only one", func() bool { return fetch(t, bases["heroes"]+"/api/heroes/random_hero") == only })
	stop(t, p)
}
