package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"superheroes/test/cluster/node"
	"superheroes/test/steps"
)

// dnsOnNode are values that let pods resolve names although CoreDNS runs on the node, and not in a pod.
const dnsOnNode = `
networkPolicy: {dnsTo: [{ipBlock: {cidr: ` + node.Address + `/32}}]}
`

// policies returns the steps with an agent that enforces NetworkPolicies. They come last, since the agent stays.
func (c *cluster) policies() []steps.Step {
	d := &deployment{release: release{c, "policies"}}
	return []steps.Step{
		steps.Gate("policies: without an agent, every connection works", d.beginPolicies),
		steps.Gate("policies: an agent enforces NetworkPolicies", d.enforce),
		steps.Check("policies: helm test passes", func(ctx context.Context) (string, error) { return "", d.test(ctx) }),
		steps.Check("policies: helm uninstall", d.finishPolicies),
	}
}

// visitor is a pod that tries to connect to services of the release.
type visitor struct {
	name      string
	namespace string
	label     string          // as YAML
	admitted  map[string]bool // by target, whether the policies allow the connection
}

// visitors returns pods of each kind that the policies treat differently.
func visitors() []visitor {
	return []visitor{
		{"stranger", "policies", "app: stranger", map[string]bool{"arena": true, "fights": false, "heroes": false, "statistics": false, "admin": false}},
		{"client", "policies", `superheroes-client: "true"`, map[string]bool{"arena": true, "fights": true, "heroes": true, "statistics": true, "admin": false}},
		{"prometheus", "monitoring", "app: prometheus", map[string]bool{"arena": true, "fights": false, "admin": true}},
	}
}

// beginPolicies installs the chart, and checks that without an agent every visitor can connect to everything: otherwise, a
// connection that fails later would prove nothing.
func (d *deployment) beginPolicies(ctx context.Context) (string, error) {
	if _, err := exec.LookPath("kube-router"); err != nil {
		return "", steps.Skip("unproved: kube-router, which would enforce the policies, isn't built")
	}
	var err error
	if d.databases, err = startDatabases(ctx); err != nil {
		return "", err
	}
	monitoring := release{d.cluster, "monitoring"}
	err = errors.Join(d.create(ctx), monitoring.create(ctx), d.install(ctx, d.databases.values()+dnsOnNode))
	if err != nil {
		return "", err
	}
	return d.visit(ctx, func(visitor, string) bool { return true })
}

// enforce starts the agent, and checks that exactly the connections that the policies allow work. The agent may need a moment.
func (d *deployment) enforce(ctx context.Context) (string, error) {
	if err := d.node.StartPolicies(ctx); err != nil {
		return "", err
	}
	var figures string
	err := steps.Poll(ctx, 2*time.Minute, func(ctx context.Context) (err error) {
		figures, err = d.visit(ctx, func(v visitor, target string) bool { return v.admitted[target] })
		return err
	})
	return figures, err
}

// finishPolicies also removes the namespace of the visitor prometheus.
func (d *deployment) finishPolicies(ctx context.Context) (string, error) {
	_, err := d.kubectl(ctx, "delete", "namespace", "monitoring", "--timeout", "3m")
	figures, err2 := d.finish(ctx)
	return figures, errors.Join(err, err2)
}

// visit lets each visitor try all its targets, and compares which connections work with those that should.
func (d *deployment) visit(ctx context.Context, wanted func(v visitor, target string) bool) (string, error) {
	works, fails := 0, 0
	for _, v := range visitors() {
		output, err := d.try(ctx, v)
		if err != nil {
			return "", err
		}
		for target := range v.admitted {
			open := strings.Contains(output, target+" works")
			if open != wanted(v, target) {
				return "", fmt.Errorf("the %s's connection to %s: works %t, want %t:\n%s", v.name, target, open, !open, output)
			}
			if open {
				works++
			} else {
				fails++
			}
		}
	}
	return fmt.Sprintf("%d connections work, %d don't", works, fails), nil
}

// try runs a visitor's pod until it has tried everything, and returns its output.
func (d *deployment) try(ctx context.Context, v visitor) (string, error) {
	paths := map[string]string{"arena": ":8000/", "admin": ":9090/metrics", "fights": ":8000/readyz", "heroes": ":8000/readyz", "statistics": ":8000/readyz"}
	script := []string{"sleep 3"} // kube-router admits a new pod only after it has seen its address
	for _, target := range slices.Sorted(maps.Keys(v.admitted)) {
		script = append(script, fmt.Sprintf("timeout 5 wget -q -O /dev/null http://superheroes-%s.%s.svc.cluster.local%s && echo %s works || echo %s fails",
			target, d.namespace, paths[target], target, target))
	}
	r := release{d.cluster, v.namespace}
	err := d.node.Apply(ctx, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s, labels: {%s}}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  securityContext: {runAsNonRoot: true, runAsUser: 65534, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: visitor
      image: busybox:1.37
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
      command: [sh, -c, %q]
`, v.name, v.namespace, v.label, strings.Join(script, "; ")))
	if err != nil {
		return "", err
	}
	_, err = r.kubectl(ctx, "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/"+v.name, "--timeout=2m")
	if err != nil {
		err = errors.Join(err, r.explain(ctx))
	}
	output, err2 := r.kubectl(ctx, "logs", v.name)
	_, err3 := r.kubectl(ctx, "delete", "pod", v.name, "--now")
	return output, errors.Join(err, err2, err3)
}
