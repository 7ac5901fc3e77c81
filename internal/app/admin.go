package app

import (
	"context"
	"net/http"
	"net/http/pprof"
	"time"

	"superheroes/internal/httpserver"
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

// startAdmin starts the process's admin listener, which serves the metrics of all services and profiles of the process,
// unless it is switched off. It must start before the services, so that they measure themselves. Metrics of the process
// have the given name as their service.
//
// The command line isn't served, as net/http/pprof would, because it may contain secrets.
func (a *App) startAdmin(ctx context.Context, process string, cfg Server) error {
	if cfg.AdminAddr == "" || cfg.AdminAddr == adminOff {
		return nil
	}
	cfg.Deadline, cfg.WriteTimeout, cfg.DrainDelay = adminTimeout, adminTimeout, 0
	cfg.MaxConnections = min(cfg.MaxConnections, adminConnections)
	p, err := a.listen(ctx, Endpoint{"admin", cfg.AdminAddr}, "--admin-addr", cfg)
	if err != nil {
		return err
	}
	a.admin, a.registry = p, telemetry.NewRegistry()
	a.registry.Service(process).AddRuntime()
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

// profile adapts a handler of net/http/pprof.
func profile(serve http.HandlerFunc) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		serve(w, r)
		return nil
	}
}
