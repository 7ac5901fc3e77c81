// Package otlp sends the metrics and spans of the process to an OpenTelemetry collector, over OTLP with protobuf and
// HTTP.
//
// It encodes the messages itself, because OpenTelemetry's exporter links gRPC, which would add 7 MB to the binary
// (https://github.com/open-telemetry/opentelemetry-go/issues/2579).
package otlp

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"superheroes/internal/telemetry"
)

// Config has the settings of an Exporter.
type Config struct {
	MetricsURL, TracesURL string // where to send the signals; "" to send none
	Headers, Attributes   [][2]string
	Timeout               time.Duration
	MetricsInterval       time.Duration
	TracesInterval        time.Duration
	Sampler               telemetry.Sampler
}

// Nothing reports whether the settings export neither metrics nor spans.
func (c Config) Nothing() bool { return c.MetricsURL == "" && c.TracesURL == "" }

// FromEnv reads the settings from the environment variables that OpenTelemetry's specification defines. The defaults
// are those of the specification, except for the sampler (see telemetry.NewSampler). There are no flags for the
// settings, because every additional flag slows down every start. Errors name the variable, but contain no value except
// the path of an unreadable file. Headers may be secret, so they can also be read from the file that
// OTEL_EXPORTER_OTLP_HEADERS_FILE names.
func FromEnv(getenv func(string) string, trustClients bool) (cfg Config, err error) {
	env := &environment{getenv: getenv}
	cfg.readURLs(env)
	cfg.readHeaders(env)
	env.parse("OTEL_RESOURCE_ATTRIBUTES", func(text string) (failure error) {
		cfg.Attributes, failure = pairs(text)
		return failure
	})
	for _, d := range []struct {
		variable string
		into     *time.Duration
		missing  int
	}{
		{"OTEL_EXPORTER_OTLP_TIMEOUT", &cfg.Timeout, 10_000},
		{"OTEL_METRIC_EXPORT_INTERVAL", &cfg.MetricsInterval, 60_000},
		{"OTEL_BSP_SCHEDULE_DELAY", &cfg.TracesInterval, 5_000},
	} {
		env.parse(d.variable, func(text string) (failure error) {
			*d.into, failure = milliseconds(text, d.missing)
			return failure
		})
	}
	sampler, failure := telemetry.NewSampler(getenv("OTEL_TRACES_SAMPLER"), getenv("OTEL_TRACES_SAMPLER_ARG"), trustClients)
	cfg.Sampler = sampler
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		cfg.MetricsURL, cfg.TracesURL = "", ""
	}
	if cfg.Nothing() {
		return cfg, nil // clusters set such variables for all programs
	}
	return cfg, cmp.Or(env.err, failure)
}

// environment parses variables, and has the first error.
type environment struct {
	getenv func(string) string
	err    error
}

func (e *environment) parse(variable string, parse func(text string) error) {
	if err := parse(e.getenv(variable)); err != nil && e.err == nil {
		e.err = fmt.Errorf("%s: %w", variable, err)
	}
}

func (c *Config) readURLs(env *environment) {
	env.parse("OTEL_EXPORTER_OTLP_ENDPOINT", func(text string) error {
		if text != "" {
			c.MetricsURL, c.TracesURL = strings.TrimSuffix(text, "/")+"/v1/metrics", strings.TrimSuffix(text, "/")+"/v1/traces"
		}
		return validEndpoint(text)
	})
	for signal, url := range map[string]*string{"METRICS": &c.MetricsURL, "TRACES": &c.TracesURL} {
		env.parse("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT", func(text string) error {
			*url = cmp.Or(text, *url)
			return validEndpoint(text)
		})
		selectExporter(env.getenv("OTEL_"+signal+"_EXPORTER"), url)
	}
}

func (c *Config) readHeaders(env *environment) {
	read := func(text string) (err error) {
		if c.Headers, err = pairs(text); slices.ContainsFunc(c.Headers, isInvalidHeader) {
			err = errors.New("has an invalid name or value of a header")
		}
		return err
	}
	env.parse("OTEL_EXPORTER_OTLP_HEADERS", read)
	env.parse("OTEL_EXPORTER_OTLP_HEADERS_FILE", func(file string) error {
		if file == "" || len(c.Headers) > 0 {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return read(strings.TrimRight(string(text), "\r\n"))
	})
}

// selectExporter clears the URL of a signal unless otlp is among the exporters in a comma-separated list. Others, such as
// prometheus, which the admin listener makes unnecessary, are ignored.
func selectExporter(list string, url *string) {
	if list != "" && !slices.Contains(strings.Split(list, ","), "otlp") {
		*url = ""
	}
}

func milliseconds(text string, missing int) (time.Duration, error) {
	if text == "" {
		text = strconv.Itoa(missing)
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return 0, errors.New("must be a number of milliseconds greater than 0")
	}
	return time.Duration(n) * time.Millisecond, nil
}

// stopTime is the time limit for the last export, when the process stops.
const stopTime = 1500 * time.Millisecond

// Exporter sends metrics at regular intervals until it is closed. It sends spans at regular intervals too, and in
// addition whenever there is a full batch.
type Exporter struct {
	cfg      Config
	registry *telemetry.Registry
	spans    *Spans
	log      *slog.Logger
	begun    time.Time
	client   *http.Client
	closing  chan struct{}
	ctx      context.Context // ends stopTime after Close
	cancel   context.CancelFunc
	stopped  sync.WaitGroup
}

// Start starts sending the registry's metrics and the queued spans. It doesn't wait for the collector. If the collector
// is unavailable, a warning is logged. Metrics are not queued, because each export contains the current totals. Spans
// are kept and sent again; once the queue is full, new ones are dropped.
func Start(cfg Config, registry *telemetry.Registry, spans *Spans, version string, log *slog.Logger) *Exporter {
	cfg.Attributes = resourceAttributes(cfg.Attributes, version)
	e := &Exporter{
		cfg: cfg, registry: registry, spans: spans, log: log, begun: time.Now(),
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConns: 2},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		closing: make(chan struct{}),
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	if cfg.MetricsURL != "" {
		e.stopped.Go(e.exportMetrics)
	}
	if cfg.TracesURL != "" {
		e.stopped.Go(e.exportSpans)
	}
	return e
}

// resourceAttributes returns the attributes that all resources of the process have: the configured ones, and a version
// and an instance id unless they are configured. service.name is omitted, because each service in the process has its
// own.
func resourceAttributes(configured [][2]string, version string) (attributes [][2]string) {
	// The instance id distinguishes replicas.
	own := [][2]string{{"service.version", version}, {"service.instance.id", rand.Text()}}
	known := map[string]bool{"service.name": true}
	for _, a := range append(slices.Clone(configured), own...) {
		if !known[a[0]] {
			attributes = append(attributes, a)
		}
		known[a[0]] = true
	}
	return attributes
}

func validEndpoint(text string) error {
	if text == "" {
		return nil
	}
	at, err := url.Parse(text)
	switch {
	case err != nil, at.Scheme != "http" && at.Scheme != "https", at.Hostname() == "":
		return errors.New("must be a URL such as http://localhost:4318")
	case at.User != nil:
		return errors.New("must not contain a user or password; use OTEL_EXPORTER_OTLP_HEADERS")
	}
	return nil
}

// isInvalidHeader reports whether a header could not be sent (RFC 9110, sections 5.5 and 5.6.2).
func isInvalidHeader(header [2]string) bool {
	const nameChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return strings.Trim(header[0], nameChars) != "" || strings.ContainsAny(header[1], "\r\n\x00")
}

// pairs parses key=value,key=value with percent-encoded values. Its errors contain no values, which may be secret.
func pairs(text string) (list [][2]string, err error) {
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || strings.TrimSpace(key) == "" || !utf8.ValidString(key+decoded) {
			return nil, errors.New("must be key=value pairs, separated by commas and percent-encoded")
		}
		list = append(list, [2]string{strings.TrimSpace(key), decoded})
	}
	return list, nil
}

// every calls export after each interval and whenever it receives from wake, until the exporter is closed.
func (e *Exporter) every(interval time.Duration, wake <-chan struct{}, export func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-wake:
		case <-e.closing:
			return
		}
		export()
	}
}

// exportMetrics sends the metrics until the exporter is closed, and then once more.
func (e *Exporter) exportMetrics() {
	export := func() {
		body := metrics(e.registry.Gather(), e.cfg.Attributes, e.begun, time.Now())
		if _, err := e.send(e.cfg.MetricsURL, body); err != nil {
			e.log.Warn("the metrics could not be sent to the OpenTelemetry collector", "err", err)
		}
	}
	e.every(e.cfg.MetricsInterval, nil, export)
	export()
}

// exportSpans sends spans until the exporter is closed, and then the remaining ones.
func (e *Exporter) exportSpans() {
	var next batch
	e.every(e.cfg.TracesInterval, e.spans.wake, func() { e.sendWhile(&next, e.spans.full) })
	e.sendWhile(&next, func() bool { return true })
	lost := 0
	for ; next.spans > 0; next = e.spans.take(nil) {
		e.spans.gone(next, 0, next.spans, 0)
		lost += next.spans
	}
	if lost > 0 {
		e.log.Warn("spans were lost: the OpenTelemetry collector didn't accept them before the process stopped", "spans", lost)
	}
}

// sendWhile sends batches until one fails or more returns false.
func (e *Exporter) sendWhile(next *batch, more func() bool) {
	for again := true; again; {
		again = e.sendBatch(next) && more()
	}
}

// sendBatch sends the batch in next or, if there is none, the queued spans. It returns true if the collector has
// accepted or rejected them, and false if there is nothing to send or the export failed temporarily. After a temporary
// failure, the batch stays in next, to be sent again.
func (e *Exporter) sendBatch(next *batch) bool {
	if next.spans == 0 {
		*next = e.spans.take(e.cfg.Attributes)
	}
	if next.spans == 0 {
		return false
	}
	response, err := e.send(e.cfg.TracesURL, next.body)
	if err != nil {
		e.log.Warn("spans could not be sent to the OpenTelemetry collector", "err", err)
		if isTemporary(err) {
			return false
		}
		e.spans.gone(*next, 0, next.spans, 0)
	} else {
		rejected := min(rejectedSpans(response), next.spans)
		if rejected > 0 {
			e.log.Warn("the OpenTelemetry collector rejected spans", "spans", rejected)
		}
		e.spans.gone(*next, next.spans-rejected, 0, rejected)
	}
	*next = batch{}
	return true
}

// statusError is a response with a status other than success.
type statusError struct {
	status int
	text   string
}

func (e statusError) Error() string { return "the response was " + e.text }

// isTemporary reports whether OpenTelemetry's protocol allows sending the same data again.
func isTemporary(err error) bool {
	var refused statusError
	return !errors.As(err, &refused) || slices.Contains([]int{429, 502, 503, 504}, refused.status)
}

// send makes one attempt to send a request, and returns the body of the response.
func (e *Exporter) send(url string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(e.ctx, e.cfg.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	for _, h := range e.cfg.Headers {
		request.Header.Set(h[0], h[1])
	}
	response, err := e.client.Do(request)
	if err != nil {
		return nil, cmp.Or(errors.Unwrap(err), err) // without the URL
	}
	answer, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	if response.StatusCode/100 != 2 {
		return nil, statusError{response.StatusCode, response.Status}
	}
	return answer, nil
}

// Close sends the metrics one last time, and the remaining spans, and stops the exporter. It takes at most stopTime.
func (e *Exporter) Close() error {
	close(e.closing)
	defer time.AfterFunc(stopTime, e.cancel).Stop()
	e.stopped.Wait()
	e.cancel()
	e.client.CloseIdleConnections()
	return nil
}
