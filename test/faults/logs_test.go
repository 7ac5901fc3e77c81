package faults

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
	"superheroes/test/system"
)

const execute = "/api/fights/execute_fight"

func logTests() tests {
	return tests{
		"empty log without failures": testQuiet,
		"log lines":                  testLogLines,
		"request id":                 testRequestID,
		"trace":                      testTrace,
	}
}

// stop terminates a process gracefully. When stop returns, the process's log is complete.
func stop(t *testing.T, p *system.Process) {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	if code := p.Wait(t, hang); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// firstLines returns the log without the lines that summarize repeated errors.
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
	banner := ""
	await.True(t, "up announces the addresses", func() bool {
		banner = s.Processes["fights"].Stdout.String()
		return strings.Contains(banner, "curl")
	})
	for path, status := range map[string]int{
		s.Fights + execute: http.StatusOK, s.Heroes + "/api/heroes": http.StatusOK, s.Heroes + "/nothing": http.StatusNotFound,
		s.Villains + "/api/villains/0": http.StatusUnprocessableEntity, s.Locations + "/docs": http.StatusOK,
	} {
		get(t, path).want(t, status)
	}
	ask(t, http.MethodPost, s.Fights+"/api/fights", "{").want(t, http.StatusBadRequest)
	process := s.Processes["fights"]
	stop(t, process)
	wantLog(t, &process.Stderr)
	if now := process.Stdout.String(); now != banner {
		t.Errorf("standard output at startup:\n%s\nat the end:\n%s", banner, now)
	}
}

// testLogLines checks what is logged about a failed request and about an invalid request, in each log format and at
// each log level.
func testLogLines(t *testing.T, program string) {
	const (
		start    = `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z - fights - `
		failed   = ` method=GET path=/api/fights/execute_fight `
		refused  = ` method=GET path=/api/fights/1 `
		warn     = start + `WARN - heroes failed to answer status=502` + failed + `request_id=the-id cause=.+$`
		debug    = start + `DEBUG - path.id: .+ status=422` + refused + `request_id=the-id$`
		access   = start + `INFO - access` + failed + `status=502 duration=\S+ request_id=the-id$`
		access2  = start + `INFO - access` + refused + `status=422 duration=\S+ request_id=the-id$`
		warnJSON = `^{"time":"[-\d]{10}T[:.\d]+Z","level":"WARN","msg":"heroes failed to answer","service":"fights","status":502,` +
			`"method":"GET","path":"/api/fights/execute_fight","request_id":"the-id","cause":".+"}$`
	)
	for args, want := range map[string][]string{
		"--log-level=WARN":               {warn},
		"--log-level=INFO":               {warn},
		"--log-level=ERROR":              nil,
		"--log-format=json":              {warnJSON},
		"--log-level=DEBUG --access-log": {warn, access, debug, access2},
	} {
		t.Run(args, func(t *testing.T) {
			peers := newCatalogs(t)
			peers.heroes.Behave(fakepeer.BreaksOff(""))
			fights := startFights(t, program, t.TempDir(), peers.env(), strings.Fields(args)...)
			id := []string{"X-Request-Id", "the-id"}
			ask(t, http.MethodGet, fights.url+execute, "", id...).wantProblem(t, http.StatusBadGateway, "heroes")
			ask(t, http.MethodGet, fights.url+"/api/fights/1", "", id...).wantProblem(t, http.StatusUnprocessableEntity, "path.id")
			stop(t, fights.Process)
			// The access log also contains the readiness checks made during startup.
			log := regexp.MustCompile(`(?m)^.*path=/readyz .*\n`).ReplaceAllString(fights.Stderr.String(), "")
			lines := strings.FieldsFunc(log, func(r rune) bool { return r == '\n' })
			matches := func(line, pattern string) bool { return regexp.MustCompile(pattern).MatchString(line) }
			if !slices.EqualFunc(lines, want, matches) {
				t.Errorf("the log has the lines %q, want lines that match %q", lines, want)
			}
		})
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
	for name, sent := range map[string]string{"adopted": "the-id", "replaced": "not sane"} {
		t.Run(name, func(t *testing.T) {
			id := ask(t, http.MethodGet, fights.url+execute, "", "X-Request-Id", sent).want(t, http.StatusOK).header.Get("X-Request-Id")
			if id == "" || (id == sent) != (name == "adopted") {
				t.Errorf("sent the request id %q, got %q", sent, id)
			}
			for range 3 {
				header := await.Value(t, "each peer gets a request", seen)
				if got := header.Get("X-Request-Id"); got != id {
					t.Errorf("a peer got the request id %q, but the client got %q", got, id)
				}
				if header.Get("X-Request-Timeout-Ms") == "" {
					t.Error("a peer got no X-Request-Timeout-Ms")
				}
			}
		})
	}
}

// testTrace checks that the trace context of a request reaches the peers, and that the response and the log line for a
// failure name the trace. An invalid trace context is ignored.
func testTrace(t *testing.T, program string) {
	const trace, parent = "0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	peers, seen := newCatalogs(t), make(chan http.Header, 100)
	for name, body := range map[string]string{"heroes": fakepeer.Hero, "villains": fakepeer.Villain, "locations": fakepeer.Location} {
		peers.named(name).Behave(func(w http.ResponseWriter, r *http.Request) {
			seen <- r.Header
			fakepeer.Answers(http.StatusOK, body)(w, r)
		})
	}
	fights := startFights(t, program, t.TempDir(), peers.env(), "--profile=strict")
	send := func(traceparent string) answer {
		return ask(t, http.MethodGet, fights.url+execute, "", "Traceparent", traceparent, "Tracestate", "a=1,b=2", "Baggage", "c=3")
	}
	for sent, want := range map[string][2]string{parent: {parent, "a=1,b=2"}, strings.ToUpper(parent): {}, parent + "-": {}} {
		send(sent).want(t, http.StatusOK)
		for range 3 {
			header := await.Value(t, "each peer gets a request", seen)
			if got := [2]string{header.Get("Traceparent"), header.Get("Tracestate")}; got != want || header.Get("Baggage") != "c=3" {
				t.Errorf("sent %s: a peer got %q with the baggage %q, want %q", sent, got, header.Get("Baggage"), want)
			}
		}
	}
	peers.heroes.Behave(fakepeer.BreaksOff(""))
	named, unnamed := send(parent), send(parent+"-")
	for _, problem := range []answer{named, unnamed} {
		problem.wantProblem(t, http.StatusBadGateway, "heroes")
	}
	const field = `"trace_id":"` + trace + `"`
	if !strings.Contains(named.body, field) || strings.Contains(unnamed.body, "trace_id") {
		t.Errorf("got %s and %s", named.body, unnamed.body)
	}
	stop(t, fights.Process)
	if log := fights.Stderr.String(); strings.Count(log, "trace_id="+trace+" span_id=b7ad6b7169203331") != 1 {
		t.Errorf("the trace should be named in one line of the log:\n%s", log)
	}
}
