package faults

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/smalldisk"
	"superheroes/test/system"
	"superheroes/test/tcpproxy"
)

// repeatTests returns tests in which a thousand requests fail for one or two reasons. The tests check that the log
// stays short but still accounts for every failure, either with a line of its own or in a count.
func repeatTests() tests {
	return tests{
		"repeated lines, store down":               testLinesStoreAway,
		"repeated lines, damaged file":             testLinesDamagedFile,
		"repeated lines, full disk":                testLinesFullDisk,
		"repeated lines, store down and a bad row": testLinesTwoCauses,
		"repeated lines, stop during failures":     testLinesAtAStop,
	}
}

const (
	failures = 1000 // number of requests that fail
	mostLog  = 20   // maximum number of log lines
)

// storm sends n requests from 8 clients, cycling through the given requests, and returns the number of responses by
// status code. storm stops early if the server has exited.
func storm(t *testing.T, n int64, requests ...request) map[int]int {
	var clients sync.WaitGroup
	var sent atomic.Int64
	var statuses counts
	for range 8 {
		clients.Go(func() {
			for i := sent.Add(1); i <= n; i = sent.Add(1) {
				r := requests[i%int64(len(requests))]
				got, err := try(t, r.method, r.path, r.body)
				if errors.Is(err, syscall.ECONNREFUSED) {
					return
				}
				statuses.add(got.status)
			}
		})
	}
	clients.Wait()
	return statuses.of
}

// failed returns only the counts for server errors, because only server errors are logged.
func failed(statuses map[int]int) map[int]int {
	failed := maps.Clone(statuses)
	maps.DeleteFunc(failed, func(status, _ int) bool { return status < http.StatusInternalServerError })
	return failed
}

var (
	statusOfLine = regexp.MustCompile(` status=(\d+) `)
	timesOfLine  = regexp.MustCompile(` \(repeated\) times=(\d+) `)
)

// stopAndCheck stops the process gracefully and checks its log.
func stopAndCheck(t *testing.T, p *system.Process, want map[int]int) {
	t.Helper()
	stop(t, p)
	checkLines(t, p, want)
}

// checkLines checks that the log of a finished process accounts for the given numbers of failed requests by status
// code.
func checkLines(t *testing.T, p *system.Process, want map[int]int) {
	t.Helper()
	log, logged, whole := p.Stderr.String(), map[int]int{}, map[int]int{}
	for line := range strings.Lines(log) {
		found := statusOfLine.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		status, _ := strconv.Atoi(found[1])
		if count := timesOfLine.FindStringSubmatch(line); count != nil {
			times, _ := strconv.Atoi(count[1])
			logged[status] += times
			continue
		}
		logged[status]++
		whole[status]++
	}
	for status, n := range want {
		if n > 0 && whole[status] == 0 {
			t.Errorf("no line describes a response with status %d in full", status)
		}
	}
	if fmt.Sprint(logged) != fmt.Sprint(want) || strings.Count(log, "\n") >= mostLog {
		t.Errorf("failures by status: %v, but %d lines account for %v:\n%s", want, strings.Count(log, "\n"), logged, log)
	}
	t.Logf("%v failed; %d lines, %d bytes", want, strings.Count(log, "\n"), len(log))
}

// heroesBehind starts the heroes service with a proxy in front of PostgreSQL, and makes one row unreadable.
// heroesBehind returns requests for a readable row and for the unreadable row.
func heroesBehind(t *testing.T, program string) (s service, proxy *tcpproxy.Proxy, good, bad request) {
	t.Helper()
	at := engines.Postgres(t)
	proxy, store := through(t, at, tcpproxy.All)
	s = start(t, program, "heroes", []string{"DATABASE_URL=" + store})
	s.Ready(t, s.url+"/readyz")
	db, err := pgx.Connect(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close(t.Context()) }()
	if _, err := db.Exec(t.Context(), "UPDATE hero SET level = -1 WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	requests := reads(s.url+"/api/heroes/1", s.url+"/api/heroes/2")
	return s, proxy, requests[0], requests[1]
}

func takeAway(proxy *tcpproxy.Proxy) {
	proxy.Become(tcpproxy.Refuses)
	proxy.Cut()
}

func testLinesStoreAway(t *testing.T, program string) {
	s, proxy, good, _ := heroesBehind(t, program)
	takeAway(proxy)
	got := storm(t, failures, good)
	if got[http.StatusServiceUnavailable] != failures {
		t.Errorf("got %v", got)
	}
	stopAndCheck(t, s.Process, got)
}

// upStores starts all services on the embedded store, stores a fight, and returns a request that stores another fight.
func upStores(t *testing.T, program, dir string) (*system.Process, request) {
	t.Helper()
	s := system.Up(t, program, dir)
	fight := request{http.MethodPost, s.Fights + "/api/fights", fightBody}
	ask(t, fight.method, fight.path, fight.body).want(t, http.StatusOK)
	return s.Processes["fights"], fight
}

func testLinesDamagedFile(t *testing.T, program string) {
	dir := t.TempDir()
	up, fight := upStores(t, program, dir)
	truncate(t, filepath.Join(dir, "fights.db-wal"), func(size int64) int64 { return size / 2 })
	got := storm(t, failures, fight)
	if got[http.StatusServiceUnavailable] != failures {
		t.Errorf("got %v", got)
	}
	stopAndCheck(t, up, got)
}

func testLinesFullDisk(t *testing.T, program string) {
	dir := smalldisk.Mount(t, "4m")
	up, fight := upStores(t, program, dir)
	smalldisk.Fill(t, dir)
	got := storm(t, failures, fight) // the write-ahead log may have space for the first fights
	if got[http.StatusServiceUnavailable] < failures/2 {
		t.Errorf("got %v", got)
	}
	stopAndCheck(t, up, failed(got))
}

// testLinesTwoCauses repeatedly disconnects the store while readable rows and an unreadable row are requested.
func testLinesTwoCauses(t *testing.T, program string) {
	s, proxy, good, bad := heroesBehind(t, program)
	total := map[int]int{}
	for away := range 10 {
		proxy.Become(tcpproxy.Passes)
		if away%2 == 1 {
			takeAway(proxy)
		}
		for status, n := range storm(t, failures/10, good, bad) {
			total[status] += n
		}
	}
	if total[http.StatusOK] == 0 || total[http.StatusInternalServerError] == 0 || total[http.StatusServiceUnavailable] < failures/4 {
		t.Errorf("got %v", total)
	}
	stopAndCheck(t, s.Process, failed(total))
}

// testLinesAtAStop checks that requests that fail right before the service stops are still logged.
func testLinesAtAStop(t *testing.T, program string) {
	s, proxy, good, bad := heroesBehind(t, program)
	get(t, bad.path).want(t, http.StatusInternalServerError)
	takeAway(proxy)
	seen := make(chan map[int]int)
	go func() { seen <- storm(t, 1_000_000, good, bad) }()
	const mine = 50
	for range mine {
		get(t, good.path).want(t, http.StatusServiceUnavailable)
	}
	s.Signal(t, syscall.SIGTERM)
	got := failed(await.Value(t, "the server stops", seen))
	if got[http.StatusServiceUnavailable] < mine {
		t.Errorf("responses to the other clients, by status: %v", got)
	}
	got[http.StatusServiceUnavailable] += mine
	got[http.StatusInternalServerError]++
	if code := s.Wait(t, hang); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkLines(t, s.Process, got)
}
