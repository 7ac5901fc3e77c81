// Package httpserver is the HTTP server that all services share: limits and timeouts, health and graceful shutdown,
// routes with the OpenAPI document generated from them, and problem responses. The package knows the kinds of store
// failures, but no particular service, store or engine.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Config holds the limits of a server. Its tags define the flags and environment variables.
type Config struct {
	Deadline          time.Duration `default:"5s" help:"Time limit for a request; peers get what remains of it."`
	ReadHeaderTimeout time.Duration `default:"5s" help:"Time a client has to send a request's headers."`
	ReadTimeout       time.Duration `default:"10s" help:"Time a client has to send a whole request."`
	WriteTimeout      time.Duration `default:"15s" help:"Time limit for writing a response, or each part of a streamed list."`
	IdleTimeout       time.Duration `default:"60s" help:"Time a kept-alive connection may be idle."`
	MaxHeaderBytes    int           `default:"16384" help:"Maximum size of request headers in bytes; about 4 KiB less over HTTP/2."`
	MaxConnections    int           `default:"10000" help:"Maximum client connections of a service. At the maximum, a new connection replaces one that has been idle for a second, or gets a 503."`
	DrainDelay        time.Duration `default:"${drain_delay}" help:"On shutdown, how long to report not ready before closing the port."`
	ShutdownTimeout   time.Duration `default:"6s" help:"On shutdown, how long requests in flight have to finish."`
	AccessLog         bool          `help:"Log every request."`
	AllowedHosts      []HostName    `name:"allowed-host" env:"ALLOWED_HOSTS" placeholder:"NAME" help:"Host name that a service on a loopback address accepts besides localhost and IP addresses; repeatable, or comma-separated."`
	TrustedOrigins    []Origin      `name:"trusted-origin" env:"TRUSTED_ORIGINS" placeholder:"ORIGIN" help:"Origin of web pages that may use the service, such as https://heroes.example: a front end on another site, or a proxy that changes Host; repeatable, or comma-separated."`
}

// headerSlop is how many header bytes net/http reads beyond the configured limit.
const headerSlop = 4096

// Server listens on one address for one service. Until Serve is called, its responses say that the service is starting.
type Server struct {
	name     string
	log      *slog.Logger
	cfg      Config
	listener *limit
	http     *http.Server
	hosts    hosts
	cors     cors
	http2    limiter             // limits concurrent requests over HTTP/2; nil if unlimited
	api      atomic.Pointer[API] // nil until Serve
	draining atomic.Bool
	abort    context.CancelFunc // cancels all requests
	served   chan struct{}      // closed when the accept loop has ended
	nosniff  []string           // header value shared by all responses; must not be modified
}

// Listen listens on the address and starts to respond: until Serve is called, with a 200 to /livez and a 503 to all
// other requests.
func Listen(ctx context.Context, name, addr string, cfg Config, log *slog.Logger) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s can't listen on %s: %w", name, addr, cause(err))
	}
	limited := newLimit(listener.(*net.TCPListener), cfg.MaxConnections, newRefusal(log, cfg.MaxConnections))
	s := &Server{
		name: name, log: log, cfg: cfg, listener: limited, served: make(chan struct{}), nosniff: []string{"nosniff"},
		hosts: newHosts(listener.Addr(), cfg.AllowedHosts), cors: newCORS(cfg.TrustedOrigins), http2: http2Requests(cfg.MaxConnections),
	}
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	s.abort = abort
	s.http = &http.Server{
		BaseContext:       func(net.Listener) context.Context { return requests },
		Handler:           s,
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeaderBytes - headerSlop,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// net/http would handle OPTIONS * itself, without checking Host, and keep the connection open after a chunked
		// request.
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConn,
		ConnState:                    limited.state,
	}
	speakBoth(s.http, cfg.WriteTimeout)
	go s.accept()
	return s, nil
}

// cause strips the operation and address that package net adds to an error, because the message already contains both.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

func (s *Server) accept() {
	defer close(s.served)
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		s.log.Error("the server stopped accepting", "err", err)
	}
}

// ServeHTTP passes a request to the API, unless its headers alone decide the response. While the server drains,
// responses ask clients to send their next request on a new connection, and no connection is closed while a request may
// be on its way. (For HTTP/2, net/http turns the Connection header into a GOAWAY frame.)
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["X-Content-Type-Options"] = s.nosniff
	if s.Draining() || endsConnection(r) {
		header.Set("Connection", "close")
	}
	instead := s.instead(header, r)
	if s.http2 != nil && r.ProtoMajor > 1 {
		if s.http2.enter(r) {
			defer s.http2.leave(r)
		} else {
			instead = refuse(tooMany(Unlimited, s.http2))
		}
	}
	if api := s.api.Load(); api != nil {
		api.serve(w, r, instead)
		return
	}
	starting(w, r, instead)
}

// instead returns a handler to use in place of the route's, or nil for nearly all requests. It also adds the headers
// that a browser needs for a trusted origin.
func (s *Server) instead(header http.Header, r *http.Request) Handler {
	if err := s.hosts.check(r.Host); err != nil {
		return refuse(err)
	}
	if s.cors.allow(header, r) {
		return servePreflight
	}
	return nil
}

// refuse returns a handler that fails with err.
func refuse(err error) Handler { return func(http.ResponseWriter, *http.Request) error { return err } }

// starting responds to requests while the service's store isn't available yet.
func starting(w http.ResponseWriter, r *http.Request, instead Handler) {
	err := error(Unavailable("the service is starting: waiting for its store"))
	switch {
	case instead != nil:
		err = instead(w, r)
	case r.URL.Path == "/livez":
		err = WriteJSON(w, []byte(`{"status":"ok"}`))
	}
	if err != nil {
		writeProblem(w, problemOf(err))
	}
}

// Serve makes the server pass all further requests to the API.
func (s *Server) Serve(api *API) { s.api.Store(api) }

// Addr returns the address the server listens on, with the actual port if 0 was requested.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Draining reports whether the server is shutting down and no longer ready.
func (s *Server) Draining() bool { return s.draining.Load() }

// OnShutdown registers a function to call when the server stops accepting connections. The function should end
// responses that would otherwise never end.
func (s *Server) OnShutdown(end func()) { s.http.RegisterOnShutdown(end) }

// Shutdown stops the server gracefully: it reports not ready, waits for the drain delay, stops accepting connections,
// and lets requests in flight finish within the shutdown timeout. Requests that take longer are aborted with a warning
// in the log, but without an error. If ctx ends, Shutdown aborts all requests at once and returns an error. In any case,
// all requests are canceled when it returns.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	select {
	case <-time.After(s.cfg.DrainDelay):
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(ctx, s.cfg.ShutdownTimeout)
	defer cancel()
	err := s.http.Shutdown(finish)
	if err != nil {
		_ = s.http.Close()
	}
	s.abort() // before the caller closes its stores: no request must report that as a failure
	<-s.served
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: requests in flight were aborted: %w", s.name, err)
	}
	s.log.Warn("requests in flight were aborted", "after", s.cfg.ShutdownTimeout)
	return nil
}
