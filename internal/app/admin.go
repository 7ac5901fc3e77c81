package app

import (
	"context"
	"net/http"
	"net/http/pprof"
	"os"
	"time"

	"superheroes/internal/httpserver"
	"superheroes/internal/otlp"
	"superheroes/internal/telemetry"
)

// adminOff is the value of AdminAddr that switches the admin listener off. An empty value does so too, but can't be set
// by a variable, since an empty variable counts as unset.
const adminOff = "off"

// The limits of the admin listener.
const (
	profileTimeout   = 5 * time.Minute // longer than most profiles take
	scrapeTimeout    = 10 * time.Second
	maxScrapes       = 4 // concurrently
	adminConnections = 64
	adminShutdown    = 500 * time.Millisecond // a profile must not hold up the exit
)

// startTelemetry prepares the metrics and traces of the process, and starts the admin listener, each only if it is
// configured. process is the name of the process in its metrics. startTelemetry must be called before the services
// start, so that they measure and trace themselves.
func (a *App) startTelemetry(ctx context.Context, process string, cfg Server) error {
	admin := cfg.AdminAddr != "" && cfg.AdminAddr != adminOff
	export, err := otlp.FromEnv(os.Getenv, cfg.TrustTrace)
	if err != nil {
		return err
	}
	if !admin && export.Nothing() {
		return nil
	}
	a.export = export
	var tracing *telemetry.Tracing
	if export.TracesURL != "" {
		a.spans = otlp.NewSpans()
		tracing = &telemetry.Tracing{Sampler: export.Sampler, Record: a.spans.Record}
	}
	a.registry = telemetry.NewRegistry(tracing)
	own := a.registry.Service(process)
	own.AddRuntime()
	a.spans.Measure(own)
	if admin {
		return a.startAdmin(ctx, cfg)
	}
	return nil
}

// startAdmin starts the process's admin listener, which serves the metrics of all services in the process and profiles
// of the process. Its own requests are neither measured nor traced.
//
// Unlike net/http/pprof, the listener doesn't serve the command line, because it may contain secrets.
func (a *App) startAdmin(ctx context.Context, cfg Server) error {
	cfg.Deadline, cfg.WriteTimeout, cfg.DrainDelay, cfg.ShutdownTimeout = profileTimeout, profileTimeout, 0, adminShutdown
	cfg.MaxConnections = min(cfg.MaxConnections, adminConnections)
	cfg.AllowedHosts, cfg.TrustedOrigins, cfg.AccessLog = nil, nil, false // these settings are for the public ports
	p, err := a.listen(ctx, Endpoint{"admin", cfg.AdminAddr}, "--admin-addr", cfg)
	if err != nil {
		return err
	}
	a.admin = p
	p.api.MountLimited("GET /metrics", maxScrapes, a.serveMetrics)
	p.api.MountForOwnPages("GET /debug/pprof/", profile(pprof.Index)) // pages on other sites must not start profiles
	p.api.MountForOwnPages("GET /debug/pprof/profile", profile(pprof.Profile))
	p.api.MountForOwnPages("GET /debug/pprof/symbol", profile(pprof.Symbol))
	p.api.MountForOwnPages("GET /debug/pprof/trace", profile(pprof.Trace))
	p.server.Serve(p.api)
	return nil
}

func (a *App) serveMetrics(w http.ResponseWriter, r *http.Request) error {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(scrapeTimeout)) // disconnects scrapers that hang
	format := telemetry.FormatFor(r.Header.Values("Accept"))
	w.Header().Set("Content-Type", format)
	_ = a.registry.WriteText(w, format) // fails only if the scraper has disconnected
	return nil
}

// startExport starts sending metrics and spans to a collector, if one is configured. Call it after the services have
// started.
func (a *App) startExport(cfg Server) {
	if !a.export.Nothing() {
		a.exporter = otlp.Start(a.export, a.registry, a.spans, a.version, a.logger("telemetry", cfg.Log))
	}
}

// profile adapts a handler of net/http/pprof.
func profile(serve http.HandlerFunc) httpserver.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		serve(w, r)
		return nil
	}
}
