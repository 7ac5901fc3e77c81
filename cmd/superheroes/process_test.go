package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/await"
	"superheroes/test/system"
)

// TestProcesses runs the program as a separate process, to test signals, locks and ports.
func TestProcesses(t *testing.T) {
	program := system.Build(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, string)
	}{
		{"up prints all addresses", testAnnouncement},
		{"a service alone", testAlone},
		{"data folder", testDataFolder},
		{"folder in use", testFolderInUse},
		{"health", testHealth},
		{"health while draining", testHealthDraining},
		{"a second copy on other ports", testPortBase},
		{"a command cut short", testInterrupted},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, program) })
	}
}

// soon is a timeout for operations that hang only if the code is wrong. Correct code takes far less time.
const soon = time.Minute

// anyPort holds the flags that tell the up command to use free ports.
var anyPort = []string{
	"--heroes-addr=127.0.0.1:0", "--villains-addr=127.0.0.1:0", "--locations-addr=127.0.0.1:0",
	"--fights-addr=127.0.0.1:0", "--statistics-addr=127.0.0.1:0", "--arena-addr=127.0.0.1:0", "--admin-addr=127.0.0.1:0",
}

// stop interrupts a process, and checks that it exits cleanly without writing to standard error.
func stop(t *testing.T, p *system.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t, soon); code != exitOK || p.Stderr.String() != "" {
		t.Errorf("the process exited with code %d, stderr %q", code, p.Stderr.String())
	}
}

// fetch returns the body of a response, which must have status 200.
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
	page   = regexp.MustCompile(`(?m)^Super Heroes in Go, .*\n\n  arena +(http://127\.0\.0\.1:[1-9][0-9]*/)$`)
	listed = regexp.MustCompile(`(?m)^  (heroes|villains|locations|fights|statistics) +(http://127\.0\.0\.1:[1-9][0-9]*)/docs$`)
	curl   = regexp.MustCompile(`(?m)^Try:  curl (http://\S+)$`)
)

// start runs the up command on free ports, and returns the process and the base URLs that it announces.
func start(t *testing.T, program string, env []string, args ...string) (*system.Process, map[string]string) {
	t.Helper()
	p := system.Start(t, program, env, append(args, anyPort...)...)
	await.True(t, "up announces all addresses", func() bool { return curl.MatchString(p.Stdout.String()) })
	bases := map[string]string{}
	for _, match := range listed.FindAllStringSubmatch(p.Stdout.String(), -1) {
		bases[match[1]] = match[2]
	}
	if len(bases) != 5 {
		t.Fatalf("got %q", p.Stdout.String())
	}
	return p, bases
}

// A single service serves requests and prints nothing. If TIMER_SLACK is set, the service raises its timer slack and
// re-executes itself, as the same process with the same arguments and settings; the up command never re-executes
// itself.
func testAlone(t *testing.T, program string) {
	for _, c := range []struct {
		name, service string
		env           []string
		raised        bool
	}{
		{"by default", "heroes", nil, false},
		{"with timer slack", "heroes", []string{"TIMER_SLACK=2ms"}, true},
		{"up with timer slack", "up", []string{"TIMER_SLACK=2ms"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			addr, file := system.FreeAddr(t), filepath.Join(t.TempDir(), "heroes.db")
			env := append([]string{"ADDR=" + addr, "DATABASE_URL=sqlite:" + file, "DRAIN_DELAY=0s"}, c.env...)
			args := []string{c.service}
			if c.service == "up" {
				args = append(append(args, anyPort...), "--heroes-addr="+addr, "--data-dir="+filepath.Dir(file))
			}
			p := system.Start(t, program, env, args...)
			p.Ready(t, "http://"+addr+"/readyz")
			fetch(t, "http://"+addr+"/api/heroes/1")
			slack, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", p.Pid()))
			if raised := string(slack) == "2000000\n"; err == nil && raised != c.raised { // only if the file is readable
				t.Errorf("unexpected timer slack: %s", slack)
			}
			environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.Pid()))
			if again := strings.Contains(string(environ), "RESTARTED"); err == nil && again != c.raised {
				t.Errorf("service re-executed itself: got %t, want %t", again, c.raised)
			}
			stop(t, p)
			if c.service != "up" && p.Stdout.String() != "" {
				t.Errorf("stdout: %s", p.Stdout.String())
			}
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		})
	}
}

func testAnnouncement(t *testing.T, program string) {
	for _, c := range []struct {
		args    []string
		profile string
	}{
		{nil, "eco"},
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
				t.Errorf("up does not list the battle page first: %s", said)
			}
			for service, base := range bases {
				fetch(t, base+"/readyz")
				fetch(t, base+"/docs")
				if health := fetch(t, base+"/healthz"); !strings.Contains(health, `"profile":"`+c.profile+`"`) {
					t.Errorf("the health response of %s lacks the profile: %s", service, health)
				}
				fetch(t, base+"/api/"+service)
			}
			line := curl.FindStringSubmatch(said)[1]
			if line != bases["fights"]+"/api/fights/execute_fight" || !strings.Contains(fetch(t, line), `"winner_name"`) {
				t.Errorf("the suggested command requests %q", line)
			}
			progress, _, _ := strings.Cut(said, "\n\n")
			lines := strings.Split(progress, "\n")
			if lines[0] != "Starting Super Heroes in Go …" || len(lines) != 1+len(bases)+1 {
				t.Errorf("the start is reported as %q", progress)
			}
			for service, base := range bases {
				if !slices.Contains(lines, service+" is ready on "+base) {
					t.Errorf("%s isn't reported as ready: %q", service, progress)
				}
			}
			stop(t, p)
			if p.Stdout.String() != said {
				t.Errorf("up printed more than the announcement: %s", p.Stdout.String())
			}
		})
	}
}

func testDataFolder(t *testing.T, program string) {
	t.Chdir(t.TempDir())
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(here, "a", "data")
	for _, c := range []struct {
		name, dir string
		args      []string
		env       string
		want      string // fights
	}{
		{"by default", filepath.Join(here, "superheroes-data"), nil, "", `{"count":1}`},
		{"by variable", dir, nil, "DATA_DIR=" + dir, `{"count":1}`},
		{"the flag overrides the variable", dir, []string{"up", "--data-dir=" + dir}, "DATA_DIR=" + here, `{"count":2}`},
	} {
		p, bases := start(t, program, []string{c.env}, c.args...)
		fetch(t, bases["fights"]+"/api/fights/execute_fight")
		if got := fetch(t, bases["fights"]+"/api/fights/count"); got != c.want {
			t.Errorf("%s: got count %s, want %s", c.name, got, c.want)
		}
		if !strings.Contains(p.Stdout.String(), c.dir+"\n") {
			t.Errorf("%s: up does not announce the folder %s: %s", c.name, c.dir, p.Stdout.String())
		}
		if _, err := os.Stat(filepath.Join(c.dir, "heroes.db")); err != nil {
			t.Error(err)
		}
		stop(t, p)
	}
}

func testFolderInUse(t *testing.T, program string) {
	dir := t.TempDir()
	running, bases := start(t, program, nil, "--data-dir="+dir)
	fetch(t, bases["fights"]+"/api/fights/execute_fight")
	second := system.Start(t, program, nil, append(anyPort, "--data-dir="+dir)...)
	code := second.Wait(t, soon)
	outcome{code, second.Stdout.String(), second.Stderr.String()}.check(t, exitError, dir, "--data-dir", "in use")
	fetch(t, bases["fights"]+"/api/fights/execute_fight") // the second process damaged no data
	before := fetch(t, bases["fights"]+"/api/fights")

	running.Kill()
	again, bases := start(t, program, nil, "--data-dir="+dir)
	if diff := cmp.Diff(before, fetch(t, bases["fights"]+"/api/fights")); diff != "" {
		t.Errorf("fights after kill -9 (-want +got):\n%s", diff)
	}
	stop(t, again)
}

// testPortBase runs a copy with seven ports in a row, and checks its health with the same port base.
func testPortBase(t *testing.T, program string) {
	base := sevenPorts(t)
	p := system.Start(t, program, nil, "--data-dir="+t.TempDir(), fmt.Sprint("--port-base=", base))
	await.True(t, "up announces all addresses", func() bool { return curl.MatchString(p.Stdout.String()) })
	for i, service := range []string{"arena", "heroes", "villains", "locations", "fights", "statistics", "admin"} {
		if at := fmt.Sprintf("  %-10s http://127.0.0.1:%d/", service, base+i); !strings.Contains(p.Stdout.String(), at) {
			t.Errorf("no %q in %s", at, p.Stdout.String())
		}
	}
	invoke("health", fmt.Sprint("--port-base=", base)).check(t, exitOK, fmt.Sprintf("arena on 127.0.0.1:%d is ready", base))
	stop(t, p)
}

// sevenPorts returns the first of seven free ports in a row.
func sevenPorts(t *testing.T) int {
	t.Helper()
	for base := 20_000; base < 60_000; base += 7 {
		free := true
		for port := base; port < base+7 && free; port++ {
			listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if free = err == nil; free {
				_ = listener.Close()
			}
		}
		if free {
			return base
		}
	}
	t.Fatal("there are no seven free ports in a row")
	return 0
}

// testInterrupted interrupts a command that would take a long time: its exit code names the signal, as a shell expects.
func testInterrupted(t *testing.T, program string) {
	dir := t.TempDir()
	p := system.Start(t, program, nil, "seed", "heroes", "--count=100000000", "--data-dir="+dir)
	await.True(t, "the command writes", func() bool {
		_, err := os.Stat(filepath.Join(dir, "heroes.db"))
		return err == nil
	})
	p.Signal(t, syscall.SIGINT)
	outcome{p.Wait(t, soon), p.Stdout.String(), p.Stderr.String()}.check(t, exitSignal+int(syscall.SIGINT), "interrupted")
}

func testHealth(t *testing.T, program string) {
	p, bases := start(t, program, nil, "--data-dir="+t.TempDir())
	bases["arena"] = strings.TrimSuffix(page.FindStringSubmatch(p.Stdout.String())[1], "/")
	all, addrs := []string{"health"}, map[string]string{}
	for service, base := range bases {
		addrs[service] = strings.TrimPrefix(base, "http://")
		all = append(all, "--"+service+"-addr="+addrs[service])
	}
	silent, other := listener(t, func(net.Conn) {}), listener(t, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 1))
		_, _ = io.WriteString(c, "500 Syntax error\r\n")
	})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer mute.Close()
	website := httptest.NewServer(http.NotFoundHandler())
	defer website.Close()
	_, port, _ := strings.Cut(addrs["heroes"], ":")
	missing := system.FreeAddr(t)
	var ready []string
	for _, service := range []string{"heroes", "villains", "locations", "fights", "arena", "statistics"} {
		ready = append(ready, service+" on "+addrs[service]+" is ready\n")
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"all", all, exitOK, []string{strings.Join(ready, "")}},
		{"all but one", append(all[:7:7], "--statistics-addr="+missing, "--no-statistics"), exitOK, ready[:5]},
		{"all but another", append(all[:7:7], "--arena-addr="+missing, "--no-arena"), exitOK, ready[:4]},
		{"a service is missing", append(all[:7:7], "--villains-addr="+missing), exitError, []string{
			"superheroes: villains on " + missing + " is not ready: nothing is listening there (connection refused)\n"}},
		{"a service", []string{"health", "--addr=" + addrs["heroes"]}, exitOK, []string{addrs["heroes"] + " is ready"}},
		{"a service that listens on all addresses", []string{"health", "--addr=:" + port}, exitOK, []string{":" + port + " is ready"}},
		{"a service that listens on 0.0.0.0", []string{"health", "--addr=0.0.0.0:" + port}, exitOK, []string{" is ready"}},
		{"a service that hangs", []string{"health", "--timeout=200ms", "--addr=" + silent}, exitError, []string{
			"superheroes: " + silent + " is not ready: no response within 200ms\n"}},
		{"a server that closes connections", []string{"health", "--addr=" + mute.Listener.Addr().String()}, exitError, []string{"is not ready: the connection was closed"}},
		{"another protocol", []string{"health", "--addr=" + other}, exitError, []string{"is not ready: what listens there doesn't speak HTTP"}},
		{"another web server", []string{"health", "--addr=" + website.Listener.Addr().String()}, exitError, []string{"it responds with 404"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := invoke(c.args...)
			if c.code != exitOK {
				got.stdout = "" // lists the services that are ready
			}
			got.check(t, c.code, c.says...)
		})
	}
	stop(t, p)
}

// The services are checked at once: one that responds only after another has been checked is ready.
func TestHealthChecksAtOnce(t *testing.T) {
	checked := make(chan struct{})
	second := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(checked) }))
	defer second.Close()
	first := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-checked }))
	defer first.Close()
	args := []string{"health", "--no-arena", "--no-statistics", "--timeout=" + soon.String(), "--fights-addr=" + second.Listener.Addr().String()}
	for _, service := range []string{"heroes", "villains", "locations"} {
		args = append(args, "--"+service+"-addr="+first.Listener.Addr().String())
	}
	invoke(args...).check(t, exitOK)
}

// listener returns the address of a TCP server that calls greet with each connection.
func listener(t *testing.T, greet func(net.Conn)) string {
	t.Helper()
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = at.Close() })
	go func() {
		for {
			conn, err := at.Accept()
			if err != nil {
				return
			}
			greet(conn)
		}
	}()
	return at.Addr().String()
}

func testHealthDraining(t *testing.T, program string) {
	p, bases := start(t, program, nil, "--data-dir="+t.TempDir(), "--drain-delay=1m")
	addr := strings.TrimPrefix(bases["fights"], "http://")
	p.Signal(t, syscall.SIGTERM)
	var last outcome
	await.True(t, "the health command reports that the service is draining", func() bool {
		last = invoke("health", "--addr="+addr)
		return last.code != exitOK
	})
	last.check(t, exitError, addr+" is not ready: draining: the service is shutting down\n")
	fetch(t, bases["fights"]+"/livez")
	p.Signal(t, syscall.SIGTERM) // the second signal stops the service immediately
	p.Wait(t, soon)
}
