package statistics

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/goleak"

	"superheroes/internal/httpserver"
	"superheroes/internal/storage"
)

// fake is a store whose fights are a number. What it counts is a batch of ten at most.
type fake struct {
	stored, counted, steps atomic.Int64
	broken                 atomic.Bool
	padding                string // makes the statistics longer
}

func (f *fake) Count(context.Context) (Progress, error) {
	f.steps.Add(1)
	if f.broken.Load() {
		return Progress{}, errors.New("broken")
	}
	n := min(f.stored.Load()-f.counted.Load(), 10)
	return Progress{Version: f.counted.Add(n), Counted: int(n), More: n == 10}, nil
}

func (f *fake) Read(context.Context) (Statistics, error) {
	if f.broken.Load() {
		return Statistics{}, errors.New("broken")
	}
	n := f.counted.Load()
	return Statistics{Total: n, Heroes: n, Version: n, Places: []Place{{f.padding, n}}}, nil
}

func (f *fake) Rebuild(context.Context) (Report, error) { return Report{}, nil }
func (f *fake) Ping(context.Context) error              { return nil }

// running is a service on a server.
type running struct {
	*Service
	store *fake
	url   string
	log   *strings.Builder // of the server
	stop  func()
}

// start starts a service at that pace. Its streams may be changed by change before anybody listens.
func start(t *testing.T, store *fake, pace Pace, most int, cfg httpserver.Config, change func(*statisticsRoutes)) running {
	t.Helper()
	text := new(strings.Builder)
	log := slog.New(slog.NewTextHandler(text, nil))
	cfg.Deadline, cfg.MaxHeaderBytes, cfg.ShutdownTimeout = 5*time.Second, 16384, 6*time.Second
	server, err := httpserver.Listen(t.Context(), "statistics", "127.0.0.1:0", cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	service := NewService(store, pace, slog.New(slog.DiscardHandler))
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
	r.store.stored.Add(n)
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

// listener reads a stream line by line.
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

// next returns the next line that isn't empty, "" at the end.
func (l *listener) next() string {
	for l.lines.Scan() {
		if line := l.lines.Text(); line != "" {
			return line
		}
	}
	return ""
}

func answer(n int64) string {
	return string(Statistics{Total: n, Heroes: n, Places: []Place{{"", n}}}.AppendJSON(nil))
}

// A fight that the counter was told of is in the next answer.
func TestGet(t *testing.T) {
	r := start(t, &fake{}, Woken(), 10, httpserver.Config{}, nil)
	for n := int64(0); n < 50; n += 7 {
		if status, body := r.get(t); status != http.StatusOK || body != answer(n) {
			t.Errorf("got %d %s, want %s", status, body, answer(n))
		}
		r.add(7)
	}
}

func TestGetWhenBroken(t *testing.T) {
	store := &fake{}
	store.broken.Store(true)
	r := start(t, store, Woken(), 10, httpserver.Config{}, nil)
	if status, body := r.get(t); status != http.StatusServiceUnavailable || !strings.Contains(body, "store") {
		t.Errorf("got %d %s", status, body)
	}
	store.broken.Store(false)
	r.add(1)
	if status, body := r.get(t); status != http.StatusOK || body != answer(1) {
		t.Errorf("when it works again: %d %s", status, body)
	}
}

func TestStream(t *testing.T) {
	r := start(t, &fake{}, Woken(), 10, httpserver.Config{ReadTimeout: 300 * time.Millisecond, WriteTimeout: 300 * time.Millisecond}, func(s *statisticsRoutes) {
		s.alive = 400 * time.Millisecond // longer than a request may take to read or an answer to write
	})
	l := r.listen(t)
	if kind := l.response.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("it is %q", kind)
	}
	if line := l.next(); line != "data: "+answer(0) {
		t.Errorf("first came %s", line)
	}
	for n := int64(1); n < 4; n++ {
		if line := l.next(); !strings.HasPrefix(line, ":") {
			t.Errorf("nothing happened and there came %s", line)
		}
		r.add(1)
		line := l.next()
		for strings.HasPrefix(line, ":") {
			line = l.next()
		}
		if line != "data: "+answer(n) {
			t.Errorf("after %d fights came %s", n, line)
		}
	}
}

// Many changes are few events, the last of which tells all.
func TestStreamIsPaced(t *testing.T) {
	r := start(t, &fake{}, Woken(), 10, httpserver.Config{}, nil)
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
	if most := 2 + int(time.Since(begin)/eventGap); events > most { // the state at once, and those in the time it took
		t.Errorf("%d events in %s", events, time.Since(begin))
	}
}

func TestTooManyStreams(t *testing.T) {
	r := start(t, &fake{}, Woken(), 2, httpserver.Config{}, nil)
	first := r.listen(t)
	r.listen(t)
	if third := r.listen(t); third.response.StatusCode != http.StatusServiceUnavailable || third.response.Header.Get("Retry-After") == "" {
		t.Errorf("the third got %s", third.response.Status)
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

// A stop ends the streams: it waits for none of them.
func TestStopEndsStreams(t *testing.T) {
	r := start(t, &fake{}, Woken(), 10, httpserver.Config{}, nil)
	l := r.listen(t)
	l.next()
	r.stop()
	if line := l.next(); line != "" || l.lines.Err() != nil {
		t.Errorf("there came %q, %v", line, l.lines.Err())
	}
	if r.log.String() != "" {
		t.Errorf("the stop logged %s", r.log) // that it broke off requests
	}
}

// When nobody stores or asks, nothing is done, if the counter is woken; else it looks ever more rarely.
func TestIdle(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	log := slog.New(slog.DiscardHandler)
	woken, looking := &fake{}, &fake{}
	pace := Pace{Watched: 10 * time.Millisecond, Alone: 10 * time.Millisecond, Look: 10 * time.Millisecond, Rest: time.Hour, Looks: 4}
	first := NewService(woken, Woken(), log)
	second := NewService(looking, pace, log)
	for woken.steps.Load() < 1 || looking.steps.Load() < 4 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(200 * time.Millisecond)
	if n := woken.steps.Load(); n != 1 {
		t.Errorf("%d steps where nothing happened, want the first one only", n)
	}
	if n := looking.steps.Load(); n != 4 {
		t.Errorf("%d looks where nothing happened, want 4 and then a rest", n)
	}
	first.Close()
	second.Close()
}

// A thousand listen and a hundred of them don't read: they are dropped, and the others get it all in time.
func TestThousandStreams(t *testing.T) {
	const listeners, stalled, changes = 1000, 100, 100
	store := &fake{padding: strings.Repeat("x", 2000)}
	pace := Pace{Watched: time.Millisecond, Alone: time.Millisecond}
	r := start(t, store, pace, 2*listeners, httpserver.Config{WriteTimeout: 5 * time.Second}, func(s *statisticsRoutes) { s.gap = time.Millisecond })
	var at sync.Map                          // when each number of fights was stored
	lags := make([]time.Duration, listeners) // the longest of each
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
			lines, first := bufio.NewScanner(conn), true
			for lines.Scan() { // until the test ends
				var n int64
				if _, err := fmt.Sscanf(lines.Text(), `data: {"total":%d,`, &n); err != nil {
					continue
				}
				if first {
					begun.Done()
				}
				first = false
				if stored, there := at.Load(n); there { // not so for those that came after the last
					lags[i] = max(lags[i], time.Since(stored.(time.Time)))
				}
				if n == changes {
					done.Done()
				}
			}
		}()
	}
	begun.Wait()
	for n := int64(1); n <= changes; n++ {
		at.Store(n, time.Now())
		r.add(1)
		time.Sleep(50 * time.Millisecond)
	}
	done.Wait()
	for r.Listeners() > listeners-stalled { // a stalled one is found out when there is no more room for it
		r.add(1)
		time.Sleep(20 * time.Millisecond)
	}
	if n := r.Listeners(); n != listeners-stalled {
		t.Errorf("%d still listen, want all that read: %d", n, listeners-stalled)
	}
	t.Logf("%d listen, %d of them don't read; %d changes reached the others within %s", listeners, stalled, changes, slices.Max(lags))
}

func TestAppendJSON(t *testing.T) {
	for want, s := range map[string]Statistics{
		`{"total":3,"heroes":1,"villains":2,"since":null,"top_winners":[],"locations":[]}`:                {Total: 3, Heroes: 1, Villains: 2},
		`{"total":7,"heroes":1,"villains":2,"unreadable":4,"since":null,"top_winners":[],"locations":[]}`: {Total: 7, Heroes: 1, Villains: 2},
	} {
		if got := string(s.AppendJSON(nil)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// spoiled is a store all of whose fights can't be read.
type spoiled struct{ fake }

func (s *spoiled) Count(ctx context.Context) (Progress, error) {
	progress, err := s.fake.Count(ctx)
	for i := range progress.Counted {
		id := fmt.Sprint(progress.Version - int64(i))
		progress.Unreadable = append(progress.Unreadable, &storage.RowError{What: "fight", ID: id, Err: errors.New("hero.name is missing")})
	}
	return progress, err
}

// Fights that can't be read are named in the log.
func TestUnreadableIsTold(t *testing.T) {
	text := new(strings.Builder)
	store := &spoiled{}
	c := newCounter(store, Woken(), slog.New(slog.NewTextHandler(text, nil)))
	c.show = func(context.Context, int64) {}
	store.stored.Store(2)
	c.round(t.Context())
	if got := text.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "fight 1 can't be read; it is counted as unreadable\" cause=\"hero.name is missing") || !strings.Contains(got, "fight 2 ") {
		t.Errorf("got %s", got)
	}
}
