package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"superheroes/test/program"
	"superheroes/test/steps"
)

// The load for shares: so many connections, each renewed so often, are spread evenly enough over four pods that a share
// deviates by more than a fifth once in ten thousand times.
const (
	connections = 128
	renewal     = 10 * time.Second
	spreading   = 100 * time.Second
)

// podsSingle is the number of pods with one of each service.
const podsSingle = 6

// scale returns the steps with a varying number of pods of fights.
func (c *cluster) scale() []steps.Step {
	d := &deployment{release: release{c, "scale"}}
	return []steps.Step{
		steps.Gate("scale: helm install", d.beginScale),
		steps.Check("scale: two pods of fights carry equal shares", func(ctx context.Context) (string, error) { return d.share(ctx, 2) }),
		steps.Check("scale: four pods of fights carry equal shares", func(ctx context.Context) (string, error) { return d.share(ctx, 4) }),
		steps.Check("scale: an autoscaler adds pods under load, and removes them", d.autoscale),
		steps.Check("scale: helm uninstall", d.finish),
	}
}

func (d *deployment) beginScale(ctx context.Context) (string, error) {
	var err error
	if d.databases, err = startDatabases(ctx); err != nil {
		return "", err
	}
	if err := d.create(ctx); err != nil {
		return "", err
	}
	return "", errors.Join(d.install(ctx, d.databases.values()), d.settle(ctx, podsSingle))
}

// share runs fights in a number of pods, and checks that each pod carries its share of the load, give or take a fifth.
func (d *deployment) share(ctx context.Context, pods int) (string, error) {
	values := fmt.Sprintf("services: {fights: {replicas: %d}}\n", pods)
	if err := d.prepare(ctx, chart, values, podsSingle-1+pods); err != nil {
		return "", err
	}
	before, err := d.takeStock(ctx)
	if err != nil {
		return "", err
	}
	earlier, err := d.executed(ctx)
	if err != nil {
		return "", err
	}
	loading, end := context.WithCancel(ctx)
	running := startLoad(ctx, before.fights, lowRate, renewed(loading)...)
	select {
	case <-ctx.Done():
	case <-time.After(spreading):
	}
	operations := running.stop()
	end()
	figures, err := before.audit(ctx, operations)
	if err != nil {
		return "", err
	}
	later, err := d.executed(ctx)
	if err != nil {
		return "", err
	}
	shares, err := compareShares(earlier, later, pods)
	return shares + "; " + figures, err
}

// renewed returns clients with a connection each, which is closed and opened again at regular intervals, at another time for
// each client, until ctx is done.
func renewed(ctx context.Context) (clients []*http.Client) {
	for n := range connections {
		transport := &http.Transport{MaxConnsPerHost: 1}
		clients = append(clients, &http.Client{Transport: transport})
		go func() {
			next := time.NewTimer(renewal * time.Duration(n) / connections)
			defer next.Stop()
			for {
				select {
				case <-ctx.Done():
					transport.CloseIdleConnections()
					return
				case <-next.C:
					transport.CloseIdleConnections()
					next.Reset(renewal)
				}
			}
		}()
	}
	return clients
}

// executed returns how many fights each pod has executed, by its address.
func (d *deployment) executed(ctx context.Context) (map[string]float64, error) {
	addresses, err := d.kubectl(ctx, "get", "pods", "--selector", "app.kubernetes.io/component=fights", "--output", "jsonpath={.items[*].status.podIP}")
	counts := map[string]float64{}
	for address := range strings.FieldsSeq(addresses) {
		status, body, err := ask(ctx, program.Client(), "http://"+address+":9090/metrics")
		if err != nil || status != http.StatusOK {
			return nil, errors.Join(fmt.Errorf("the metrics of the pod at %s: status %d", address, status), err)
		}
		if counts[address], err = fightsIn(string(body)); err != nil {
			return nil, err
		}
	}
	return counts, err
}

// fightsIn adds up how often execute_fight was requested, according to a service's metrics.
func fightsIn(metrics string) (sum float64, err error) {
	for line := range strings.Lines(metrics) {
		series, value, _ := strings.Cut(line, "} ")
		if !strings.HasPrefix(series, "http_server_request_duration_seconds_count{") || !strings.Contains(series, `http_route="/api/fights/execute_fight"`) {
			continue
		}
		count, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil {
			return 0, err
		}
		sum += count
	}
	return sum, nil
}

// compareShares returns the share of fights that each pod has executed between two readings, and an error if one differs from
// an equal share by more than a fifth.
func compareShares(earlier, later map[string]float64, pods int) (text string, err error) {
	sum := 0.0
	for address, count := range later {
		sum += count - earlier[address]
	}
	if len(later) != pods || sum == 0 {
		return "", fmt.Errorf("%d pods have executed %.0f fights, want %d pods", len(later), sum, pods)
	}
	var shares []string
	for _, address := range slices.Sorted(maps.Keys(later)) {
		share := (later[address] - earlier[address]) / sum
		shares = append(shares, fmt.Sprintf("%.1f %%", 100*share))
		if relative := share * float64(pods); relative < 0.8 || relative > 1.2 {
			err = fmt.Errorf("the pod at %s carries %.1f %% of the load, want %.1f %%, give or take a fifth", address, 100*share, 100/float64(pods))
		}
	}
	return strings.Join(shares, " + "), err
}

// autoscaled are values for an autoscaler that adds pods at a load which leaves cores for the cluster itself.
const autoscaled = `
services: {fights: {autoscaling: {enabled: true, minReplicas: 1, maxReplicas: 3, cpu: 5m, scaleDownSeconds: 15}}}
`

// autoscale checks that the autoscaler adds pods until there are three while fights are requested, and then removes two.
func (d *deployment) autoscale(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("metrics-server"); err != nil {
		return "", steps.Skip("metrics-server isn't built")
	}
	if err := d.node.StartMetrics(ctx); err != nil {
		return "", err
	}
	if err := d.prepare(ctx, chart, "", podsSingle); err != nil {
		return "", err
	}
	if err := d.upgradeTo(ctx, chart, autoscaled, podsSingle); err != nil {
		return "", err
	}
	if err := d.awaitScale(ctx, 1); err != nil {
		return "", err
	}
	var begin, added time.Time
	figures, err := d.underLoad(ctx, lowRate, func(ctx context.Context) error {
		begin = time.Now()
		err := d.awaitScale(ctx, 3)
		added = time.Now()
		return err
	})
	if err != nil {
		return "", err
	}
	if err := d.awaitScale(ctx, 1); err != nil {
		return "", err
	}
	return fmt.Sprintf("1 to 3 pods in %.0f s, back to 1 within %.0f s after the load; %s",
		added.Sub(begin).Seconds(), time.Since(added).Seconds(), figures), nil
}

// awaitScale waits until there are as many pods of fights, all ready.
func (d *deployment) awaitScale(ctx context.Context, pods int) error {
	err := steps.Poll(ctx, 5*time.Minute, func(ctx context.Context) error {
		ready, err := d.kubectl(ctx, "get", "deployment", "superheroes-fights", "--output", "jsonpath={.spec.replicas} {.status.readyReplicas}")
		if want := fmt.Sprintf("%d %d", pods, pods); err == nil && ready != want {
			err = fmt.Errorf("fights has %q pods (wanted and ready), not %s", ready, want)
		}
		return err
	})
	if err != nil {
		autoscaler, err2 := d.kubectl(ctx, "describe", "horizontalpodautoscaler", "superheroes-fights")
		return errors.Join(err, errors.New(autoscaler), err2)
	}
	return d.settle(ctx, podsSingle-1+pods)
}
