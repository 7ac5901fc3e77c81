package performance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"superheroes/bench/measure"
	"superheroes/bench/page"
	"superheroes/test/program"
)

// Names of the experiments that measure the cost of telemetry.
const (
	telemetry        = "telemetry"
	telemetryIdle    = "telemetry-idle"
	telemetryRequest = "telemetry-request"
)

// Names of the figures about the spans in all runs of a cell.
const (
	spansEnded = "spans"           // of sampled traces
	spansLost  = "spans_lost"      // the ones that the collector didn't receive
	spansEach  = "spans_per_fight" // of sampled traces, per fight
)

// priceRate is the number of fights per second at which the cost of telemetry is measured.
const priceRate = 97

// saturated is the suffix for the names of cells measured with a closed model.
const saturated = ", at saturation"

func nameOf(system, variant string) string { return system + ", " + variant }

// baseOf returns base, or "" for the variant without telemetry, with which the others are compared.
func baseOf(variant, base string) string {
	if variant == withoutTelemetry {
		return ""
	}
	return base
}

// telemetry measures the CPU time per fight with different amounts of telemetry.
func (s *setup) telemetry() error {
	var trials []*trial
	add := func(name string, start func(env ...string) *system, variants []variant, connections int, rate float64) {
		for _, v := range variants {
			t := fights(nameOf(name, v.name), s.with(v, start), connections)
			t.Floor, t.Rate = baseOf(v.name, nameOf(name, withoutTelemetry)), rate
			t.scrape, t.rounds = v.scrape, s.plan.Price.Rounds
			if rate > 0 {
				t.measured = s.plan.Price.Measured
			}
			trials = append(trials, t)
		}
	}
	up := func(env ...string) *system { return s.up(eco, env...) }
	four := func(env ...string) *system { return s.four(strict, env...) }
	limited := traced(withFewTraces)
	all := s.plan.against(off(), variant{name: withMetrics, scrape: time.Second}, limited, allTraced())
	add(upEco, up, all, slowConnections(priceRate), priceRate)
	add(fourStrict, four, all, slowConnections(priceRate), priceRate)
	add(upEco+saturated, up, []variant{off(), limited}, usual, 0)
	trials = append(trials, s.priceFloors()...)
	if s.err != nil {
		return s.err
	}
	measured, err := s.alternate(telemetry, trials...)
	if err != nil {
		return err
	}
	for i, t := range trials {
		if err := t.of.accountForSpans(&measured.Cells[i]); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
	}
	s.r.Series = append(s.r.Series, measured)
	return nil
}

// priceFloors returns trials of the floor servers that get the same loads as the variants.
func (s *setup) priceFloors() []*trial {
	floors := []*trial{
		floorTrial(atRate(floorPart, priceRate), slowConnections(priceRate)),
		floorTrial(atRate(floorLimited, priceRate), slowConnections(priceRate)),
		floorTrial(floorCell(usual), usual),
	}
	for i, t := range floors {
		t.rounds, t.of = s.plan.Price.Rounds, s.bare(i == 1)
		if t.Connections != usual {
			t.Rate, t.measured = priceRate, s.plan.Price.Measured
		}
	}
	return floors
}

// priceFloor formats the CPU time of a variant as a multiple of that of the floor server with the same load.
func (s *Series) priceFloor(c *Cell) string {
	if c.Mix == floorMix {
		return "1"
	}
	name := floorCell(c.Connections)
	switch four := strings.HasPrefix(c.Name, fourStrict); {
	case four:
		name = atRate(floorLimited, c.Rate)
	case c.Rate > 0:
		name = atRate(floorPart, c.Rate)
	}
	used, err := c.medianOf(servicesOnly, cpu, "")
	floor, noFloor := s.cell(name).medianOf(servicesOnly, cpu, "")
	return orAbsent(used/floor, cmp.Or(err, noFloor))
}

// accountForSpans compares the number of spans that the system has processed with the number that the collector has
// received. It stops the system, so that the last spans are sent.
func (s *system) accountForSpans(c *Cell) error {
	if s.collector == nil {
		return nil
	}
	var fights, processed, failed float64
	for _, p := range s.parts {
		if p.admin == "" {
			continue
		}
		metrics, err := scrape(s.ctx, p.admin)
		if err != nil {
			return err
		}
		fights += sum(metrics, "http_server_request_duration_seconds_count{", `service="fights"`, `route="`+fightPath+`"`)
		processed += sum(metrics, "otel_sdk_processor_span_processed_total{")
		failed += sum(metrics, "otel_sdk_processor_span_processed_total{", "error_type=")
		failed += sum(metrics, "otel_sdk_exporter_span_exported_total{", "error_type=")
	}
	s.stop()
	received := float64(s.collector.spans.Load())
	lost := max(failed, processed-received)
	c.add(spansEnded, received+lost)
	c.add(spansLost, lost)
	c.add(spansEach, (received+lost)/fights)
	return nil
}

// sum adds up the values of the lines in metrics that start with beginning and contain all labels.
func sum(metrics, beginning string, labels ...string) (total float64) {
	for line := range strings.Lines(metrics) {
		rest, found := strings.CutPrefix(line, beginning)
		for _, label := range labels {
			found = found && strings.Contains(rest, label)
		}
		if _, value, there := strings.Cut(rest, "} "); found && there {
			value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
			number, _ := strconv.ParseFloat(value, 64) // the service always writes a number
			total += number
		}
	}
	return total
}

// scrape requests the metrics of a process in the same format as Prometheus.
func scrape(ctx context.Context, admin string) (metrics string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, admin+"/metrics", nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "application/openmetrics-text;version=1.0.0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return string(text), errors.Join(err, response.Body.Close())
}

// scrapeAll reads the metrics of all processes.
func scrapeAll(ctx context.Context, parts []part) error {
	for _, p := range parts {
		if p.admin == "" {
			continue
		}
		if _, err := scrape(ctx, p.admin); err != nil {
			return err
		}
	}
	return nil
}

// scraping scrapes a system at the given interval until stop is called. An interval of 0 means never.
func (s *system) scraping(interval time.Duration) (stop func() error) {
	if interval == 0 {
		return func() error { return nil }
	}
	ctx, cancel := context.WithCancel(s.ctx)
	ended := make(chan error, 1)
	go func() {
		var err error
		for measure.Pause(ctx, interval); ctx.Err() == nil; measure.Pause(ctx, interval) {
			err = errors.Join(err, scrapeAll(s.ctx, s.parts))
		}
		ended <- err
	}()
	return func() error {
		cancel()
		return <-ended
	}
}

// telemetryIdle measures the resources used by idle processes with and without telemetry, and the cost of a scrape.
func (s *setup) telemetryIdle() error {
	var processes []part
	for _, v := range s.plan.against(off(), variant{name: withMetrics}) {
		for _, of := range []*system{
			s.with(v, func(env ...string) *system { return s.up(eco, env...) }),
			s.with(v, func(env ...string) *system { return s.four(strict, env...) }),
		} {
			if err := of.warmUp(); err != nil {
				return err
			}
			for _, p := range of.parts {
				if !p.store {
					p.name = nameOf(p.name, v.name)
					processes = append(processes, p)
				}
			}
		}
	}
	measure.Pause(s.ctx, settle)
	idle, err := s.watchIdle(processes, func() error { return s.scrapeSlowly(processes) })
	if err != nil {
		return err
	}
	for i, p := range processes {
		if p.admin == "" {
			continue
		}
		if idle[i].Scrape, err = s.costOfScrape(p); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	s.r.Scraped = idle
	return nil
}

// scrapeInterval is the interval at which idle processes are scraped.
const scrapeInterval = 15 * time.Second

// scrapeSlowly scrapes all processes every scrapeInterval, while watchIdle measures them.
func (s *setup) scrapeSlowly(processes []part) error {
	var err error
	for left := s.plan.Price.Idle; left > 0; left -= scrapeInterval {
		err = errors.Join(err, scrapeAll(s.ctx, processes))
		measure.Pause(s.ctx, min(left, scrapeInterval))
	}
	return err
}

// costOfScrape returns the CPU time per scrape in milliseconds.
func (s *setup) costOfScrape(p part) (float64, error) {
	const scrapes = 100
	before, err := s.procs.Usage(p.pids)
	if err != nil {
		return 0, err
	}
	for range scrapes {
		if _, err := scrape(s.ctx, p.admin); err != nil {
			return 0, err
		}
	}
	after, err := s.procs.Usage(p.pids)
	return page.Digits((after.CPU - before.CPU).Seconds() * 1000 / scrapes), err
}

// warmUp requests a few fights, so that the idle system is measured in the state after use.
func (s *system) warmUp() error {
	if s.err != nil {
		return s.err
	}
	for range 20 {
		if _, err := program.Get(s.ctx, s.urls[measure.Fights]+fightPath); err != nil {
			return err
		}
	}
	return nil
}

// Names of the parts of telemetry whose cost per request has a limit.
const (
	costOfMetrics    = "metrics"
	costOfTracingOff = "tracing off"
)

// telemetryRequest measures what telemetry adds to the cost of a request, using the benchmarks of package httpserver.
func (s *setup) telemetryRequest() error {
	parts := []struct{ name, benchmark string }{
		{costOfMetrics, "BenchmarkMeasure"}, {costOfTracingOff, "BenchmarkTrace/off"},
		{"a request that isn't traced", "BenchmarkTrace/not_sampled"}, {"a traced request", "BenchmarkTrace/sampled"},
	}
	var benchmarks []benchmark
	for _, p := range parts {
		benchmarks = append(benchmarks, benchmark{"internal/httpserver", p.benchmark})
	}
	measured, err := measureBenchmarks(s.ctx, s.module, "200ms", benchmarks...)
	if err != nil {
		return err
	}
	for i, p := range parts {
		got, there := measured[benchmarks[i]]
		if !there {
			return fmt.Errorf("%v did not run", benchmarks[i])
		}
		s.r.Requests = append(s.r.Requests, RequestCost{p.name, got.ns, got.allocs})
		s.say("%s: %s %.1f ns, %d allocations", telemetryRequest, p.name, got.ns, got.allocs)
	}
	return nil
}
