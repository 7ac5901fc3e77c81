// Package faults tests how the program behaves when its dependencies fail and when it is asked to stop. The tests are
// black-box tests with real processes, sockets, signals and database servers.
package faults

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
	"superheroes/test/history"
	"superheroes/test/program"
	"superheroes/test/system"
)

// hang is the time after which a process or request is considered hung. Correct code takes far less time.
const hang = 3 * time.Minute

// atOnce is the number of tests that run in parallel. The tests spend most of their time waiting for deadlines and for
// database servers to restart.
const atOnce = "6"

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", atOnce) // sets only the flag's default; can't fail, because the flag exists
	os.Exit(m.Run())
}

// tests maps test names to test functions. Each function takes the path of the program as an argument.
type tests map[string]func(*testing.T, string)

// TestFaults runs all fault tests with one build of the program.
func TestFaults(t *testing.T) {
	t.Parallel()
	program := system.Build(t)
	t.Run("crowds", func(t *testing.T) { testCrowds(t, program) }) // runs first, because it needs all CPU cores
	for _, subject := range []tests{
		peerTests(), storeTests(), postgresTests(), mariaDBTests(), mongoDBTests(), editTests(), stopTests(), logTests(), linuxTests(),
	} {
		for name, test := range subject {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, program)
			})
		}
	}
}

// answer is an HTTP response whose body has been read.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// ask sends a request. The header parameter contains alternating names and values.
func ask(t *testing.T, method, url, body string, header ...string) answer {
	t.Helper()
	got, err := try(t, method, url, body, header...)
	if err != nil {
		t.Fatal(err)
	}
	if got.took > 10*time.Second {
		t.Errorf("%s %s took %s", method, url, got.took)
	}
	return got
}

// try is like ask, but returns an error if the server is down.
func try(t *testing.T, method, url, body string, header ...string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	client := system.Client()
	client.Timeout = hang
	begin := time.Now()
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(text), time.Since(begin)}, err
}

func get(t *testing.T, url string) answer {
	t.Helper()
	return ask(t, http.MethodGet, url, "")
}

// wantOK requests a URL and checks that the status is 200.
func wantOK(t *testing.T, url string) answer {
	t.Helper()
	return get(t, url).want(t, http.StatusOK)
}

// awaitOK waits until a URL returns 200.
func awaitOK(t *testing.T, url string) {
	t.Helper()
	await.True(t, url+" returns 200", func() bool { return get(t, url).status == http.StatusOK })
}

// wantUnready checks the reason that a service gives for not being ready. wantUnready retries if the service's own
// check timed out, which may happen on a busy machine.
func wantUnready(t *testing.T, base, reason string) {
	t.Helper()
	var got answer
	await.True(t, base+" reports the reason for not being ready", func() bool {
		got = get(t, base+"/readyz")
		return strings.Contains(got.body, reason) || !strings.Contains(got.body, "does not answer")
	})
	got.wantProblem(t, http.StatusServiceUnavailable, reason)
}

// post posts a fight to the fights service at base.
func post(t *testing.T, base string) answer {
	t.Helper()
	return ask(t, http.MethodPost, base+"/api/fights", fightBody)
}

// want checks the status code of a response.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status {
		t.Errorf("got status %d with body %s, want %d", a.status, a.body, status)
	}
	return a
}

// wantProblem checks that the response is a problem document (RFC 9457) with the given status, and that its detail
// contains the given text.
func (a answer) wantProblem(t *testing.T, status int, text string) {
	t.Helper()
	var problem struct {
		Title, Detail string
		Status        int
	}
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("got status %d with body %s, want a problem document", a.status, a.body)
	}
	if a.status != status || problem.Status != status || !strings.Contains(problem.Detail, text) {
		t.Errorf("got status %d with detail %q, want %d with %q", a.status, problem.Detail, status, text)
	}
	if retry := a.header.Get("Retry-After"); (retry != "") != (status == http.StatusServiceUnavailable) {
		t.Errorf("Retry-After is %q in a response with status %d", retry, status)
	}
}

// wantLog checks that for each of the given strings, a process has logged exactly one line that contains the string,
// and that it has logged no other lines.
func wantLog(t *testing.T, log *program.Output, texts ...string) {
	t.Helper()
	lines := slices.Collect(strings.Lines(log.String()))
	if !slices.EqualFunc(lines, texts, strings.Contains) {
		t.Errorf("the log contains the lines %q, want %q", lines, texts)
	}
}

// service represents a service that runs in its own process.
type service struct {
	*system.Process
	url string
}

// start starts a service in its own process, without waiting until it is ready. The service waits a long time for the
// store, which may be busy with other tests.
func start(t *testing.T, program, name string, env []string, args ...string) service {
	t.Helper()
	addr := system.FreeAddr(t)
	env = append([]string{"ADDR=" + addr, "DRAIN_DELAY=0s", "STORE_WAIT=2m"}, env...)
	return service{system.Start(t, program, env, append([]string{name}, args...)...), "http://" + addr}
}

// lives waits until the service is live, even if it isn't ready.
func (s service) lives(t *testing.T) {
	t.Helper()
	await.True(t, "the service is live", func() bool {
		got, err := try(t, http.MethodGet, s.url+"/livez", "")
		return err == nil && got.status == http.StatusOK
	})
}

// catalogs holds the fake peers that the fights service calls. The peers are initially healthy.
type catalogs struct{ heroes, villains, locations *fakepeer.Peer }

func newCatalogs(t *testing.T) catalogs {
	t.Helper()
	c := catalogs{fakepeer.New(t, nil), fakepeer.New(t, nil), fakepeer.New(t, nil)}
	c.recover()
	return c
}

// recover makes every peer healthy again.
func (c catalogs) recover() {
	c.heroes.Behave(fakepeer.Answers(http.StatusOK, fakepeer.Hero))
	c.villains.Behave(fakepeer.Answers(http.StatusOK, fakepeer.Villain))
	c.locations.Behave(fakepeer.Answers(http.StatusOK, fakepeer.Location))
}

func (c catalogs) named(name string) *fakepeer.Peer {
	return map[string]*fakepeer.Peer{"heroes": c.heroes, "villains": c.villains, "locations": c.locations}[name]
}

func (c catalogs) env() []string {
	return []string{"HEROES_URL=" + c.heroes.URL, "VILLAINS_URL=" + c.villains.URL, "LOCATIONS_URL=" + c.locations.URL}
}

// startFights starts the fights service in its own process, with an SQLite file in dir, and waits until the service is
// ready.
func startFights(t *testing.T, program, dir string, env []string, args ...string) service {
	t.Helper()
	s := start(t, program, "fights", append([]string{"MONGODB_URL=sqlite:" + dir + "/fights.db"}, env...), args...)
	s.Ready(t, s.url+"/readyz")
	return s
}

// stored returns the ids of all stored fights, newest first.
func stored(t *testing.T, fights string) (ids []string) {
	t.Helper()
	list, err := history.List(t.Context(), fights, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, fight := range list {
		ids = append(ids, fight.ID)
	}
	return ids
}
