package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"superheroes/test/program"
	"superheroes/test/steps"
)

// most is the largest amount of memory that the mode embedded may request.
const most = 64 // MiB

// embedded returns the steps for the mode embedded, with the chart's defaults.
func (c *cluster) embedded() []steps.Step {
	r := release{c, "embedded"}
	return []steps.Step{
		steps.Gate("embedded: a first fight under PodSecurity restricted", r.firstFight),
		steps.Check("embedded: a fight through kubectl port-forward", r.forward),
		steps.Check("embedded: memory requested", r.checkMemory),
		steps.Check("embedded: helm test passes", func(ctx context.Context) (string, error) { return "", r.test(ctx) }),
		steps.Check("embedded: the gap while the pod is replaced; the data survives", r.measureGap),
		steps.Check("embedded: helm uninstall", func(ctx context.Context) (string, error) { return "", r.remove(ctx) }),
	}
}

// firstFight installs the chart without values, and requests a fight until there is one.
func (r release) firstFight(ctx context.Context) (string, error) {
	if err := errors.Join(r.create(ctx), r.makeVolume(ctx)); err != nil {
		return "", err
	}
	return r.timeToFight(ctx, chart, "")
}

// timeToFight installs a chart, without waiting for anything, and returns how long it takes until a first fight.
func (r release) timeToFight(ctx context.Context, chart, values string) (string, error) {
	begin := time.Now()
	if _, err := r.helm(ctx, values, "install", "superheroes", chart); err != nil {
		return "", err
	}
	arena, err := r.url(ctx, "arena")
	if err != nil {
		return "", err
	}
	err = steps.Poll(ctx, 5*time.Minute, func(ctx context.Context) error { return fightOnce(ctx, arena) })
	if err != nil {
		return "", errors.Join(err, r.explain(ctx))
	}
	return fmt.Sprintf("%.1f s after helm install", time.Since(begin).Seconds()), nil
}

// forward requests a fight as docs/cluster.md says.
func (r release) forward(ctx context.Context) (string, error) {
	forwarding, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := r.kubectl(forwarding, "port-forward", "service/superheroes-arena", "8000")
		ended <- err
	}()
	err := steps.Poll(ctx, time.Minute, func(ctx context.Context) error { return fightOnce(ctx, "http://localhost:8000") })
	stop()
	killed := <-ended // an error in any case, which says what kubectl wrote
	if err != nil {
		err = errors.Join(err, killed)
	}
	return "", err
}

// fightOnce requests a fight.
func fightOnce(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	status, body, err := ask(ctx, program.Client(), base+"/api/fights/execute_fight")
	if err == nil && status != 200 {
		err = fmt.Errorf("execute_fight returned %d: %.200s", status, body)
	}
	return err
}

// explain returns an error with the events in the namespace.
func (r release) explain(ctx context.Context) error {
	events, err := r.kubectl(ctx, "get", "events", "--sort-by=.lastTimestamp", "--output", "custom-columns=:.involvedObject.name,:.reason,:.message")
	return errors.Join(errors.New(events), err)
}

// makeVolume makes a volume on the node, which has no storage class.
func (r release) makeVolume(ctx context.Context) error {
	folder := filepath.Join(r.work, "volume")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	return r.node.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: embedded}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  local: {path: %q}
  nodeAffinity:
    required:
      nodeSelectorTerms:
        - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node]}]
`, folder))
}

// checkMemory adds up the memory that the pods request.
func (r release) checkMemory(ctx context.Context) (string, error) {
	requests, err := r.kubectl(ctx, "get", "pods", "--output", `jsonpath={range .items[*].spec.containers[*]}{.resources.requests.memory}{"\n"}{end}`)
	if err != nil {
		return "", err
	}
	sum := 0
	for _, request := range strings.Fields(requests) {
		var mebibytes int
		if _, err := fmt.Sscanf(request, "%dMi", &mebibytes); err != nil {
			return "", fmt.Errorf("a container requests %q of memory, not a number of Mi", request)
		}
		sum += mebibytes
	}
	if sum == 0 || sum > most {
		return "", fmt.Errorf("the pods request %d MiB, want at most %d", sum, most)
	}
	return fmt.Sprintf("%d MiB", sum), nil
}

// measureGap requests fights one after the other while the pod is replaced by one with another image, and returns the longest
// time between two fights. Every acknowledged fight must still be stored.
func (r release) measureGap(ctx context.Context) (string, error) {
	before, err := r.takeStock(ctx)
	if err != nil {
		return "", err
	}
	old, err := r.podID(ctx)
	if err != nil {
		return "", err
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	replaced, measured := make(chan struct{}), make(chan gap, 1)
	go func() { measured <- watchGap(watching, before.fights, replaced) }()
	_, err = r.helm(ctx, "image: {tag: "+previous+"}", "upgrade", "superheroes", chart, "--wait", "--timeout", "3m")
	if err == nil {
		err = r.replaced(ctx, old)
	}
	if err != nil {
		return "", errors.Join(err, r.explain(ctx))
	}
	close(replaced)
	seen := <-measured
	after, err := r.takeStock(ctx)
	if err == nil && after.number < before.number+seen.fights {
		err = fmt.Errorf("%d fights were acknowledged, but only %d more are stored", seen.fights, after.number-before.number)
	}
	return fmt.Sprintf("%.1f s without a fight; %d fights before and after it", seen.longest.Seconds(), seen.fights), err
}

// podID returns the id of the only pod.
func (r release) podID(ctx context.Context) (string, error) {
	return r.kubectl(ctx, "get", "pods", "--selector", "app.kubernetes.io/name=superheroes", "--output", "jsonpath={.items[*].metadata.uid}")
}

// replaced waits until another pod than the given one is ready.
func (r release) replaced(ctx context.Context, old string) error {
	err := steps.Poll(ctx, 3*time.Minute, func(ctx context.Context) error {
		now, err := r.podID(ctx)
		if err == nil && (now == old || now == "") {
			err = fmt.Errorf("the pod is still %s", old)
		}
		return err
	})
	return errors.Join(err, r.settle(ctx, 1))
}

// gap is the longest time between two successful requests.
type gap struct {
	longest time.Duration
	fights  int
}

// watchGap requests fights until one succeeds after the pod was replaced.
func watchGap(ctx context.Context, base string, replaced <-chan struct{}) (g gap) {
	for last := time.Now(); ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
		if fightOnce(ctx, base) != nil {
			continue
		}
		g.fights++
		g.longest = max(g.longest, time.Since(last))
		last = time.Now()
		select {
		case <-replaced:
			return g
		default:
		}
	}
	return g
}
