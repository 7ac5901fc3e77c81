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
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"superheroes/internal/telemetry"
)

// Config has the settings of an Exporter.
type Config struct {
	Endpoint            string // base URL of the collector; "" to send nothing
	Headers, Attributes [][2]string
	Timeout, Interval   time.Duration
}

// FromEnv returns the settings in the variables that OpenTelemetry's specification defines, with its defaults. They have no
// flags, since each flag of each command would cost every start. Its errors name the variable, but not its value. Headers
// may be secret, so they can also be read from the file that OTEL_EXPORTER_OTLP_HEADERS_FILE names.
func FromEnv(getenv func(string) string) (cfg Config, err error) {
	parse := func(variable string, parse func(text string) error) {
		if failure := parse(getenv(variable)); failure != nil && err == nil {
			err = fmt.Errorf("%s: %w", variable, failure)
		}
	}
	parse("OTEL_EXPORTER_OTLP_ENDPOINT", func(text string) error {
		cfg.Endpoint = text
		return validEndpoint(text)
	})
	parse("OTEL_EXPORTER_OTLP_HEADERS_FILE", func(file string) error {
		text, failure := []byte(getenv("OTEL_EXPORTER_OTLP_HEADERS")), error(nil)
		if len(text) == 0 && file != "" {
			text, failure = os.ReadFile(file)
		}
		if failure == nil {
			cfg.Headers, failure = pairs(strings.TrimRight(string(text), "\r\n"))
		}
		return failure
	})
	parse("OTEL_RESOURCE_ATTRIBUTES", func(text string) (failure error) {
		cfg.Attributes, failure = pairs(text)
		return failure
	})
	parse("OTEL_EXPORTER_OTLP_TIMEOUT", func(text string) (failure error) {
		cfg.Timeout, failure = milliseconds(text, 10_000)
		return failure
	})
	parse("OTEL_METRIC_EXPORT_INTERVAL", func(text string) (failure error) {
		cfg.Interval, failure = milliseconds(text, 60_000)
		return failure
	})
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		cfg.Endpoint = ""
	}
	return cfg, err
}

func milliseconds(text string, missing int) (time.Duration, error) {
	if text == "" {
		text = strconv.Itoa(missing)
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return 0, errors.New("must be a number of milliseconds, more than 0")
	}
	return time.Duration(n) * time.Millisecond, nil
}

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
func Start(cfg Config, registry *telemetry.Registry, version string, log *slog.Logger) *Exporter {
	ctx, stop := context.WithCancel(context.Background())
	e := &Exporter{
		registry: registry, log: log, url: strings.TrimSuffix(cfg.Endpoint, "/") + "/v1/metrics", headers: cfg.Headers,
		attributes: append(cfg.Attributes, [2]string{"service.version", version}),
		timeout:    cfg.Timeout, interval: cfg.Interval, begun: time.Now(),
		client: &http.Client{
			Transport:     &http.Transport{MaxIdleConns: 1},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		stop: stop,
	}
	e.stopped.Go(func() { e.run(ctx) })
	return e
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
