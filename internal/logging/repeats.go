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

	"superheroes/internal/telemetry"
)

const (
	// interval is how long lines with the same cause are counted before a summary.
	interval = 10 * time.Second
	// maxCauses limits memory use: all causes beyond this number share one count.
	maxCauses = 100
)

// repeats is a slog.Handler that prevents a persistent cause, such as an unavailable store, from flooding the log. The
// first line with a given cause is written at once. Further lines with that cause are only counted; after ten seconds,
// and every ten seconds while the cause persists, a summary reports how many lines were counted, together with the
// latest of those lines. After ten seconds without a repetition, the cause counts as new again.
//
// Only warnings and errors are counted; less severe lines, such as the access log, are always written.
type repeats struct {
	slog.Handler // the next handler
	counts       *counts
}

// Flush writes the pending counts of a logger made by New, so that no count is lost at exit. After Flush, every line is
// written.
func Flush(log *slog.Logger) {
	if h, ok := log.Handler().(*repeats); ok {
		h.counts.flush()
	}
}

// Handle implements slog.Handler. The attributes of a counted line are stored, and are formatted only if the line ends
// up in a summary.
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

// cause identifies lines that are counted together. The zero cause is shared by all causes beyond maxCauses.
type cause struct {
	level   slog.Level
	message string
	detail  string // detail of the line's error, if any
}

// Detailed is an error with a stable description: LogDetail returns the same text for the same failure, without ids,
// ports or times.
type Detailed interface {
	error
	LogDetail() string
}

// causeOf returns the cause of a line: its level, its message and the detail of its error. Other attributes may differ
// from line to line.
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

// detailOf returns text that distinguishes an error from others logged with the same message. For an unexpected error,
// the detail is the text of the innermost wrapped error. If the program created that error itself, the text contains no
// id.
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
	return fmt.Sprint(err) // safe even for a nil pointer
}

// count counts the repetitions of a cause in its current interval.
type count struct {
	since time.Time
	times int
	level slog.Level // the highest one
	last  slog.Record
	to    slog.Handler // the last one's handler
	timer *time.Timer  // ends the interval; nil until a line is counted
}

// over reports whether the interval has ended without a repetition.
func (c *count) over(now time.Time) bool { return c.times == 0 && now.Sub(c.since) >= interval }

// counts holds the counts of recent causes. It is safe for concurrent use.
type counts struct {
	mu      sync.Mutex
	byCause map[cause]*count
	flushed bool

	suppressed telemetry.Counter
}

// counted counts a line and returns true, or returns false if the line is the first with its cause and must be written.
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
		repeated.timer = time.AfterFunc(repeated.since.Add(interval).Sub(now), func() { c.end(why) })
	}
	repeated.times++
	c.suppressed.Add(1)
	repeated.level = max(repeated.level, record.Level)
	repeated.last, repeated.to = record, to
	return true
}

// room makes room for another cause if possible, and reports whether there is room. The caller must hold the mutex.
func (c *counts) room(now time.Time) bool {
	if len(c.byCause) >= maxCauses {
		maps.DeleteFunc(c.byCause, func(_ cause, old *count) bool { return old.over(now) })
	}
	return len(c.byCause) < maxCauses
}

// end writes the summary of a cause's interval and begins the next interval.
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

// write writes the summary of a cause: its last line, with the number of repetitions.
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
	_ = c.to.Handle(context.Background(), line) // if the log can't be written, the error can't be logged either
}
