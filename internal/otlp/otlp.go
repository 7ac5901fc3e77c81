// Package otlp sends the metrics of the process to an OpenTelemetry collector, over OTLP with protobuf and HTTP.
//
// It encodes the messages itself, because OpenTelemetry's exporter links gRPC, which would add 7 MB to the binary
// (https://github.com/open-telemetry/opentelemetry-go/issues/2579).
package otlp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"superheroes/internal/telemetry"
)

// Config has the settings that OpenTelemetry's specification defines, with its names and defaults.
type Config struct {
	Disabled   bool         `name:"otlp-disabled" env:"OTEL_SDK_DISABLED" help:"Send nothing, whatever else is set."`
	Endpoint   string       `name:"otlp-endpoint" env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"Base URL of an OpenTelemetry collector, such as http://localhost:4318, to which metrics are sent (OTLP over HTTP); none by default."`
	Headers    string       `name:"otlp-headers" env:"OTEL_EXPORTER_OTLP_HEADERS" secret:"" help:"Headers for the collector: key=value, comma-separated, percent-encoded."`
	Timeout    milliseconds `name:"otlp-timeout" env:"OTEL_EXPORTER_OTLP_TIMEOUT" default:"10000" help:"How long to wait for the collector, in milliseconds."`
	Interval   milliseconds `name:"otlp-interval" env:"OTEL_METRIC_EXPORT_INTERVAL" default:"60000" help:"How often metrics are sent to the collector, in milliseconds."`
	Attributes string       `name:"otlp-resource-attributes" env:"OTEL_RESOURCE_ATTRIBUTES" help:"Resource attributes for the collector: key=value, comma-separated, percent-encoded."`
}

// milliseconds is a duration as OpenTelemetry's variables have it.
type milliseconds int

func (m milliseconds) duration() time.Duration { return time.Duration(m) * time.Millisecond }

// stopTime limits the last export when the process stops.
const stopTime = 2 * time.Second

// Exporter sends metrics at regular intervals until it is closed.
type Exporter struct {
	registry   *telemetry.Registry
	log        *slog.Logger
	url        string
	headers    [][2]string
	attributes [][2]string
	timeout    time.Duration
	interval   time.Duration
	begun      time.Time
	client     *http.Client
	stop       context.CancelFunc
	stopped    sync.WaitGroup
}

// Start starts to send the registry's metrics. It doesn't wait for the collector, which may be unavailable: then the log
// gets a warning, and the next export is tried at its time. Nothing is queued, since a later export includes what an
// earlier one would have said.
func Start(cfg Config, registry *telemetry.Registry, version string, log *slog.Logger) (*Exporter, error) {
	headers, attributes, err := cfg.pairs()
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Exporter{
		registry: registry, log: log, url: strings.TrimSuffix(cfg.Endpoint, "/") + "/v1/metrics", headers: headers,
		attributes: append(attributes, [2]string{"service.version", version}),
		timeout:    cfg.Timeout.duration(), interval: cfg.Interval.duration(), begun: time.Now(),
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConns: 1},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		stop: stop,
	}
	e.stopped.Go(func() { e.run(ctx) })
	return e, nil
}

// Enabled reports whether metrics are to be sent.
func (c Config) Enabled() bool { return c.Endpoint != "" && !c.Disabled }

// Validate checks the settings, even those that aren't used because there is no endpoint.
func (c Config) Validate() error {
	if err := validEndpoint(c.Endpoint); err != nil {
		return fmt.Errorf("--otlp-endpoint, OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	switch {
	case c.Timeout <= 0:
		return errors.New("--otlp-timeout, OTEL_EXPORTER_OTLP_TIMEOUT: must be more than 0")
	case c.Interval <= 0:
		return errors.New("--otlp-interval, OTEL_METRIC_EXPORT_INTERVAL: must be more than 0")
	}
	_, _, err := c.pairs()
	return err
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
		return errors.New("must not contain a user or password; use --otlp-headers")
	}
	return nil
}

// pairs parses the headers and the resource attributes.
func (c Config) pairs() (headers, attributes [][2]string, err error) {
	if headers, err = pairs(c.Headers); err != nil {
		return nil, nil, fmt.Errorf("--otlp-headers, OTEL_EXPORTER_OTLP_HEADERS: %w", err)
	}
	if attributes, err = pairs(c.Attributes); err != nil {
		return nil, nil, fmt.Errorf("--otlp-resource-attributes, OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return headers, attributes, nil
}

// pairs parses key=value,key=value with percent-encoded values. Its errors contain no values, which may be secret.
func pairs(text string) (list [][2]string, err error) {
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, found := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || strings.TrimSpace(key) == "" {
			return nil, errors.New("must be key=value pairs, separated by commas and percent-encoded")
		}
		list = append(list, [2]string{strings.TrimSpace(key), decoded})
	}
	return list, nil
}

// run exports at each interval, and once more at the end.
func (e *Exporter) run(ctx context.Context) {
	ticker := time.NewTicker(e.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			e.export(ctx, e.timeout)
		case <-ctx.Done():
			e.export(context.WithoutCancel(ctx), min(e.timeout, stopTime))
			return
		}
	}
}

// export sends the current metrics once.
func (e *Exporter) export(ctx context.Context, timeout time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := e.send(ctx, metrics(e.registry.Gather(), e.attributes, e.begun, time.Now())); err != nil && ctx.Err() != context.Canceled {
		e.log.Warn("the metrics could not be sent to the OpenTelemetry collector", "err", err)
	}
}

func (e *Exporter) send(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	for _, h := range e.headers {
		request.Header.Set(h[0], h[1])
	}
	response, err := e.client.Do(request)
	if err != nil {
		return cmp.Or(errors.Unwrap(err), err) // without the URL
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	_ = response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("it returned %s", response.Status)
	}
	return nil
}

// Close sends the metrics once more, within two seconds, and stops.
func (e *Exporter) Close() error {
	e.stop()
	e.stopped.Wait()
	e.client.CloseIdleConnections()
	return nil
}
