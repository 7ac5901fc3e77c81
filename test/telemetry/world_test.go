// Package telemetry_test observes the services from outside, as operators do: Prometheus scrapes them, and they also
// send metrics and traces through an OpenTelemetry collector to a second Prometheus and to Jaeger.
package telemetry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"superheroes/test/system"
	"superheroes/test/telemetry/tools"
)

// exitTime is the time within which a process must exit.
const exitTime = time.Minute

// world is a system with the tools that receive its telemetry.
type world struct {
	*system.System
	pushed  *tools.Prometheus // receives OTLP; its series have the labels __type__ and __unit__
	scraped *tools.Prometheus
	jaeger  *tools.Jaeger
}

// layout starts all services with additional environment variables, and returns the base URLs of their admin listeners.
type layout func(t *testing.T, program string, env ...string) (s *system.System, admins []string)

// start starts the tools and the services.
func start(t *testing.T, services layout, env ...string) world {
	t.Helper()
	w := world{jaeger: tools.StartJaeger(t), pushed: tools.StartPrometheus(t, "", "--enable-feature=type-and-unit-labels")}
	collector := tools.Collector(t, tools.Forward(w.pushed, w.jaeger))
	env = append(env, "OTEL_EXPORTER_OTLP_ENDPOINT="+collector, "OTEL_METRIC_EXPORT_INTERVAL=200")
	var admins []string
	w.System, admins = services(t, system.Build(t), env...)
	w.scraped = tools.StartPrometheus(t, tools.Scrape(admins...))
	return w
}

// one starts all services in one process with the embedded store.
func one(t *testing.T, program string, env ...string) (s *system.System, admins []string) {
	t.Helper()
	s = system.UpWith(t, program, t.TempDir(), env)
	return s, []string{s.Admin}
}

// six starts each service in its own process, with database servers as stores.
func six(t *testing.T, program string, env ...string) (s *system.System, admins []string) {
	t.Helper()
	stores := system.RealStores(t)
	s = system.FourWith(t, program, stores, env)
	admins = slices.Collect(maps.Values(s.Admins))
	further := func() []string {
		addr := system.FreeAddr(t)
		admins = append(admins, "http://"+addr)
		return append([]string{"ADMIN_ADDR=" + addr}, env...)
	}
	addr := system.FreeAddr(t)
	s.Statistics = "http://" + addr
	variables := append(further(), "ADDR="+addr, "MONGODB_URL="+stores.Fights, "DRAIN_DELAY=0s")
	p := system.Start(t, program, variables, "statistics")
	p.Ready(t, s.Statistics+"/readyz")
	s.Processes["statistics"] = p
	s.StartArena(t, program, further()...)
	return s, admins
}

// stop stops all processes, which send their last metrics and spans before they exit.
func (w world) stop(t *testing.T) {
	t.Helper()
	processes := map[int]*system.Process{} // by process id
	for _, p := range w.Processes {
		processes[p.Pid()] = p
	}
	for _, p := range processes {
		p.Signal(t, syscall.SIGTERM)
	}
	for _, p := range processes {
		if code := p.Wait(t, exitTime); code != 0 {
			t.Errorf("exit code %d; stderr:\n%s", code, &p.Stderr)
		}
	}
}

// load is a running load of fight requests at a constant rate from several clients. stop ends it.
type load struct {
	sent, failed atomic.Int64
	stop         func()
}

// startLoad starts clients that request fights at the given total rate per second. If note isn't nil, each request
// belongs to a new sampled trace, and startLoad calls note with the trace id once the fight has succeeded.
func startLoad(t *testing.T, fights string, rate int, note func(traceID string)) *load {
	t.Helper()
	const clients = 8
	l := &load{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	l.stop = func() { cancel(); running.Wait() }
	t.Cleanup(l.stop)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	for range clients {
		running.Go(func() {
			for ticker := time.NewTicker(clients * time.Second / time.Duration(rate)); ; {
				select {
				case <-ctx.Done():
					ticker.Stop()
					return
				case <-ticker.C:
				}
				l.count(fight(context.WithoutCancel(ctx), client, fights, note)) // stopping the load doesn't interrupt requests
			}
		})
	}
	return l
}

func (l *load) count(err error) {
	l.sent.Add(1)
	if err != nil {
		l.failed.Add(1)
	}
}

// fight requests a fight.
func fight(ctx context.Context, client *http.Client, fights string, note func(traceID string)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fights+"/api/fights/execute_fight", nil)
	if err != nil {
		return err
	}
	traceID := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()|1)
	if note != nil {
		request.Header.Set("Traceparent", fmt.Sprintf("00-%s-%016x-01", traceID, rand.Uint64()|1))
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	if note != nil {
		note(traceID)
	}
	return nil
}
