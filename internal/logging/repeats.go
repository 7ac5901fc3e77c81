package logging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// interval is how long lines of one cause are counted before one line says how many there were.
	interval = 10 * time.Second
	// maxCauses bounds the memory: causes beyond it share one count.
	maxCauses = 100
)

// repeats is a slog.Handler that keeps a cause that goes on, such as a store that is away, from filling the log. The
// first line of a cause is written at once. Lines of the same cause within the next ten seconds are counted; then, and
// again every ten seconds while it goes on, one line says how many there were, with what the last one said. After ten
// seconds without it, the cause is new again.
//
// It is about trouble only: what is less severe than a warning, the access log above all, is always written.
type repeats struct {
	slog.Handler // where lines go
	counts       *counts
}

func newRepeats(next slog.Handler) *repeats {
	return &repeats{next, &counts{byCause: map[cause]*count{}}}
}

// Flush writes the counts of a logger made by New, so that none is lost at the program's end. After it every line is written.
func Flush(log *slog.Logger) {
	if h, ok := log.Handler().(*repeats); ok {
		h.counts.flush()
	}
}

// Handle implements slog.Handler. The values of a counted line are kept, and formatted if it turns out to be the last one.
func (h *repeats) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelWarn && h.counts.counted(record, h.Handler) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h *repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &repeats{h.Handler.WithAttrs(attrs), h.counts}
}

// WithGroup implements slog.Handler.
func (h *repeats) WithGroup(name string) slog.Handler {
	return &repeats{h.Handler.WithGroup(name), h.counts}
}

// cause is what lines have in common that are counted together. The zero cause is that of all lines for which there is no
// room any more.
type cause struct {
	level   slog.Level
	message string
	detail  string // of the error that the line names, if any
}

// Detailed is an error that says in words of its own what exactly is wrong: the same words each time that it goes wrong
// in the same way, without ids, ports and times.
type Detailed interface {
	error
	LogDetail() string
}

// causeOf returns the cause of a line. Its message names the kind of trouble, and its error may have details; all else
// differs each time.
func causeOf(record slog.Record) cause {
	c := cause{level: record.Level, message: record.Message}
	record.Attrs(func(attr slog.Attr) bool {
		if attr.Value.Kind() != slog.KindAny {
			return true
		}
		err, is := attr.Value.Any().(error)
		if is {
			c.detail = detailOf(err, record.Level)
		}
		return !is
	})
	return c
}

// detailOf returns what tells an error apart from others that are logged with the same message. An error of ours, which
// nobody foresaw, has only its text: that of the innermost one, which doesn't say for which id it was.
func detailOf(err error, level slog.Level) string {
	if detailed, is := errors.AsType[Detailed](err); is {
		return detailed.LogDetail()
	}
	if level < slog.LevelError {
		return ""
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return fmt.Sprint(err) // of a nil pointer too
}

// count is how often a cause came again since its interval began.
type count struct {
	since time.Time
	times int
	level slog.Level // the highest
	last  slog.Record
	to    slog.Handler // where the last one would have gone
	timer *time.Timer  // ends the interval; set only when there is something to say then
}

// over reports whether the interval has ended without a repetition.
func (c *count) over(now time.Time) bool { return c.times == 0 && now.Sub(c.since) >= interval }

// counts are the causes of the last interval. Its methods may be called concurrently.
type counts struct {
	mu      sync.Mutex
	byCause map[cause]*count
	flushed bool
}

// counted counts a line, or reports that it is the first of its cause and must be written.
func (c *counts) counted(record slog.Record, to slog.Handler) bool {
	why, now := causeOf(record), record.Time
	if now.IsZero() {
		now = time.Now()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flushed {
		return false
	}
	repeated := c.byCause[why]
	if repeated == nil && !c.room(now) {
		why = cause{}
		repeated = c.byCause[why]
	}
	if repeated == nil || repeated.over(now) {
		c.byCause[why] = &count{since: now}
		return false
	}
	if repeated.times == 0 {
		repeated.timer = c.endAfter(repeated.since.Add(interval).Sub(now), why)
	}
	repeated.times++
	repeated.level = max(repeated.level, record.Level)
	repeated.last, repeated.to = record, to
	return true
}

// room makes room for one more cause, and reports whether there is. The mutex is held.
func (c *counts) room(now time.Time) bool {
	if len(c.byCause) >= maxCauses {
		maps.DeleteFunc(c.byCause, func(_ cause, old *count) bool { return old.over(now) })
	}
	return len(c.byCause) < maxCauses
}

func (c *counts) endAfter(wait time.Duration, why cause) *time.Timer {
	return time.AfterFunc(wait, func() { c.end(why) })
}

// end ends a cause's interval, and begins the next one.
func (c *counts) end(why cause) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if repeated := c.byCause[why]; repeated != nil && repeated.times > 0 {
		repeated.write(why)
		c.byCause[why] = &count{since: time.Now()}
	}
}

func (c *counts) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushed = true
	inOrder := func(a, b cause) int { return c.byCause[a].last.Time.Compare(c.byCause[b].last.Time) }
	for _, why := range slices.SortedFunc(maps.Keys(c.byCause), inOrder) {
		if repeated := c.byCause[why]; repeated.times > 0 {
			repeated.timer.Stop()
			repeated.write(why)
		}
	}
	clear(c.byCause)
}

// write writes the line that says how often a cause came again: the last of its lines, with the number of them.
func (c *count) write(why cause) {
	message := c.last.Message + " (repeated)"
	if why == (cause{}) {
		message = "various causes, the last: " + message
	}
	now := time.Now()
	line := slog.NewRecord(now, c.level, message, 0)
	line.AddAttrs(slog.Int("times", c.times), slog.Duration("span", now.Sub(c.since).Round(time.Second/10)))
	c.last.Attrs(func(attr slog.Attr) bool {
		line.AddAttrs(attr)
		return true
	})
	_ = c.to.Handle(context.Background(), line) // there is nowhere to tell that a log can't be written
}
