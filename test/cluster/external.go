package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"superheroes/test/steps"
)

// replicated are values for two pods of each service, but a single one that counts.
const replicated = `
service: {replicas: 2}
services: {statistics: {replicas: 1}}
`

// podsReplicated is the number of pods with these values: six services, five of them twice.
const podsReplicated = 11

// deployment is a release in the mode external, with its databases.
type deployment struct {
	release
	databases *databases
}

// external returns the steps for the mode external with two replicas.
func (c *cluster) external() []steps.Step {
	d := &deployment{release: release{c, "external"}}
	return []steps.Step{
		steps.Gate("external: the previous chart's first fight under PodSecurity restricted", d.begin),
		steps.Check("external: helm test passes", func(ctx context.Context) (string, error) { return "", d.test(ctx) }),
		steps.Check("external: helm test fails without the fights store", d.testWithoutStore),
		steps.Check(fmt.Sprintf("external: helm upgrade from the previous chart at %d fights/s", rate), d.upgrade),
		steps.Check(fmt.Sprintf("external: helm rollback at %d fights/s", rate), d.rollback),
		steps.Check(fmt.Sprintf("external: each pod of fights and heroes is evicted at %d fights/s", rate), d.evict),
		steps.Check("external: a rollout with a broken image is rolled back by --rollback-on-failure", d.breakImage),
		steps.Check("external: helm uninstall", d.finish),
	}
}

// begin installs the previous chart, with the image of the previous program.
func (d *deployment) begin(ctx context.Context) (string, error) {
	var err error
	if d.databases, err = startDatabases(ctx); err != nil {
		return "", err
	}
	if err := d.create(ctx); err != nil {
		return "", err
	}
	figure, err := d.timeToFight(ctx, filepath.Join(d.work, previousTree, chart), d.values(previous))
	return figure, errors.Join(err, d.settle(ctx, podsReplicated))
}

// values returns the chart's values, for an image.
func (d *deployment) values(tag string) string { return d.databases.values() + twice(tag) }

// twice returns the values except those for the databases.
func twice(tag string) string { return replicated + "image: {tag: " + tag + "}\n" }

// testWithoutStore checks that helm test fails while the fights store is unreachable, as after its scaling to 0, and passes
// once it is back.
func (d *deployment) testWithoutStore(ctx context.Context) (string, error) {
	if d.databases.withoutFights(func() error { return d.test(ctx) }) == nil {
		return "", errors.New("helm test passed although no fight could be stored")
	}
	if err := d.settle(ctx, podsReplicated); err != nil {
		return "", err
	}
	return "", d.test(ctx)
}

// upgrade upgrades to the chart and program of this tree.
func (d *deployment) upgrade(ctx context.Context) (string, error) {
	return d.underLoad(ctx, rate, func(ctx context.Context) error {
		return d.upgradeTo(ctx, chart, twice(current), podsReplicated)
	})
}

// upgradeTo upgrades to a chart, and waits until there are exactly so many pods. The values are those except for the databases.
func (d *deployment) upgradeTo(ctx context.Context, chart, values string, pods int) error {
	_, err := d.helm(ctx, d.databases.values()+values, "upgrade", "superheroes", chart, "--wait", "--timeout", "5m")
	return errors.Join(err, d.settle(ctx, pods))
}

// rollback goes back to the previous revision.
func (d *deployment) rollback(ctx context.Context) (string, error) {
	if err := d.prepare(ctx, filepath.Join(d.work, previousTree, chart), twice(previous), podsReplicated); err != nil {
		return "", err
	}
	if err := d.upgradeTo(ctx, chart, twice(current), podsReplicated); err != nil {
		return "", err
	}
	return d.underLoad(ctx, rate, func(ctx context.Context) error {
		_, err := d.helm(ctx, "", "rollback", "superheroes", "--wait", "--timeout", "5m")
		return errors.Join(err, d.settle(ctx, podsReplicated))
	})
}

// prepare is like upgradeTo, with an empty store of fights, while there is no load: FerretDB reads all fights for most queries, so
// the fights of one load would slow down the next.
func (d *deployment) prepare(ctx context.Context, chart, values string, pods int) error {
	if err := d.databases.emptyFights(ctx); err != nil {
		return err
	}
	if err := d.upgradeTo(ctx, chart, values, pods); err != nil {
		return err
	}
	for _, deployment := range []string{"deployment/superheroes-fights", "deployment/superheroes-statistics"} {
		_, err := d.kubectl(ctx, "rollout", "restart", deployment) // a new URL alone doesn't restart the pods
		_, err2 := d.kubectl(ctx, "rollout", "status", deployment, "--timeout", "3m")
		if err := errors.Join(err, err2); err != nil {
			return err
		}
	}
	return d.settle(ctx, pods)
}

// evict evicts pods through the API that a drain of their node uses, one at a time, and waits for each one's replacement.
func (d *deployment) evict(ctx context.Context) (string, error) {
	if err := d.prepare(ctx, chart, twice(current), podsReplicated); err != nil {
		return "", err
	}
	return d.underLoad(ctx, rate, func(ctx context.Context) error {
		pods, err := d.kubectl(ctx, "get", "pods", "--selector", "app.kubernetes.io/component in (fights, heroes)", "--output", `jsonpath={.items[*].metadata.name}`)
		if err != nil || pods == "" {
			return errors.Join(errors.New("there are no pods to evict"), err)
		}
		for pod := range strings.FieldsSeq(pods) {
			if err := d.evictOne(ctx, pod); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *deployment) evictOne(ctx context.Context, pod string) error {
	eviction := fmt.Sprintf(`{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": %q, "namespace": %q}}`, pod, d.namespace)
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s/eviction", d.namespace, pod)
	// Like a drain, it tries again: the budget may not have counted the pod that replaces the one evicted before.
	err := steps.Poll(ctx, time.Minute, func(ctx context.Context) error {
		_, err := d.node.Shell().Feed(ctx, eviction, "kubectl", "create", "--raw", path, "--filename", "-")
		return err
	})
	if err != nil {
		return err
	}
	return d.settle(ctx, podsReplicated)
}

// breakImage upgrades to an image whose program never gets ready. The pods that serve must stay until helm gives up.
func (d *deployment) breakImage(ctx context.Context) (string, error) {
	if err := d.prepare(ctx, chart, twice(current), podsReplicated); err != nil {
		return "", err
	}
	figures, err := d.underLoad(ctx, lowRate, func(ctx context.Context) error {
		_, err := d.helm(ctx, d.values(broken), "upgrade", "superheroes", chart, "--rollback-on-failure", "--timeout", "45s")
		if err == nil {
			return errors.New("helm upgrade succeeded with an image that never gets ready")
		}
		return d.settle(ctx, podsReplicated)
	})
	if err != nil {
		return "", err
	}
	tried, err := d.kubectl(ctx, "get", "replicasets", "--output", "jsonpath={.items[*].spec.template.spec.containers[*].image}")
	if err != nil || !strings.Contains(tried, broken) {
		return "", errors.Join(errors.New("no pods with the broken image were ever made"), err)
	}
	images, err := d.kubectl(ctx, "get", "deployments", "--output", "jsonpath={.items[*].spec.template.spec.containers[*].image}")
	if err == nil && strings.Contains(images, broken) {
		err = fmt.Errorf("the release still has the image %s: %s", broken, images)
	}
	return figures, err
}

// finish removes the release and its databases.
func (d *deployment) finish(ctx context.Context) (string, error) {
	return "", errors.Join(d.remove(ctx), d.databases.close())
}
