package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// written calls log and returns the lines it wrote, without timestamps.
func written(t *testing.T, level slog.Level, log func(*slog.Logger)) []string {
	t.Helper()
	var out bytes.Buffer
	logger := New(&out, "heroes", Config{Level: level, Format: "text"})
	log(logger)
	Flush(logger)
	var lines []string
	for line := range strings.Lines(out.String()) {
		_, line, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " - heroes - ")
		lines = append(lines, line)
	}
	return lines
}

func equal(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// refuse logs n refused requests at the given interval. All are refused for the same reason, and have consecutive ids
// that start at first.
func refuse(log *slog.Logger, first, n int, every time.Duration) {
	for i := range n {
		if i > 0 {
			time.Sleep(every)
		}
		log.Warn("the store does not answer", "status", 503, "id", first+i, "cause", fmt.Errorf("dial :%d", 40000+i))
	}
}

// detailed is an error with a constant detail and a varying port.
type detailed struct {
	detail string
	port   int
}

func (d detailed) Error() string     { return fmt.Sprintf("%s (port %d)", d.detail, d.port) }
func (d detailed) LogDetail() string { return d.detail }

func TestRepeats(t *testing.T) {
	for _, c := range []struct {
		name string
		log  func(*slog.Logger)
		want []string
	}{
		{"once", func(l *slog.Logger) { refuse(l, 1, 1, 0) },
			[]string{`WARN - the store does not answer status=503 id=1 cause="dial :40000"`}},
		{"twice before Flush", func(l *slog.Logger) { refuse(l, 1, 2, time.Second) }, []string{
			`WARN - the store does not answer status=503 id=1 cause="dial :40000"`,
			`WARN - the store does not answer (repeated) times=1 span=1s status=503 id=2 cause="dial :40001"`}},
		{"for 25 s", func(l *slog.Logger) { refuse(l, 1, 84, 3*time.Second/10) }, []string{
			`WARN - the store does not answer status=503 id=1 cause="dial :40000"`,
			`WARN - the store does not answer (repeated) times=33 span=10s status=503 id=34 cause="dial :40033"`,
			`WARN - the store does not answer (repeated) times=33 span=10s status=503 id=67 cause="dial :40066"`,
			`WARN - the store does not answer (repeated) times=17 span=4.9s status=503 id=84 cause="dial :40083"`}},
		{"one line every 11 s: each counts as new", func(l *slog.Logger) { refuse(l, 1, 2, 11*time.Second) }, []string{
			`WARN - the store does not answer status=503 id=1 cause="dial :40000"`,
			`WARN - the store does not answer status=503 id=2 cause="dial :40001"`}},
		{"again after a pause", func(l *slog.Logger) {
			refuse(l, 1, 3, time.Second)
			time.Sleep(18*time.Second + 1)
			refuse(l, 9, 1, 0)
		}, []string{
			`WARN - the store does not answer status=503 id=1 cause="dial :40000"`,
			`WARN - the store does not answer (repeated) times=2 span=10s status=503 id=3 cause="dial :40002"`,
			`WARN - the store does not answer status=503 id=9 cause="dial :40000"`}},
		{"another message, another level", func(l *slog.Logger) {
			l.Warn("a")
			l.Warn("b")
			l.Error("a")
		}, []string{"WARN - a", "WARN - b", "ERROR - a"}},
		{"errors of different causes", func(l *slog.Logger) {
			for i := range 4 {
				l.Error("internal error", "id", i, "cause", fmt.Errorf("doing %d: %w", i, fmt.Errorf("bug %d", i%2)))
				time.Sleep(time.Second)
			}
		}, []string{
			`ERROR - internal error id=0 cause="doing 0: bug 0"`,
			`ERROR - internal error id=1 cause="doing 1: bug 1"`,
			`ERROR - internal error (repeated) times=1 span=4s id=2 cause="doing 2: bug 0"`,
			`ERROR - internal error (repeated) times=1 span=3s id=3 cause="doing 3: bug 1"`}},
		{"warnings of different details", func(l *slog.Logger) {
			for i := range 4 {
				l.Warn("the store accepts no writes", "cause", fmt.Errorf("id %d: %w", i, detailed{fmt.Sprint("full or read-only: ", i%2), i}))
				time.Sleep(time.Second)
			}
		}, []string{
			`WARN - the store accepts no writes cause="id 0: full or read-only: 0 (port 0)"`,
			`WARN - the store accepts no writes cause="id 1: full or read-only: 1 (port 1)"`,
			`WARN - the store accepts no writes (repeated) times=1 span=4s cause="id 2: full or read-only: 0 (port 2)"`,
			`WARN - the store accepts no writes (repeated) times=1 span=3s cause="id 3: full or read-only: 1 (port 3)"`}},
		{"derived loggers", func(l *slog.Logger) {
			l.Warn("a")
			l.With("k", 1).Warn("a")
			l.WithGroup("g").Warn("a", "k", 2)
		}, []string{"WARN - a", "WARN - a (repeated) g.times=2 g.span=0s g.k=2"}},
		{"info lines", func(l *slog.Logger) {
			for i := range 3 {
				l.Info("access", "id", i)
			}
		}, []string{"INFO - access id=0", "INFO - access id=1", "INFO - access id=2"}},
		{"after Flush", func(l *slog.Logger) {
			refuse(l, 1, 2, 0)
			Flush(l)
			refuse(l, 3, 2, 0)
		}, []string{
			`WARN - the store does not answer status=503 id=1 cause="dial :40000"`,
			`WARN - the store does not answer (repeated) times=1 span=0s status=503 id=2 cause="dial :40001"`,
			`WARN - the store does not answer status=503 id=3 cause="dial :40000"`,
			`WARN - the store does not answer status=503 id=4 cause="dial :40001"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { equal(t, written(t, slog.LevelInfo, c.log), c.want...) })
		})
	}
}

// times counts the lines that contain the text, both those written in full and the repetitions that summaries report.
func times(t *testing.T, lines []string, text string) (whole, repeated int) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(line, text) {
			continue
		}
		_, count, summary := strings.Cut(line, " (repeated) times=")
		if !summary {
			whole++
			continue
		}
		var n int
		if _, err := fmt.Sscan(count, &n); err != nil {
			t.Errorf("no count in %q", line)
		}
		repeated += n
	}
	return whole, repeated
}

// kept returns the number of causes that a logger remembers.
func kept(l *slog.Logger) int {
	counts := l.Handler().(*repeats).counts
	counts.mu.Lock()
	defer counts.mu.Unlock()
	return len(counts.byCause)
}

// Causes beyond the limit are counted together, and a new cause gets its own count again once older causes have
// expired.
func TestRepeatsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const causes = 10 * maxCauses
		var atOnce, later int
		lines := written(t, slog.LevelInfo, func(l *slog.Logger) {
			for i := range causes {
				l.Log(t.Context(), slog.LevelWarn+slog.Level(i%2), fmt.Sprintf("row %d", i))
			}
			atOnce = kept(l)
			time.Sleep(2 * interval)
			l.Warn("news")
			later = kept(l)
		})
		if atOnce != maxCauses+1 || later != 1 {
			t.Errorf("%d causes were remembered at first, and %d later", atOnce, later)
		}
		whole, repeated := times(t, lines, "row")
		if whole != maxCauses+1 || repeated != causes-whole {
			t.Errorf("%d lines were written in full and %d were counted, out of %d", whole, repeated, causes)
		}
		last := fmt.Sprintf("WARN+1 - various causes, the last: row %d (repeated) times=%d span=10s", causes-1, repeated)
		equal(t, lines[maxCauses+1:], last, "WARN - news")
	})
}

// Every line is either written or counted exactly once, even with concurrent loggers, at the end of an interval and
// during a Flush.
func TestRepeatsLoseNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const goroutines, each = 8, 2000
		lines := written(t, slog.LevelWarn, func(l *slog.Logger) {
			var all sync.WaitGroup
			for g := range goroutines {
				all.Go(func() {
					for i := range each {
						l.Warn([]string{"away", "full", "locked"}[(g+i)%3], "id", i)
						time.Sleep(time.Second / 100)
					}
				})
			}
			time.Sleep(each * time.Second / 200)
			Flush(l) // while lines are still being logged
			all.Wait()
		})
		total := 0
		for _, text := range []string{"away", "full", "locked"} {
			whole, repeated := times(t, lines, text)
			total += whole + repeated
		}
		if total != goroutines*each {
			t.Errorf("%d lines are accounted for, want %d", total, goroutines*each)
		}
	})
}

// A timer exists only while there are repetitions to report.
func TestNoTimerWithoutRepeats(t *testing.T) {
	log := New(io.Discard, "heroes", Config{Level: slog.LevelWarn, Format: "text"})
	log.Warn("a")
	counts := log.Handler().(*repeats).counts
	armed := func() (armed int) {
		for _, count := range counts.byCause {
			if count.timer != nil {
				armed++
			}
		}
		return armed
	}
	if armed() != 0 {
		t.Error("a timer exists after a single line")
	}
	log.Warn("a")
	if armed() != 1 {
		t.Error("no timer exists even though a line was counted")
	}
	counts.end(cause{level: slog.LevelWarn, message: "a"})
	if armed() != 0 {
		t.Error("a timer still exists after the summary was written")
	}
}

func TestRepeatsInJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := New(&out, "heroes", Config{Format: "json"})
		refuse(log, 1, 3, time.Second)
		Flush(log)
		lines := strings.Split(out.String(), "\n")
		for i, want := range []map[string]any{
			{"msg": "the store does not answer", "service": "heroes", "level": "WARN", "id": 1.0},
			{"msg": "the store does not answer (repeated)", "service": "heroes", "level": "WARN", "times": 2.0, "span": 2e9, "id": 3.0},
		} {
			var got map[string]any
			if err := json.Unmarshal([]byte(lines[i]), &got); err != nil || len(lines) != 3 {
				t.Fatalf("%v: %q", err, lines)
			}
			for key := range want {
				if got[key] != want[key] {
					t.Errorf("line %d: %s is %v, want %v", i, key, got[key], want[key])
				}
			}
		}
	})
}

func TestDebugShowsEveryLine(t *testing.T) {
	if lines := written(t, slog.LevelDebug, func(l *slog.Logger) { refuse(l, 1, 5, 0) }); len(lines) != 5 {
		t.Errorf("got %q, want 5 lines", lines)
	}
}

// stubborn is a value that must not be formatted.
type stubborn struct{ t *testing.T }

func (s stubborn) String() string {
	s.t.Error("a counted line was formatted")
	return ""
}

func TestCountedLinesAreNotFormatted(t *testing.T) {
	log := New(io.Discard, "heroes", Config{Level: slog.LevelWarn, Format: "text"})
	log.Warn("a")
	for range 3 {
		log.Warn("a", "value", stubborn{t})
	}
	log.Warn("a", "value", 1) // only the last counted line is formatted
	Flush(log)
}

// BenchmarkRepeats compares the cost of counting a line with that of writing it.
func BenchmarkRepeats(b *testing.B) {
	err := fmt.Errorf("dial: %w", errors.New("connection refused"))
	for _, c := range []struct {
		name         string
		least, level slog.Level
	}{
		{"warning", slog.LevelWarn, slog.LevelWarn}, {"error", slog.LevelWarn, slog.LevelError}, {"written", slog.LevelDebug, slog.LevelWarn},
	} {
		b.Run(c.name, func(b *testing.B) {
			log := New(io.Discard, "heroes", Config{Level: c.least, Format: "text"})
			b.ReportAllocs()
			for b.Loop() {
				log.LogAttrs(context.Background(), c.level, "the store does not answer", slog.Int("status", 503), slog.String("method", "GET"),
					slog.String("path", "/api/heroes/random_hero"), slog.String("request_id", "3kvq6odm76521d9otb7enjhwd"), slog.Any("cause", err))
			}
		})
	}
}
