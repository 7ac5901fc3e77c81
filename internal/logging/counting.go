package logging

import (
	"context"
	"log/slog"

	"superheroes/internal/telemetry"
)

// counting is a slog.Handler that counts the lines written.
type counting struct {
	slog.Handler // the next handler
	written      *lineCounts
}

// lineCounts is the number of lines written, by level.
type lineCounts struct{ debug, info, warnings, errors telemetry.Counter }

// Measure adds the metrics of a logger made by New.
func Measure(log *slog.Logger, m *telemetry.Metrics) {
	handler := log.Handler()
	if h, ok := handler.(*repeats); ok {
		m.Counter(telemetry.LogSuppressed, &h.counts.suppressed)
		handler = h.Handler
	}
	if h, ok := handler.(*counting); ok {
		m.Counter(telemetry.LogLines, &h.written.debug, "debug")
		m.Counter(telemetry.LogLines, &h.written.info, "info")
		m.Counter(telemetry.LogLines, &h.written.warnings, "warn")
		m.Counter(telemetry.LogLines, &h.written.errors, "error")
	}
}

// Handle implements slog.Handler.
func (h *counting) Handle(ctx context.Context, record slog.Record) error {
	switch {
	case record.Level >= slog.LevelError:
		h.written.errors.Add(1)
	case record.Level >= slog.LevelWarn:
		h.written.warnings.Add(1)
	case record.Level >= slog.LevelInfo:
		h.written.info.Add(1)
	default:
		h.written.debug.Add(1)
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (h *counting) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &counting{h.Handler.WithAttrs(attrs), h.written}
}

// WithGroup implements slog.Handler.
func (h *counting) WithGroup(name string) slog.Handler {
	return &counting{h.Handler.WithGroup(name), h.written}
}
