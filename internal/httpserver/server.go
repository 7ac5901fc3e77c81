// Package httpserver is the one HTTP server of every service: its limits and time-outs, health and drain, the
// routes with the OpenAPI document made from them, and the problem answers.
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

// Config holds the limits of a server. The tags make each of them a flag and an environment variable.
type Config struct {
	Deadline          time.Duration `default:"5s" help:"Time limit for a request; peers get what remains of it."`
	ReadHeaderTimeout time.Duration `default:"5s" help:"Time a client has to send a request's headers."`
	ReadTimeout       time.Duration `default:"10s" help:"Time a client has to send a whole request."`
	WriteTimeout      time.Duration `default:"15s" help:"Time limit for writing an answer, or each part of a whole list."`
	IdleTimeout       time.Duration `default:"60s" help:"Time a kept-alive connection may be idle."`
	MaxHeaderBytes    int           `default:"16384" help:"Maximum size of request headers in bytes; about 4 KiB less over HTTP/2."`
	MaxConnections    int           `default:"10000" help:"Maximum client connections of a service. Above that, a new one takes the place of one that has been idle for a second, or gets a 503."`
	DrainDelay        time.Duration `default:"${drain_delay}" help:"On shutdown, how long to report not ready before closing the port."`
	ShutdownTimeout   time.Duration `default:"6s" help:"On shutdown, how long requests in flight have to finish."`
	AccessLog         bool          `help:"Log every request."`
	AllowedHosts      []HostName    `name:"allowed-host" env:"ALLOWED_HOSTS" placeholder:"NAME" help:"Host name that a service on a loopback address accepts besides localhost and IP addresses; repeatable, or separated by commas."`
	TrustedOrigins    []Origin      `name:"trusted-origin" env:"TRUSTED_ORIGINS" placeholder:"ORIGIN" help:"Origin of web pages that may use the service, such as https://heroes.example: that of a front end elsewhere, or of a proxy that changes Host; repeatable, or separated by commas."`
}

// headerSlop is what net/http reads above the limit it is given.
const headerSlop = 4096

// Server listens on one address for one service. Until Serve gives it routes it answers that it is starting.
type Server struct {
	name     string
	log      *slog.Logger
	cfg      Config
	listener *limit
	http     *http.Server
	front    front
	handler  atomic.Pointer[http.Handler]
	draining atomic.Bool
	served   chan struct{} // closed when the accept loop has ended
	nosniff  []string      // the header's value in all answers, which share it: not to be changed
}

// Listen takes the address and begins to answer: /livez with 200, all else with 503 until Serve is called.
func Listen(ctx context.Context, name, addr string, cfg Config, log *slog.Logger) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s can't listen on %s: %w", name, addr, cause(err))
	}
	limited := newLimit(listener.(*net.TCPListener), cfg.MaxConnections, newRefusal(log, cfg.MaxConnections))
	s := &Server{name: name, log: log, cfg: cfg, listener: limited, served: make(chan struct{}), nosniff: []string{"nosniff"}}
	s.front = front{newHosts(listener.Addr(), cfg.AllowedHosts), newCORS(cfg.TrustedOrigins), http2Requests(cfg.MaxConnections)}
	s.Serve(http.HandlerFunc(starting))
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: cfg.ReadHeaderTimeout,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.WriteTimeout,
		IdleTimeout:       cfg.IdleTimeout,
		MaxHeaderBytes:    cfg.MaxHeaderBytes - headerSlop,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// net/http would answer OPTIONS * by itself, without a look at Host, and go on after a chunked one.
		DisableGeneralOptionsHandler: true,
		ConnContext:                  withConn,
		ConnState:                    limited.state,
	}
	speakBoth(s.http, cfg.WriteTimeout)
	go s.accept()
	return s, nil
}

// cause strips what net adds to an error: the operation and the address, which the message has already.
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

// answer hands a request to the handler of the moment. While the server drains, clients are asked to go elsewhere
// with their next request; their connections are not cut under a request that is on its way. (An HTTP/2 client is asked by
// a GOAWAY frame, into which net/http turns the header.)
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header["X-Content-Type-Options"] = s.nosniff
	if s.Draining() || endsConnection(r) {
		header.Set("Connection", "close")
	}
	s.front.serve(w, r, *s.handler.Load())
}

// starting answers for a service whose store isn't there yet.
func starting(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/livez" {
		_ = WriteJSON(w, []byte(`{"status":"ok"}`))
		return
	}
	writeProblem(w, Unavailable("the service is starting: it waits for its store"))
}

// Serve answers with handler from now on.
func (s *Server) Serve(handler http.Handler) { s.handler.Store(&handler) }

// Addr returns the address the server listens on, with the port it was given when 0 was asked for.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Draining tells whether the server is about to stop: it is not ready any more.
func (s *Server) Draining() bool { return s.draining.Load() }

// OnShutdown has end called when the server stops accepting, to end answers that would go on for ever.
func (s *Server) OnShutdown(end func()) { s.http.RegisterOnShutdown(end) }

// Shutdown drains: not ready, wait for the drain delay, stop accepting, finish what is in flight within the
// shutdown time-out. What is not finished then is broken off, which is logged: that is how long a stop may take, not a
// failure. When ctx ends it stops at once, with an error.
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
	<-s.served
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: requests in flight were broken off: %w", s.name, err)
	}
	s.log.Warn("requests in flight were broken off", "after", s.cfg.ShutdownTimeout)
	return nil
}
