package faults

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/fakepeer"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// opened counts the connections through a proxy.
type opened struct{ atomic.Int64 }

func (o *opened) relays() (up, down tcpproxy.Relay) {
	o.Add(1)
	return tcpproxy.All()
}

// Heroes and villains use a PostgreSQL that hangs, while clients of fights come and give up. This costs the stores
// few connections, and once one request is served again, all are. How long that takes is reported.
func testPostgresThatHung(t *testing.T, program string) {
	for _, profile := range []string{"strict", "eco"} {
		t.Run(profile, func(t *testing.T) {
			opens := &opened{}
			// By default a connection is first tried with TLS, which would count twice.
			heroes, heroesURL := through(t, engines.Postgres(t)+"?sslmode=disable", opens.relays)
			villains, villainsURL := through(t, engines.Postgres(t)+"?sslmode=disable", opens.relays)
			become := func(state tcpproxy.State) { heroes.Become(state); villains.Become(state) }
			args := []string{"--profile=" + profile}
			h := start(t, program, "heroes", []string{"DATABASE_URL=" + heroesURL}, args...)
			v := start(t, program, "villains", []string{"DATABASE_URL=" + villainsURL}, args...)
			locations := fakepeer.New(t, fakepeer.Answers(http.StatusOK, fakepeer.Location))
			h.Ready(t, h.url+"/readyz")
			v.Ready(t, v.url+"/readyz")
			fights := startFights(t, program, t.TempDir(), []string{"HEROES_URL=" + h.url, "VILLAINS_URL=" + v.url, "LOCATIONS_URL=" + locations.URL}, args...)
			fight := func() int { return hasty(t, fights.url+execute, time.Minute) }
			await.True(t, "fights are fought", func() bool { return fight() == http.StatusOK })

			before, begin := opens.Load(), time.Now()
			clients := startClients(t, fights.url+execute)
			become(tcpproxy.Hangs)
			time.Sleep(hanging)
			during := opens.Load()
			become(tcpproxy.Passes)
			back := time.Now()
			rounds := int64(back.Sub(begin)/connecting) + 2
			clients.recovers()
			failed, last := clients.failedSince(back)
			t.Logf("%d requests failed after it was back, the last after %s; connections: %d while it hung, %d after that",
				failed, last.Round(time.Millisecond), during-before, opens.Load()-during)
			// Each store opens few connections at a time while it hangs, and at most one per client after that.
			if n, most := opens.Load()-before, 2*(opening*rounds+crowdSize); n > most {
				t.Errorf("%d connections were opened, want at most %d", n, most)
			}
			for _, s := range []service{h, v} {
				get(t, s.url+"/readyz").want(t, http.StatusOK)
			}
		})
	}
}

// hanging is how long the store hangs: longer than it takes to give up opening a connection, longer than a request
// may take, longer than eco picks from memory.
const hanging = 6 * time.Second

const (
	connecting = 2 * time.Second // how long a service tries to open a connection
	opening    = 4               // how many it opens at a time
	crowdSize  = 20
)

// crowd is clients that send the same request again and again, some of them impatient.
type crowd struct {
	t      *testing.T
	url    string
	wait   sync.WaitGroup
	leave  atomic.Bool // when they are served again
	mu     sync.Mutex
	failed []time.Time // when requests failed
}

func startClients(t *testing.T, url string) *crowd {
	l := &crowd{t: t, url: url}
	for i := range crowdSize {
		l.wait.Go(func() { l.client([]time.Duration{300 * time.Millisecond, time.Minute}[i%2]) })
	}
	return l
}

// client sends requests until enough in a row were served.
func (l *crowd) client(patience time.Duration) {
	const enough = 30
	for served := 0; served < enough || !l.leave.Load(); {
		if hasty(l.t, l.url, patience) == http.StatusOK {
			served++
			continue
		}
		served = 0
		l.mu.Lock()
		l.failed = append(l.failed, time.Now())
		l.mu.Unlock()
		time.Sleep(20 * time.Millisecond) // as a client does that is told to retry later
	}
}

// recovers waits until every client is served again.
func (l *crowd) recovers() {
	l.leave.Store(true)
	l.wait.Wait()
}

// failedSince returns how many requests failed after a given time, and how long after it the last one did.
func (l *crowd) failedSince(begin time.Time) (n int, last time.Duration) {
	for _, at := range l.failed {
		if at.After(begin) {
			n, last = n+1, max(last, at.Sub(begin))
		}
	}
	return n, last
}

// hasty requests url, and gives up after the given time. It returns the status, or 0 for none.
func hasty(t *testing.T, url string, patience time.Duration) int {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return 0
	}
	response, err := system.Client().Do(request)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// trouble is a change to a table while a service uses it, and its effect on requests.
type trouble struct {
	name       string
	harm, mend string
	read, pick int // pick is for strict; in eco picks may come from memory for a while
	write      int
	ready      int
	log        string
}

// testPostgresTrouble changes the table of a running service in the ways people do, with requests meanwhile.
func testPostgresTrouble(t *testing.T, program string) {
	at := engines.Postgres(t)
	db, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(t.Context())) }()
	exec := func(t *testing.T, statement string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	s := start(t, program, "heroes", []string{"DATABASE_URL=" + at, "ADMIN_TOKEN=secret", "DEADLINE=1s"}, "--profile=strict")
	s.Ready(t, s.url+"/readyz")
	list := s.url + "/api/heroes"
	write := func() answer {
		return ask(t, http.MethodPatch, list+"/1", `{"level":7}`, "Authorization", "Bearer secret")
	}
	for _, c := range []trouble{
		{"renamed", "ALTER TABLE hero RENAME TO away", "ALTER TABLE away RENAME TO hero", 500, 500, 500, 503, "does not exist"},
		{"a column renamed", "ALTER TABLE hero RENAME othername TO other_name", "ALTER TABLE hero RENAME other_name TO othername", 500, 500, 500, 503, "other"},
		{"locked", "BEGIN; LOCK TABLE hero IN ACCESS EXCLUSIVE MODE", "COMMIT", 503, 503, 503, 503, "lock timeout"},
		{"altered", "ALTER TABLE hero ALTER level TYPE bigint", "ALTER TABLE hero ALTER level TYPE integer", 200, 200, 200, 200, ""},
		{"full", "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no space' USING ERRCODE = '53100'; END$$;" +
			"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON hero FOR EACH ROW EXECUTE FUNCTION full_disk()", "DROP TRIGGER full_disk ON hero", 200, 200, 503, 200, "disk is full"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(s.Stderr.String())
			exec(t, c.harm)
			time.Sleep(inMemory)
			get(t, s.url+"/readyz").want(t, c.ready)
			get(t, list).want(t, c.read)
			get(t, list+"/1").want(t, c.read)
			get(t, list+"/random").want(t, c.pick)
			got := write().want(t, c.write)
			if c.write != http.StatusOK && !strings.Contains(got.body, "nothing was written") {
				t.Errorf("the response doesn't say that nothing was written: %s", got.body)
			}
			if c.write != http.StatusOK {
				await.True(t, "the log says "+c.log, func() bool { return strings.Contains(s.Stderr.String()[before:], c.log) })
			} else if log := firstLines(s.Stderr.String()[before:]); log != "" {
				t.Errorf("nothing happened, and the log says:\n%s", log)
			}
			exec(t, c.mend)
			for _, got := range []answer{get(t, s.url+"/readyz"), get(t, list), get(t, list+"/1"), get(t, list+"/random"), write()} {
				got.want(t, http.StatusOK)
			}
		})
	}
	t.Run("one row", func(t *testing.T) {
		exec(t, "ALTER TABLE hero ALTER level TYPE bigint")
		exec(t, "UPDATE hero SET level = 5000000000 WHERE id = 51")
		get(t, list+"/51").wantProblem(t, http.StatusInternalServerError, "51")
		get(t, list).wantProblem(t, http.StatusInternalServerError, "51")
		get(t, list+"/1").want(t, http.StatusOK)
		get(t, list+"?after=51").want(t, http.StatusOK)
		get(t, s.url+"/readyz").want(t, http.StatusOK)
		write().want(t, http.StatusOK)
		exec(t, "DELETE FROM hero WHERE id <> 51")
		time.Sleep(inMemory)
		get(t, list+"/random").wantProblem(t, http.StatusInternalServerError, "51")
		change := func(method, body string, header ...string) answer {
			return ask(t, method, list+"/51", body, append(header, "Authorization", "Bearer secret")...)
		}
		change(http.MethodPatch, `{"name":"Ada"}`).wantProblem(t, http.StatusInternalServerError, "51")
		change(http.MethodPut, `{"name":"Ada"}`, "If-Match", `"seen"`).wantProblem(t, http.StatusPreconditionFailed, "If-Match")
		change(http.MethodPut, `{"name":"Ada"}`, "If-Match", "*").want(t, http.StatusOK)
		get(t, list+"/random").want(t, http.StatusOK)
		exec(t, "UPDATE hero SET level = 5000000000 WHERE id = 51")
		change(http.MethodDelete, "").want(t, http.StatusNoContent)
		await.True(t, "the log says what is wrong", func() bool { return strings.Contains(s.Stderr.String(), "level: 5000000000") })
	})
	t.Run("at the start", func(t *testing.T) {
		exec(t, "ALTER TABLE hero RENAME othername TO other_name; ALTER TABLE hero ALTER level TYPE text")
		again := start(t, program, "heroes", []string{"DATABASE_URL=" + at}, "--store-wait=10m")
		wantOneLine(t, again.Process, "--database-url", "table hero has no column otherName, has a column level of type text instead of an integer")
	})
}

// Without its parameter every start fails with one line that names it; with it the contract holds.
func testPgBouncer(t *testing.T, program string) {
	at := engines.PgBouncer(t, engines.Postgres(t)).URL
	bare, parameter, _ := strings.Cut(at, "?")
	for range 2 {
		refused := start(t, program, "heroes", []string{"DATABASE_URL=" + bare}, "--store-wait=10m")
		wantOneLine(t, refused.Process, "database-url", regexp.QuoteMeta(parameter))
	}
}
