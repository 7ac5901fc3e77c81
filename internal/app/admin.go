package app

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"

	"superheroes/internal/httpserver"
	"superheroes/internal/logging"
	"superheroes/internal/otlp"
	"superheroes/internal/telemetry"
)

// adminOff is the value of AdminAddr that switches the admin listener off. The empty value does, too, but an empty
// variable counts as unset.
const adminOff = "off"

const (
	// adminTimeout limits a request to the admin listener. It is longer than any profile that people usually record.
	adminTimeout = 5 * time.Minute
	// adminConnections is enough for a few scrapers, and for a person with a browser.
	adminConnections = 64
)

// startTelemetry prepares the metrics of the process, which has the given name in them, and starts the admin listener,
// each only if it is wanted. It must be called before the services start, so that they measure themselves.
func (a *App) startTelemetry(ctx context.Context, process string, cfg Server) error {
	admin := cfg.AdminAddr != "" && cfg.AdminAddr != adminOff
	if !admin && !cfg.OTLP.Enabled() {
		return nil
	}
	a.registry = telemetry.NewRegistry()
	a.registry.Service(process).AddRuntime()
	if admin {
		return a.startAdmin(ctx, cfg)
	}
	return nil
}

// startAdmin starts the process's admin listener, which serves the metrics of all services in the process and profiles of
// the process.
//
// The command line isn't served, as net/http/pprof would, because it may contain secrets.
func (a *App) startAdmin(ctx context.Context, cfg Server) error {
	cfg.Deadline, cfg.WriteTimeout, cfg.DrainDelay = adminTimeout, adminTimeout, 0
	cfg.MaxConnections = min(cfg.MaxConnections, adminConnections)
	p, err := a.listen(ctx, Endpoint{"admin", cfg.AdminAddr}, "--admin-addr", cfg)
	if err != nil {
		return err
	}
	a.admin = p
	p.api.Mount("GET /metrics", func(w http.ResponseWriter, r *http.Request) error {
		format := telemetry.FormatFor(r.Header.Values("Accept"))
		return httpserver.WriteBytes(w, format, a.registry.AppendText(nil, format))
	})
	p.api.Mount("GET /debug/pprof/", profile(pprof.Index))
	p.api.Mount("GET /debug/pprof/profile", profile(pprof.Profile))
	p.api.Mount("GET /debug/pprof/symbol", profile(pprof.Symbol))
	p.api.Mount("GET /debug/pprof/trace", profile(pprof.Trace))
	p.server.Serve(p.api)
	return nil
}

// startExport starts to send the metrics to a collector, if there is one. Call it after the services have started.
func (a *App) startExport(cfg Server) (err error) {
	if cfg.OTLP.Enabled() {
		a.exporter, err = otlp.Start(cfg.OTLP, a.registry, a.version, logging.New(a.stderr, "telemetry", cfg.Log))
	}
	return err
}

// profile adapts a handler of net/http/pprof.
func profile(serve http.HandlerFunc) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		serve(w, r)
		return nil
	}
}
