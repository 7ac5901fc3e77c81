package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestTextLine(t *testing.T) {
	tests := []struct {
		name string
		log  func(*slog.Logger)
		want string // expected line after its timestamp; "" if no line is expected
	}{
		{"message", func(l *slog.Logger) { l.Warn("store is away") }, "fights - WARN - store is away"},
		{"below the level", func(l *slog.Logger) { l.Info("started") }, ""},
		{"values", func(l *slog.Logger) { l.Error("failed", "count", 3, "err", errors.New("no")) }, "fights - ERROR - failed count=3 err=no"},
		{"value with blanks", func(l *slog.Logger) { l.Warn("m", "k", "two words") }, `fights - WARN - m k="two words"`},
		{"empty value", func(l *slog.Logger) { l.Warn("m", "k", "") }, `fights - WARN - m k=""`},
		{"line break in a value", func(l *slog.Logger) { l.Warn("m", "k", "a\nb") }, `fights - WARN - m k="a\nb"`},
		{"line break in the message", func(l *slog.Logger) { l.Warn("a\nb\x1b[31m") }, "fights - WARN - a b [31m"},
		{"with", func(l *slog.Logger) { l.With("id", 7).Warn("m", "k", 1) }, "fights - WARN - m id=7 k=1"},
		{"group", func(l *slog.Logger) { l.WithGroup("g").With("a", 1).Warn("m", "b", 2) }, "fights - WARN - m g.a=1 g.b=2"},
		{"group value", func(l *slog.Logger) { l.Warn("m", slog.Group("g", "a", 1)) }, "fights - WARN - m g.a=1"},
		{"key with a line break", func(l *slog.Logger) { l.Warn("m", "a\nb", 1) }, `fights - WARN - m "a\nb"=1`},
	}
	head := regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z - `)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			test.log(New(&out, "fights", Config{Level: slog.LevelWarn, Format: "text"}))
			if test.want == "" {
				if out.Len() > 0 {
					t.Fatalf("wrote %q, want nothing", out.String())
				}
				return
			}
			line := out.String()
			if !head.MatchString(line) || strings.Count(line, "\n") != 1 {
				t.Fatalf("output is not a single line with a timestamp: %q", line)
			}
			if got := strings.TrimSuffix(head.ReplaceAllString(line, ""), "\n"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
