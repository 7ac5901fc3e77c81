package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/internal/telemetry"
)

// maxBuffered is the number of bytes of a response that are buffered before the response is forwarded. If the service
// fails before the buffer is full, the client gets a 502; if it fails later, the response is aborted.
const maxBuffered = 1 << 20

// ProxyConfig limits the calls to a service. A call also stops at the request's deadline.
type ProxyConfig struct {
	Connect         time.Duration `name:"peer-connect-timeout" default:"2s" help:"Time to connect to a service."`
	Write           time.Duration `name:"peer-write-timeout" default:"2s" help:"Time to send a request to a service."`
	Read            time.Duration `name:"peer-read-timeout" default:"5s" help:"Time a service has to respond, or to send each part of a streamed list."`
	MaxConnections  int           `name:"peer-max-connections" default:"100" help:"Maximum connections to a service, not counting streams."`
	IdleConnections int           `name:"peer-idle-connections" default:"20" help:"Maximum idle connections kept open to a service."`
}

// Peers returns the limits as the Config of a Client.
func (c ProxyConfig) Peers() Config {
	return Config{
		Connect: c.Connect, Write: c.Write, Read: c.Read,
		MaxConnections: c.MaxConnections, IdleConnections: c.IdleConnections,
	}
}

// Proxy forwards requests to a service in another process.
type Proxy struct {
	name string
	base *url.URL
	read time.Duration
	log  *slog.Logger
	// net/http repeats a GET if a kept-alive connection turns out to be broken, but a GET can start a fight. So only
	// reads from the catalogs and the statistics reuse connections; all other requests open a new one.
	kept           *finishing
	fresh, streams *http.Transport
	observed       observed
}

// Measure adds the metrics of the calls, except those whose response is a stream. Call it before the first call.
func (p *Proxy) Measure(m *telemetry.Metrics) { p.observed.measure(m, p.name, p.base) }

// NewProxy returns a proxy for the named service below base, such as http://heroes:8000.
func NewProxy(name, base string, cfg ProxyConfig, log *slog.Logger) (*Proxy, error) {
	at, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("parse URL of %s: %w", name, err)
	}
	p := &Proxy{name: name, base: at, read: cfg.Read, log: log}
	p.kept = newFinishing(Transport(cfg.Peers()), cfg.Connect+cfg.Read)
	p.fresh, p.streams = Transport(cfg.Peers()), Transport(cfg.Peers())
	p.fresh.DisableKeepAlives, p.streams.DisableKeepAlives = true, true
	p.streams.MaxConnsPerHost = 0 // the gateway limits them
	return p, nil
}

// Close cancels the reads in flight and closes the idle connections.
func (p *Proxy) Close() error {
	p.kept.work.Close()
	p.kept.CloseIdleConnections()
	return nil
}

// Pending returns the number of reads in flight over kept-alive connections.
func (p *Proxy) Pending() int { return p.kept.reads.Taken() }

// Check checks whether the service is ready.
func (p *Proxy) Check(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base.JoinPath("readyz").String(), nil)
	if err != nil {
		return err
	}
	response, err := p.kept.RoundTrip(request)
	if err != nil {
		return err
	}
	return checkReady(response)
}

// transport returns the transport to use for a request.
func (p *Proxy) transport(r *http.Request, stream bool) http.RoundTripper {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case stream:
		return p.streams
	case reads && p.name != "fights":
		return p.kept
	}
	return p.fresh
}

// Pass forwards the request and relays the response. If the service doesn't respond, the client gets a 502 or 504.
func (p *Proxy) Pass(w http.ResponseWriter, r *http.Request, stream bool) error {
	begin := time.Now()
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	var failure error
	status := 0
	if !stream {
		var call observedCall
		below := strings.TrimSuffix(p.base.Path, "/")
		ctx, call = p.observed.begin(ctx, r.Method, r.Pattern, below+r.URL.Path) // the gateway passes only known methods
		defer func() { call.end(status, failure) }()
	}
	transport := p.transport(r, stream)
	proxy := httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(passed *httputil.ProxyRequest) {
			passed.SetURL(p.base)
			passed.Out.Host = p.base.Host
			if p.observed.tracer != nil {
				httpserver.PassTrace(ctx, true, passed.Out.Header)
			}
		},
		ModifyResponse: func(response *http.Response) error {
			status = response.StatusCode
			if stream {
				p.watch(response, cancel)
				return checkResponse(response)
			}
			if err := checkResponse(response); err != nil || transport == http.RoundTripper(p.kept) {
				return err
			}
			_, err := buffer(response)
			return err
		},
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ErrorHandler:  func(_ http.ResponseWriter, _ *http.Request, err error) { failure = err },
	}
	if stream {
		w = &streamWriter{w, httpserver.NewStream(w, r)}
	}
	proxy.ServeHTTP(w, r.WithContext(ctx))
	return p.problemOf(failure, time.Since(begin))
}

// problemOf converts a service's failure to respond into a problem document. had is the time that the service had to
// respond.
func (p *Proxy) problemOf(err error, had time.Duration) error {
	unreachable := fight.Unreachable(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled):
		return httpserver.Unavailable("the request was canceled").Because(err)
	case errors.Is(err, context.DeadlineExceeded) && had < p.read/patience:
		return httpserver.Errorf(http.StatusGatewayTimeout, "the request's deadline passed before %s could answer", p.name).Because(err)
	case fight.IsTimeout(err):
		return httpserver.Errorf(http.StatusGatewayTimeout, "%s did not answer in time", p.name).Because(err)
	case unreachable != "":
		return httpserver.Errorf(http.StatusBadGateway, "can't reach %s: %s", p.name, unreachable).Because(err)
	}
	return httpserver.Errorf(http.StatusBadGateway, "%s failed to answer", p.name).Because(err)
}

// checkResponse rejects responses that our services never send: a redirect, or a server error whose body isn't JSON.
// checkResponse also removes headers that are not meant for the client.
func checkResponse(response *http.Response) error {
	for _, own := range []string{httpserver.RequestIDHeader, "X-Content-Type-Options"} { // headers set by our own server
		response.Header.Del(own)
	}
	response.Header.Del("Set-Cookie")
	for name := range response.Header { // our own server decides which origins have access
		if strings.HasPrefix(name, "Access-Control-") {
			delete(response.Header, name)
		}
	}
	kind, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
	switch status := response.StatusCode; {
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest && status != http.StatusNotModified,
		status == http.StatusSwitchingProtocols,
		status >= http.StatusInternalServerError && !strings.HasSuffix(kind, "json"):
		return fmt.Errorf("returned %s", response.Status)
	}
	return nil
}

// buffer reads up to maxBuffered bytes of a response, and reports whether they are the whole response, as is almost
// always the case.
func buffer(response *http.Response) (whole bool, err error) {
	body := response.Body
	begin, err := io.ReadAll(io.LimitReader(body, maxBuffered))
	if err != nil {
		return false, fmt.Errorf("the response was truncated: %w", err)
	}
	whole = len(begin) < maxBuffered
	var all io.Reader = bytes.NewReader(begin)
	if !whole {
		all = io.MultiReader(all, body)
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{all, body}
	return whole, nil
}

// watch aborts a response when the service stops sending it, except for event streams, which may be silent.
func (p *Proxy) watch(response *http.Response, cancel context.CancelCauseFunc) {
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return
	}
	timer := time.AfterFunc(p.read, func() { cancel(context.DeadlineExceeded) })
	timer.Stop()
	response.Body = &watchedBody{response.Body, timer, p.read}
}

// watchedBody limits how long each read waits for the service. Between reads the timer is stopped: a slow browser
// isn't the service's fault.
type watchedBody struct {
	io.ReadCloser
	timer   *time.Timer
	timeout time.Duration
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.timeout)
	defer b.timer.Stop()
	return b.ReadCloser.Read(p)
}

func (b *watchedBody) Close() error {
	b.timer.Stop()
	return b.ReadCloser.Close()
}

// streamWriter gives each write of a stream its own timeout.
type streamWriter struct {
	http.ResponseWriter
	stream *httpserver.Stream
}

func (w *streamWriter) Write(p []byte) (int, error) {
	if err := w.stream.Write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap gives http.ResponseController access to the underlying writer.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
