package web

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"superheroes/internal/httpserver"
	"superheroes/internal/statistics"
	"superheroes/internal/statistics/statisticstest"
)

// running is a statistics service on a running server.
type running struct {
	*statistics.Service
	store *statisticstest.Fake
	url   string
	log   *strings.Builder // of the server
	stop  func()
}

// start starts a service that counts and reports at the given pace. The change function, if not nil, modifies the
// routes before the first client connects.
func start(t *testing.T, store *statisticstest.Fake, pace statistics.Pace, most int, cfg httpserver.Config, change func(*statisticsRoutes)) running {
	t.Helper()
	t.Parallel() // these tests mostly wait
	text := new(strings.Builder)
	log := slog.New(slog.NewTextHandler(text, nil))
	cfg.Deadline, cfg.MaxHeaderBytes, cfg.ShutdownTimeout = 5*time.Second, 16384, 6*time.Second
	server, err := httpserver.Listen(t.Context(), "statistics", "127.0.0.1:0", cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	service := statistics.NewService(store, pace, slog.New(slog.DiscardHandler))
	routes := newStatisticsRoutes(service)
	if change != nil {
		change(routes)
	}
	api := httpserver.NewAPI(huma.Info{Title: "Statistics", Version: "0"}, slog.New(slog.DiscardHandler), cfg)
	routes.addTo(api, StatisticsLimits{MaxStreams: most})
	server.OnShutdown(routes.end)
	server.Serve(api)
	stop := sync.OnceFunc(func() {
		if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		service.Close()
	})
	t.Cleanup(stop)
	return running{service, store, "http://" + server.Addr(), text, stop}
}

// add stores fights and wakes the counter.
func (r running) add(n int64) {
	r.store.Stored.Add(n)
	r.Wake()
}

func (r running) get(t *testing.T) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(r.url + "/api/statistics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// listener is a client that reads a stream line by line.
type listener struct {
	response *http.Response
	lines    *bufio.Scanner
}

func (r running) listen(t *testing.T) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/api/statistics/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = response.Body.Close()
	})
	return &listener{response, bufio.NewScanner(response.Body)}
}

// next returns the next non-empty line, or "" at the end of the stream.
func (l *listener) next() string {
	for l.lines.Scan() {
		if line := l.lines.Text(); line != "" {
			return line
		}
	}
	return ""
}

func answer(n int64) string {
	return string(statistics.Statistics{Total: n, Heroes: n, Places: []statistics.Place{{Fights: n}}}.AppendJSON(nil))
}

// Once a stored fight has woken the counter, the next response includes the fight.
func TestGet(t *testing.T) {
	r := start(t, &statisticstest.Fake{}, statistics.Woken(), 10, httpserver.Config{}, nil)
	for n := int64(0); n < 50; n += 7 {
		if status, body := r.get(t); status != http.StatusOK || body != answer(n) {
			t.Errorf("got %d %s, want %s", status, body, answer(n))
		}
		r.add(7)
	}
}

func TestGetWhenBroken(t *testing.T) {
	store := &statisticstest.Fake{}
	store.Broken.Store(true)
	r := start(t, store, statistics.Woken(), 10, httpserver.Config{}, nil)
	if status, body := r.get(t); status != http.StatusServiceUnavailable || !strings.Contains(body, "store") {
		t.Errorf("got %d %s", status, body)
	}
	store.Broken.Store(false)
	r.add(1)
	if status, body := r.get(t); status != http.StatusOK || body != answer(1) {
		t.Errorf("after the store has recovered: got %d %s", status, body)
	}
}

func TestStream(t *testing.T) {
	r := start(t, &statisticstest.Fake{}, statistics.Woken(), 10, httpserver.Config{ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond}, func(s *statisticsRoutes) {
		s.alive = 400 * time.Millisecond // longer than both the read and the write timeout
	})
	l := r.listen(t)
	if kind := l.response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %q", kind)
	}
	if line := l.next(); line != "data: "+answer(0) {
		t.Errorf("the first event is %s", line)
	}
	for n := int64(1); n < 4; n++ {
		if line := l.next(); !strings.HasPrefix(line, ":") {
			t.Errorf("without a change, got line %s, want a comment", line)
		}
		r.add(1)
		line := l.next()
		for strings.HasPrefix(line, ":") {
			line = l.next()
		}
		if line != "data: "+answer(n) {
			t.Errorf("after %d fights, got %s", n, line)
		}
	}
}

// Many changes yield only a few events, the last of which includes all changes.
func TestStreamIsPaced(t *testing.T) {
	r := start(t, &statisticstest.Fake{}, statistics.Woken(), 10, httpserver.Config{}, nil)
	l := r.listen(t)
	begin, events := time.Now(), 0
	go func() {
		for range 100 {
			r.add(1)
			time.Sleep(10 * time.Millisecond)
		}
	}()
	for line := l.next(); ; line = l.next() {
		if line == "" {
			t.Fatal("the stream ended")
		}
		events++
		if line == "data: "+answer(100) {
			break
		}
	}
	if most := 2 + int(time.Since(begin)/eventGap); events > most { // the initial state, and one event per gap
		t.Errorf("got %d events in %s, want at most one per gap", events, time.Since(begin))
	}
}

func TestTooManyStreams(t *testing.T) {
	r := start(t, &statisticstest.Fake{}, statistics.Woken(), 2, httpserver.Config{}, nil)
	first := r.listen(t)
	r.listen(t)
	if third := r.listen(t); third.response.StatusCode != http.StatusServiceUnavailable || third.response.Header.Get("Retry-After") == "" {
		t.Errorf("the third stream got %s, want a 503", third.response.Status)
	}
	_ = first.response.Body.Close()
	for {
		again := r.listen(t)
		if again.response.StatusCode == http.StatusOK {
			break
		}
		_ = again.response.Body.Close()
	}
}

// A stopping server ends all streams instead of waiting for them.
func TestStopEndsStreams(t *testing.T) {
	r := start(t, &statisticstest.Fake{}, statistics.Woken(), 10, httpserver.Config{}, nil)
	l := r.listen(t)
	l.next()
	r.stop()
	if line := l.next(); line != "" || l.lines.Err() != nil {
		t.Errorf("after the stop: got line %q, error %v", line, l.lines.Err())
	}
	if r.log.String() != "" {
		t.Errorf("the stop logged %s", r.log) // a warning that requests were aborted
	}
}

// Clients that don't read are dropped, and all others receive the latest state.
func TestClientsThatDontRead(t *testing.T) {
	const listeners, stalled, changes = 200, 20, 50
	store := &statisticstest.Fake{Padding: strings.Repeat("x", 2000)}
	pace := statistics.Pace{Watched: time.Millisecond, Alone: time.Millisecond}
	r := start(t, store, pace, 2*listeners, httpserver.Config{WriteTimeout: 5 * time.Second}, func(s *statisticsRoutes) { s.gap = time.Millisecond })
	var begun, done sync.WaitGroup
	for i := range listeners {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if i < stalled {
			_ = conn.(*net.TCPConn).SetReadBuffer(4096)
		}
		if _, err := io.WriteString(conn, "GET /api/statistics/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if i < stalled {
			continue
		}
		begun.Add(1)
		done.Add(1)
		go func() {
			begin := sync.OnceFunc(begun.Done)
			for lines := bufio.NewScanner(conn); lines.Scan(); { // until the test ends
				var n int64
				if _, err := fmt.Sscanf(lines.Text(), `data: {"total":%d,`, &n); err != nil {
					continue
				}
				begin()
				if n == changes {
					done.Done()
				}
			}
		}()
	}
	begun.Wait()
	for range changes {
		r.add(1)
		time.Sleep(10 * time.Millisecond)
	}
	done.Wait()
	for r.Listeners() > listeners-stalled { // a stalled client is noticed only when its buffer is full
		r.add(1)
		time.Sleep(10 * time.Millisecond)
	}
	if n := r.Listeners(); n != listeners-stalled {
		t.Errorf("%d clients are still listening, want the %d that read", n, listeners-stalled)
	}
}
