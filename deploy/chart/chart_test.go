package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wired are values that switch on everything that bundled databases allow.
const wired = `
databases: {mode: bundled}
adminToken: {existingSecret: admin}
service: {autoscaling: {enabled: true}}
ingress: {enabled: true, host: heroes.example.com, tlsSecret: tls}
monitoring: {serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, dashboards: {enabled: true}}
tracing: {endpoint: "http://collector.monitoring:4318/v1/traces"}
`

// option is one way to set a switch, as YAML of top-level values.
type option struct{ name, values string }

// switches returns the options of each switch.
func switches() [][]option {
	return [][]option{
		{
			{"embedded", "databases: {mode: embedded}\n"},
			{"embedded without a volume", "databases: {mode: embedded, embedded: {persistence: {enabled: false}}}\n"},
			{"bundled", "databases: {mode: bundled}\n"},
			{"external", `databases:
  mode: external
  external:
    heroes: {url: "postgres://superman:superman@db.example.com/heroes_database"}
    villains: {existingSecret: villains-app, key: uri}
    locations: {existingSecret: locations-app}
    fights: {existingSecret: fights-app, port: 27018}
`},
		},
		{
			{"no route", ""},
			{"Ingress", "ingress: {enabled: true, host: heroes.example.com}\n"},
			{"Ingress with TLS", "ingress: {enabled: true, host: heroes.example.com, tlsSecret: tls}\n"},
			{"HTTPRoute", "httpRoute: {enabled: true, parentRefs: [{name: gateway, namespace: infra}], hostnames: [heroes.example.com]}\n"},
		},
		{{"fixed", ""}, {"autoscaling", "service: {autoscaling: {enabled: true}}\n"}},
		{
			{"defaults", ""},
			{"closed", "networkPolicy: {arenaFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: infra}}}]}\nadminToken: {existingSecret: admin}\npods: {securityContext: {fsGroup: null}}\n"},
			{"open", "networkPolicy: {enabled: false}\npodDisruptionBudget: {enabled: false}\nshutdown: {preStopSeconds: 0}\n"},
		},
		{{"unmonitored", ""}, {"monitored", `monitoring: {labels: {release: prometheus}, serviceMonitor: {enabled: true}, prometheusRule: {enabled: true}, dashboards: {enabled: true}}
tracing: {endpoint: "http://collector.monitoring:4318/v1/traces"}
`}},
	}
}

// combinations returns every combination of options.
func combinations(switches [][]option) (all []option) {
	if len(switches) == 0 {
		return []option{{}}
	}
	for _, first := range switches[0] {
		for _, rest := range combinations(switches[1:]) {
			all = append(all, option{strings.Trim(first.name+", "+rest.name, ", "), first.values + rest.values})
		}
	}
	return all
}

// TestCombinations checks that every combination of switches renders objects that Kubernetes accepts, and that follow the
// rules. The combination of the mode embedded with autoscaling must be rejected.
func TestCombinations(t *testing.T) {
	tool(t, "helm") // skips all at once if it is missing
	rendered := t.TempDir()
	t.Run("render", func(t *testing.T) {
		for i, c := range combinations(switches()) {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				manifests, failure := render(t, c.values)
				if strings.Contains(c.name, "embedded") && strings.Contains(c.name, "autoscaling") {
					if !strings.Contains(failure, "needs databases.mode bundled or external") {
						t.Errorf("got %q, want an error", failure)
					}
					return
				}
				if failure != "" {
					t.Fatal(failure)
				}
				if err := os.WriteFile(filepath.Join(rendered, fmt.Sprintf("%d.yaml", i)), []byte(manifests), 0o644); err != nil {
					t.Fatal(err)
				}
				all := decode(t, manifests)
				for name, rule := range rules() {
					for _, broken := range rule(&all) {
						t.Errorf("%s: %s", name, broken)
					}
				}
			})
		}
	})
	t.Run("schemas", func(t *testing.T) { conform(t, rendered) })
	t.Run("server", func(t *testing.T) { dryRun(t, rendered) })
}

// TestRefused checks that values which can't work are refused, with a message that names the value.
func TestRefused(t *testing.T) {
	t.Parallel()
	tool(t, "helm")
	for values, want := range map[string]string{
		"{databases: {mod: bundled}}":                               "'mod'",
		"{services: {fights: {replica: 2}}}":                        "'replica'",
		"{services: {fight: {}}}":                                   "'fight'",
		"{networkPolicy: {metricsFrom: [{namespace: monitoring}]}}": "'namespace'",
		"{networkPolicy: {metricsFrom: []}}":                        "/networkPolicy/metricsFrom",
		"{profile: fast}":                                           "/profile",
		"{env: {access-log: 'true'}}":                               "access-log",
		"{env: {ACCESS_LOG: true}}":                                 "/env/ACCESS_LOG",
		"{image: {digest: sha256:1}}":                               "/image/digest",
		"{pods: {securityContext: {runAsUser: 0}}}":                 "/pods/securityContext/runAsUser",
		"{tracing: {endpoint: 'http://collector'}}":                 "/tracing/endpoint",
		"{fullnameOverride: Heroes}":                                "/fullnameOverride",
		"{services: {fights: {autoscaling: {enabled: true}}}}":      "autoscaling of fights needs databases.mode bundled or external",
		"{databases: {mode: bundled}, service: {autoscaling: {enabled: true, minReplicas: 4}}}": "minReplicas is greater than maxReplicas",
		"{databases: {mode: external}}": "databases.external.fights needs a url, or an existingSecret",
		"{databases: {mode: external, external: {fights: {url: a, existingSecret: b}}}}": "databases.external.fights has both",
		"{httpRoute: {enabled: true}}": "httpRoute.parentRefs is empty",
		"{ingress: {enabled: true}}":   "ingress.host is empty",
	} {
		t.Run(values, func(t *testing.T) {
			t.Parallel()
			if _, failure := render(t, values); !strings.Contains(failure, want) {
				t.Errorf("got %q, want a message that contains %q", failure, want)
			}
		})
	}
}

// TestOverrides checks that values which no combination sets have the effect that their descriptions promise.
func TestOverrides(t *testing.T) {
	t.Parallel()
	tool(t, "helm")
	const external = "databases: {mode: external, external: {heroes: {url: a}, villains: {url: b}, locations: {url: c}, fights: {existingSecret: fights-app, key: uri}}}\n"
	for _, c := range []struct{ name, values, template, want string }{
		{"a digest", "image: {tag: v1, digest: sha256:" + strings.Repeat("0", 64) + "}", "embedded", `image: "superheroes-go@sha256:000`},
		{"a tag", "image: {repository: ghcr.io/a/b, tag: v1}", "embedded", `image: "ghcr.io/a/b:v1"`},
		{"a registry's Secret", "image: {pullSecrets: [registry]}", "embedded", "imagePullSecrets:\n        - name: registry"},
		{"a variable", "env: {GOMAXPROCS: '3'}", "embedded", "- name: GOMAXPROCS\n              value: \"3\""},
		{"trusted origins", "trustedOrigins: ['https://a.example', 'https://b.example']", "embedded", `value: "https://a.example,https://b.example"`},
		{"a large user", "pods: {securityContext: {runAsUser: 1000680000, fsGroup: null}}", "embedded", "runAsUser: 1000680000\n"},
		{"a storage class", "databases: {embedded: {persistence: {storageClass: fast}}}", "embedded", "storageClassName: fast"},
		{"one service's replicas", external + "services: {fights: {replicas: 7}}", "deployments", "replicas: 7\n"},
		{"the key of a URL", external, "deployments", `value: "/etc/superheroes/database/uri"`},
		{"one service's variable", external + "services: {fights: {env: {PROFILE: strict}}}", "deployments", `value: "strict"`},
		{"no databases in OpenShift's way", "databases: {mode: bundled, bundled: {securityContext: {runAsUser: null, runAsGroup: null, fsGroup: null}}}", "databases", "runAsNonRoot: true\n        seccompProfile: {type: RuntimeDefault}\n      terminationGracePeriodSeconds"},
		{"a collector's port", "tracing: {endpoint: 'http://a:4317/v1/traces'}", "networkpolicies", "{port: 4317}"},
		{"a database's port", external + "networkPolicy: {enabled: true}", "networkpolicies", "{port: 27017}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			output, failure := render(t, c.values, "--show-only", "templates/"+c.template+".yaml")
			if failure != "" || !strings.Contains(output, c.want) {
				t.Errorf("%s\n%s doesn't contain %q", failure, output, c.want)
			}
		})
	}
}

// TestLint checks the chart with helm lint, in each mode.
func TestLint(t *testing.T) {
	for _, c := range switches()[0] {
		t.Run(c.name, func(t *testing.T) {
			if _, failure := run(t, c.values, tool(t, "helm"), "lint", "--strict", chartFolder, "--values", "-"); failure != "" {
				t.Error(failure)
			}
		})
	}
}

// TestPasswords checks that passwords from the values end up percent-encoded in the URL, and unchanged in the database's
// Secret, and that passwords which aren't given are random.
func TestPasswords(t *testing.T) {
	const given = `{databases: {mode: bundled, bundled: {passwords: {heroes: 'a b@/#"'}}}}`
	first, failure := render(t, given, "--show-only", "templates/secrets.yaml")
	if failure != "" {
		t.Fatal(failure)
	}
	for _, want := range []string{
		`password: "a b@/#\""`,
		"postgres://superman:a%20b%40%2F%23%22@superheroes-heroes-db:5432/heroes_database",
		"mongodb://superfight:",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("%s is missing in\n%s", want, first)
		}
	}
	if second, _ := render(t, given, "--show-only", "templates/secrets.yaml"); first == second {
		t.Error("generated passwords are the same in two releases")
	}
}

// TestNames checks that the longest names are valid, and that the names of two releases in a namespace differ.
func TestNames(t *testing.T) {
	for release, want := range map[string]string{
		"superheroes": "superheroes-statistics", "test": "test-superheroes-statistics",
		strings.Repeat("long-", 10) + "3": strings.Repeat("long-", 5) + "lon-superheroes-statistics",
	} {
		output, failure := run(t, "", tool(t, "helm"), "template", release, chartFolder, "--set", "databases.mode=bundled")
		if failure != "" {
			t.Fatal(failure)
		}
		all := decode(t, output)
		if !all.names["Deployment "+want] {
			t.Errorf("%s: there is no Deployment %s among %v", release, want, all.names)
		}
		for id := range all.names {
			if _, name, _ := strings.Cut(id, " "); len(name) > 63 {
				t.Errorf("the name %s is too long", name)
			}
		}
	}
}
