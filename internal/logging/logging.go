// Package logging provides the services' loggers: log/slog records as lines of text or JSON, with repeated warnings and
// errors summarized. Of the program's packages it imports only telemetry. A line in text format looks like this:
//
//	2026-01-02T15:04:05.000Z - heroes - WARN - message key=value …
package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// timeLayout is RFC 3339 in UTC with milliseconds, always of the same width.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Config selects the lowest level to log and the format.
type Config struct {
	Level  slog.Level `name:"log-level" default:"WARN" help:"Lowest level to log: DEBUG, INFO, WARN (or WARNING) or ERROR."`
	Format string     `name:"log-format" default:"text" enum:"text,json" help:"Format of log lines: text or json."`
}

// Levels returns the levels that can be configured, from the lowest.
func Levels() []slog.Level {
	return []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
}

// ParseLevel parses the name of a level, ignoring case. WARNING means WARN.
func ParseLevel(name string) (slog.Level, error) {
	upper := strings.ToUpper(name)
	if upper == "WARNING" {
		return slog.LevelWarn, nil
	}
	for _, level := range Levels() {
		if level.String() == upper {
			return level, nil
		}
	}
	return 0, fmt.Errorf("must be DEBUG, INFO, WARN (or WARNING) or ERROR, not %q", name)
}

// New returns the logger of a service. It writes to w and is safe for concurrent use. Repeated warnings and errors are
// counted instead of written, so call Flush before the program exits. At level DEBUG every line is written.
func New(w io.Writer, service string, cfg Config) *slog.Logger {
	var handler slog.Handler = &lineHandler{out: Shared(w), service: service, level: cfg.Level}
	if cfg.Format == "json" {
		json := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: cfg.Level})
		handler = json.WithAttrs([]slog.Attr{slog.String("service", service)})
	}
	handler = &counting{handler, &lineCounts{}}
	if cfg.Level > slog.LevelDebug {
		handler = &repeats{handler, &counts{byCause: map[cause]*count{}}}
	}
	return slog.New(handler)
}

// Shared returns a writer that the loggers of several services can share: each line is written in one piece.
func Shared(w io.Writer) io.Writer { return &lockedWriter{w: w} }

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// lineHandler is a slog.Handler for the text format.
type lineHandler struct {
	out     io.Writer
	service string
	level   slog.Level
	attrs   string // formatted attributes, each with a leading space
	group   string // prefix of subsequent keys, with a trailing dot
}

func (h *lineHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

func (h *lineHandler) Handle(_ context.Context, record slog.Record) error {
	var line strings.Builder
	at := record.Time
	if at.IsZero() {
		at = time.Now()
	}
	fmt.Fprintf(&line, "%s - %s - %s - %s%s", at.UTC().Format(timeLayout), h.service, record.Level, oneLine(record.Message), h.attrs)
	record.Attrs(func(attr slog.Attr) bool {
		appendAttr(&line, h.group, attr)
		return true
	})
	line.WriteByte('\n')
	_, err := io.WriteString(h.out, line.String())
	return err
}

func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var text strings.Builder
	for _, attr := range attrs {
		appendAttr(&text, h.group, attr)
	}
	next := *h
	next.attrs += text.String()
	return &next
}

func (h *lineHandler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.group += name + "."
	}
	return &next
}

func appendAttr(line *strings.Builder, group string, attr slog.Attr) {
	value := attr.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if attr.Key != "" {
			group += attr.Key + "."
		}
		for _, member := range value.Group() {
			appendAttr(line, group, member)
		}
		return
	}
	if attr.Equal(slog.Attr{}) {
		return
	}
	line.WriteByte(' ')
	line.WriteString(quoteIfNeeded(group + attr.Key))
	line.WriteByte('=')
	line.WriteString(quoteIfNeeded(value.String()))
}

// quoteIfNeeded quotes a value that could be mistaken for several values or lines.
func quoteIfNeeded(text string) string {
	if text == "" || strings.ContainsFunc(text, func(r rune) bool {
		return r == ' ' || r == '=' || r == '"' || !unicode.IsPrint(r)
	}) {
		return strconv.Quote(text)
	}
	return text
}

// oneLine replaces control characters, which could split the line or garble a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
