package faults

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
	"superheroes/test/system"
)

const execute = "/api/fights/execute_fight"

func testLogs(t *testing.T, program string) {
	t.Run("quiet when all is well", func(t *testing.T) { testQuiet(t, program) })
	t.Run("lines", func(t *testing.T) { testLogLines(t, program) })
	t.Run("JSON", func(t *testing.T) { testLogJSON(t, program) })
	t.Run("levels", func(t *testing.T) { testLogLevels(t, program) })
	t.Run("access log", func(t *testing.T) { testAccessLog(t, program) })
	t.Run("request id", func(t *testing.T) { testRequestID(t, program) })
}

// stop stops a process gracefully. Its log is complete then.
func stop(t *testing.T, p *system.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t, hang); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// firstLines returns a log without the summaries of repeated causes.
func firstLines(log string) string {
	var first strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, " (repeated) times=") {
			first.WriteString(line)
		}
	}
	return first.String()
}

func testQuiet(t *testing.T, program string) {
	s := system.Up(t, program, t.TempDir())
	banner := s.Processes["fights"].Stdout.String()
	for path, status := range map[string]int{
		s.Fights + execute: http.StatusOK, s.Heroes + "/api/heroes": http.StatusOK, s.Heroes + "/nothing": http.StatusNotFound,
		s.Villains + "/api/villains/0": http.StatusUnprocessableEntity, s.Locations + "/docs": http.StatusOK,
	} {
		get(t, path).want(t, status)
	}
	ask(t, http.MethodPost, s.Fights+"/api/fights", "{").want(t, http.StatusBadRequest)
	process := s.Processes["fights"]
	stop(t, process)
	if log := process.Stderr.String(); log != "" {
		t.Errorf("it logged:\n%s", log)
	}
	if now := process.Stdout.String(); now != banner || banner == "" {
		t.Errorf("first it wrote:\n%s\nthen:\n%s", banner, now)
	}
}

// failing starts fights with a peer that breaks off, sends requests with this id that fail or are refused, and
// returns the log.
func failing(t *testing.T, program, id string, args ...string) string {
	t.Helper()
	peers := newCatalogs(t)
	peers.heroes.Behave(fakepeer.BreaksOff(""))
	fights := startFights(t, program, t.TempDir(), peers.env(), args...)
	ask(t, http.MethodGet, fights.url+execute, "", "X-Request-Id", id).wantProblem(t, http.StatusBadGateway, "heroes")
	ask(t, http.MethodGet, fights.url+"/api/fights/1", "", "X-Request-Id", id).wantProblem(t, http.StatusUnprocessableEntity, "path.id")
	stop(t, fights.Process)
	return fights.Stderr.String()
}

func testLogLines(t *testing.T, program string) {
	got := failing(t, program, "the-id")
	want := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z - fights - WARN - heroes failed to answer ` +
		`status=502 method=GET path=/api/fights/execute_fight request_id=the-id cause=.+\n$`)
	if !want.MatchString(got) || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q, want one line like %s", got, want)
	}
}

func testLogJSON(t *testing.T, program string) {
	text := failing(t, program, "the-id", "--log-format=json")
	var line map[string]any
	if err := json.Unmarshal([]byte(text), &line); err != nil {
		t.Fatalf("%q is not one JSON text: %v", text, err)
	}
	if _, err := time.Parse(time.RFC3339Nano, line["time"].(string)); err != nil {
		t.Error(err)
	}
	for key, want := range map[string]any{
		"level": "WARN", "service": "fights", "msg": "heroes failed to answer", "status": 502.0, "request_id": "the-id",
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
}

func testLogLevels(t *testing.T, program string) {
	for level, lines := range map[string]int{"ERROR": 0, "WARN": 1, "INFO": 1, "DEBUG": 2} {
		t.Run(level, func(t *testing.T) {
			if got := failing(t, program, "the-id", "--log-level="+level); strings.Count(got, "request_id=the-id") != lines {
				t.Errorf("want %d lines of the requests, got:\n%s", lines, got)
			}
		})
	}
}

func testAccessLog(t *testing.T, program string) {
	fights := startFights(t, program, t.TempDir(), newCatalogs(t).env(), "--access-log")
	ask(t, http.MethodGet, fights.url+execute, "", "X-Request-Id", "one").want(t, http.StatusOK)
	ask(t, http.MethodPost, fights.url+"/nothing", "", "X-Request-Id", "two").want(t, http.StatusNotFound)
	for _, want := range []string{
		` - fights - INFO - access method=GET path=/api/fights/execute_fight status=200 duration=\S+ request_id=one\n`,
		` - fights - INFO - access method=POST path=/nothing status=404 duration=\S+ request_id=two\n`,
	} {
		// The line may be written just after the response.
		await.True(t, "the log has "+want, func() bool { return regexp.MustCompile(want).MatchString(fights.Stderr.String()) })
	}
}

func testRequestID(t *testing.T, program string) {
	peers, seen := newCatalogs(t), make(chan http.Header, 3)
	for name, body := range map[string]string{"heroes": fakepeer.Hero, "villains": fakepeer.Villain, "locations": fakepeer.Location} {
		peers.named(name).Behave(func(w http.ResponseWriter, r *http.Request) {
			seen <- r.Header
			fakepeer.Answers(http.StatusOK, body)(w, r)
		})
	}
	fights := startFights(t, program, t.TempDir(), peers.env())
	for name, sent := range map[string]string{"taken": "the-id", "made": "not sane"} {
		t.Run(name, func(t *testing.T) {
			id := ask(t, http.MethodGet, fights.url+execute, "", "X-Request-Id", sent).want(t, http.StatusOK).header.Get("X-Request-Id")
			if id == "" || (id == sent) != (name == "taken") {
				t.Errorf("sent %q, got %q", sent, id)
			}
			for range 3 {
				header := await.Value(t, "each peer is asked", seen)
				if got := header.Get("X-Request-Id"); got != id {
					t.Errorf("a peer got %q, the client %q", got, id)
				}
				if header.Get("X-Request-Timeout-Ms") == "" {
					t.Error("a peer was not told how long we wait")
				}
			}
		})
	}
}
