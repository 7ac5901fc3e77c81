package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"superheroes/test/cluster/node"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

// exerciseCommand is an argument for this program, which then runs the steps that use a node. It must be the first process in
// a sandbox.
const exerciseCommand = "exercise"

// cluster is what the steps use: the node, and the folder with everything built for it.
type cluster struct {
	node *node.Node
	work string
}

// exercise starts a node, runs the selected parts of the test, or all, and stops the node. It does so as well when the process
// that started this one ends, and so closes this one's standard input. It returns the exit code.
func exercise(ctx context.Context, out *steps.Tally, work string, parts []string) int {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	c := &cluster{work: work}
	defer func() {
		if err := c.stop(); err != nil {
			out.Note("stopping the node: %v", err)
		}
	}()
	if !out.All(ctx, []steps.Step{steps.Gate("a node of our own is ready, and CoreDNS resolves names", c.start)}) {
		return 0 // the tally of the other process counts
	}
	for _, part := range c.parts() {
		if ctx.Err() == nil && (len(parts) == 0 || slices.Contains(parts, part.name)) {
			out.All(ctx, part.steps())
		}
	}
	return 0
}

// part is a part of the test that can be selected.
type part struct {
	name  string
	steps func() []steps.Step
}

// parts returns all parts, in the order in which they run. The first has no steps beyond the start of the node.
func (c *cluster) parts() []part {
	return []part{
		{"node", func() []steps.Step { return nil }}, {"manifests", c.manifests}, {"embedded", c.embedded},
		{"external", c.external}, {"scale", c.scale}, {"policies", c.policies},
	}
}

// checkParts returns an error if a name isn't that of a part.
func checkParts(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(new(cluster).parts(), func(p part) bool { return p.name == name }) {
			return fmt.Errorf("the test has no part %q", name)
		}
	}
	return nil
}

// start starts the node. The logs of its programs are kept.
func (c *cluster) start(ctx context.Context) (string, error) {
	logs, err := filepath.Abs("build/cluster-logs")
	if err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(plugins)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(c.work, "node")
	if err := errors.Join(os.MkdirAll(logs, 0o755), os.Mkdir(folder, 0o755)); err != nil {
		return "", err
	}
	c.node, err = node.Start(ctx, node.Options{
		Work: folder, Logs: logs, Group: os.Getenv("CLUSTER_TEST_GROUP"), Plugins: absolute, Images: filepath.Join(c.work, archive),
	})
	if err != nil {
		return "", err
	}
	return c.node.Kubectl(ctx, "get", "node", "node", "--output",
		"jsonpath=Kubernetes {.status.nodeInfo.kubeletVersion}, {.status.nodeInfo.containerRuntimeVersion}")
}

func (c *cluster) stop() error {
	if c.node == nil {
		return nil
	}
	return c.node.Stop()
}

// manifests returns the steps that check manifests without running anything.
func (c *cluster) manifests() []steps.Step {
	return []steps.Step{
		steps.Check("every combination of the chart's switches passes a dry run of the API server", c.dryRun),
	}
}

// dryRun runs the test of the chart that creates all objects without storing them.
func (c *cluster) dryRun(ctx context.Context) (string, error) {
	tools, err := filepath.Abs("build")
	if err != nil {
		return "", err
	}
	settings := shell.Settings{Dir: "deploy/chart", Env: append(os.Environ(),
		"TEST_KUBECONFIG="+c.node.Kubeconfig(), "KUBECACHEDIR="+filepath.Join(c.work, "kubecache"), "TEST_CHART_TOOLS="+tools, "GOPROXY=off")}
	output, err := settings.Output(ctx, filepath.Join(c.work, chartTest), "-test.v", "-test.run", "TestCombinations/^(render|server)$")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(output) {
		if _, figure, found := strings.Cut(line, "dry run: "); found {
			return strings.TrimSpace(figure), nil
		}
	}
	return "", errors.New("the test didn't run")
}

// release is an installation of the chart in a namespace of its own, whose pods must meet the standard restricted.
type release struct {
	*cluster
	namespace string
}

// create makes the namespace.
func (r release) create(ctx context.Context) error {
	return r.node.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata:
  name: %s
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/warn: restricted}
`, r.namespace))
}

// helm runs a command of helm for the release, with values as YAML for the commands that take them.
func (r release) helm(ctx context.Context, values string, args ...string) (string, error) {
	args = append(args, "--namespace", r.namespace)
	if values != "" {
		args = append(args, "--values", "-")
	}
	return r.node.Shell().Feed(ctx, values, "helm", args...)
}

// install installs the chart of this tree and waits until everything is ready.
func (r release) install(ctx context.Context, values string) error {
	_, err := r.helm(ctx, values, "install", "superheroes", chart, "--wait", "--timeout", "5m")
	return err
}

// test runs helm test.
func (r release) test(ctx context.Context) error {
	_, err := r.helm(ctx, "", "test", "superheroes", "--timeout", "2m")
	return err
}

// remove uninstalls the release and removes the namespace, and so everything in it.
func (r release) remove(ctx context.Context) error {
	_, err := r.helm(ctx, "", "uninstall", "superheroes", "--wait", "--timeout", "3m")
	_, err2 := r.kubectl(ctx, "delete", "namespace", r.namespace, "--timeout", "3m")
	return errors.Join(err, err2)
}

func (r release) kubectl(ctx context.Context, args ...string) (string, error) {
	return r.node.Kubectl(ctx, append(args, "--namespace", r.namespace)...)
}

// url returns the base URL of a service, by the address of its Service.
func (r release) url(ctx context.Context, service string) (string, error) {
	address, err := r.kubectl(ctx, "get", "service", "superheroes-"+service, "--output", "jsonpath={.spec.clusterIP}")
	return "http://" + address + ":8000", err
}

// settle waits until the release has exactly the given number of pods of its services, and all are ready: those of an earlier
// revision, which may still be serving, have ended.
func (r release) settle(ctx context.Context, pods int) error {
	const each = `jsonpath={range .items[*]}{.status.conditions[?(@.type=="Ready")].status}{.metadata.deletionTimestamp}{"\n"}{end}`
	return steps.Poll(ctx, 3*time.Minute, func(ctx context.Context) error {
		states, err := r.kubectl(ctx, "get", "pods", "--selector", "app.kubernetes.io/name=superheroes", "--output", each)
		if err == nil && states != strings.TrimSpace(strings.Repeat("True\n", pods)) {
			err = fmt.Errorf("want %d pods that are ready, have %q", pods, strings.Fields(states))
		}
		return err
	})
}
