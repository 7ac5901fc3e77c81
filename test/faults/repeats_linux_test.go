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

// repeatTests make a thousand requests fail with one cause, or two at once: the log stays short, and every one of them
// is in it, as a line or in a count.
func repeatTests() tests {
	return tests{
		"repeated lines, store away":               testLinesStoreAway,
		"repeated lines, damaged file":             testLinesDamagedFile,
		"repeated lines, full disk":                testLinesFullDisk,
		"repeated lines, store away and a bad row": testLinesTwoCauses,
		"repeated lines, a stop in the middle":     testLinesAtAStop,
	}
}

const (
	failures = 1000 // requests that fail
	mostLog  = 20   // lines
)

// storm sends n requests, cycling through the given ones, with 8 clients, and counts the responses by status. It ends
// early when the server is gone.
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

// failed returns those of the statuses that are logged.
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

// checkLines compares the requests that a finished process's log accounts for with those that failed, by status.
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
			t.Errorf("no line of a %d is complete", status)
		}
	}
	if fmt.Sprint(logged) != fmt.Sprint(want) || strings.Count(log, "\n") >= mostLog {
		t.Errorf("%v failed, and %d lines account for %v:\n%s", want, strings.Count(log, "\n"), logged, log)
	}
	t.Logf("%v failed; %d lines, %d bytes", want, strings.Count(log, "\n"), len(log))
}

// heroesBehind starts heroes on a PostgreSQL behind a proxy, with one unreadable row, and returns requests for a good
// row and for that one.
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

// upStores starts all services on files, stores a fight, and returns a request that stores another.
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
	got := storm(t, failures, fight) // the first one may find room in the log
	if got[http.StatusServiceUnavailable] < failures/2 {
		t.Errorf("got %v", got)
	}
	stopAndCheck(t, up, failed(got))
}

// The store comes and goes while good rows and a bad one are requested.
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

// Responses before a stop are in the log, however soon the stop follows.
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
	got := failed(await.Value(t, "nobody listens", seen))
	if got[http.StatusServiceUnavailable] < mine {
		t.Errorf("the others got %v", got)
	}
	got[http.StatusServiceUnavailable] += mine
	got[http.StatusInternalServerError]++
	if code := s.Wait(t, hang); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkLines(t, s.Process, got)
}
