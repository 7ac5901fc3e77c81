package chart

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// rules are the rules that every rendering of the chart follows. Each returns the objects that break it, and why.
func rules() map[string]func(*objects) []string {
	return map[string]func(*objects) []string{
		"PodSecurity restricted":                   restricted,
		"limits and a read-only root":              bounded,
		"no token of the Kubernetes API":           tokenless,
		"probes of the service itself":             probed,
		"the drain fits the grace period":          drained,
		"GOMAXPROCS and GOMEMLIMIT follow limits":  followsLimits,
		"variables are settings of the command":    configured,
		"selectors select pods":                    selective,
		"Services lead to ports":                   reachable,
		"only the headless Service has admin":      private,
		"a NetworkPolicy admits existing pods":     admitted,
		"a NetworkPolicy names ports that exist":   portsExist,
		"Secrets, ConfigMaps and accounts exist":   referenced,
		"an autoscaler alone decides on replicas":  scaled,
		"routes lead to the arena":                 routed,
		"one scrape job for all services, exactly": scraped,
	}
}

// restricted applies the checks of Kubernetes itself.
func restricted(all *objects) (broken []string) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return []string{err.Error()}
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for _, w := range all.workloads {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &metav1.ObjectMeta{Labels: w.labels}, &w.pod))
		if !result.Allowed {
			broken = append(broken, w.name+": "+result.ForbiddenDetail())
		}
	}
	return broken
}

func bounded(all *objects) (broken []string) {
	for _, w := range all.workloads {
		for _, c := range w.pod.Containers {
			switch {
			case c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem:
				broken = append(broken, w.name+" can write to its root file system")
			case c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero():
				broken = append(broken, w.name+" has no memory limit, or doesn't request memory and CPU")
			}
		}
		for _, v := range w.pod.Volumes {
			if v.EmptyDir != nil && v.EmptyDir.SizeLimit == nil {
				broken = append(broken, w.name+": the volume "+v.Name+" has no limit")
			}
		}
		if context := w.pod.SecurityContext; w.isService() && (context.RunAsUser != nil || context.RunAsGroup != nil) {
			broken = append(broken, w.name+" insists on a user")
		}
	}
	return broken
}

func tokenless(all *objects) (broken []string) {
	for _, w := range all.workloads {
		if mounts := w.pod.AutomountServiceAccountToken; mounts == nil || *mounts {
			broken = append(broken, w.name)
		}
	}
	for _, a := range all.accounts {
		if a.AutomountServiceAccountToken == nil || *a.AutomountServiceAccountToken {
			broken = append(broken, a.Name)
		}
	}
	return broken
}

// probed checks that every container of a workload has three probes, and that the probes of a service use one of its
// public ports, which serve the health checks.
func probed(all *objects) (broken []string) {
	for _, w := range all.workloads {
		if w.selector == nil {
			continue
		}
		for _, c := range w.pod.Containers {
			if c.StartupProbe == nil || c.ReadinessProbe == nil || c.LivenessProbe == nil {
				broken = append(broken, w.name+" lacks a probe")
				continue
			}
			if !w.isService() {
				continue
			}
			for probe, path := range map[*corev1.Probe]string{c.StartupProbe: "/readyz", c.ReadinessProbe: "/readyz", c.LivenessProbe: "/livez"} {
				if get := probe.HTTPGet; get == nil || get.Path != path || get.Port.StrVal == "admin" || w.port(get.Port.StrVal) == 0 {
					broken = append(broken, fmt.Sprintf("%s has the probe %v", w.name, probe))
				}
			}
		}
	}
	return broken
}

// variable returns the value of an environment variable of the workload's container.
func (w workload) variable(name string) corev1.EnvVar {
	for _, variable := range w.pod.Containers[0].Env {
		if variable.Name == name {
			return variable
		}
	}
	return corev1.EnvVar{}
}

// drained checks that a service has its whole drain, and two seconds for traces, the admin listener and its store,
// before it is killed.
func drained(all *objects) (broken []string) {
	for _, w := range all.workloads {
		if !w.isService() {
			continue
		}
		needed := int64(2)
		if hook := w.pod.Containers[0].Lifecycle; hook != nil {
			needed += hook.PreStop.Sleep.Seconds
		}
		for _, name := range []string{"DRAIN_DELAY", "SHUTDOWN_TIMEOUT"} {
			var seconds int64
			if _, err := fmt.Sscanf(w.variable(name).Value, "%ds", &seconds); err != nil {
				broken = append(broken, w.name+": "+name+" is missing")
			}
			needed += seconds
		}
		if grace := w.pod.TerminationGracePeriodSeconds; grace == nil || *grace < needed {
			broken = append(broken, fmt.Sprintf("%s needs %d seconds to stop", w.name, needed))
		}
	}
	return broken
}

// followsLimits checks that GOMAXPROCS is the CPU limit, and that GOMEMLIMIT isn't set, since the program computes it from
// the memory limit.
func followsLimits(all *objects) (broken []string) {
	for _, w := range all.workloads {
		if !w.isService() {
			continue
		}
		from := w.variable("GOMAXPROCS").ValueFrom
		if from == nil || from.ResourceFieldRef == nil || from.ResourceFieldRef.Resource != "limits.cpu" || w.variable("GOMEMLIMIT").Name != "" {
			broken = append(broken, w.name)
		}
	}
	return broken
}

// configured checks that docs/configuration.md has the variables of each service in the section of its command.
// docs/operate.md describes those of OpenTelemetry.
func configured(all *objects) (broken []string) {
	configuration, err := os.ReadFile(filepath.Join("..", "..", "docs", "configuration.md"))
	operate, err2 := os.ReadFile(filepath.Join("..", "..", "docs", "operate.md"))
	if err := errors.Join(err, err2); err != nil {
		return []string{err.Error()}
	}
	for _, w := range all.workloads {
		if !w.isService() {
			continue
		}
		section := regexp.MustCompile(`(?s)\n## [^\n]*\b` + w.pod.Containers[0].Args[0] + `\b.*?\n## `).FindString(string(configuration))
		for _, v := range w.pod.Containers[0].Env {
			described := section
			if strings.HasPrefix(v.Name, "OTEL_") {
				described = string(operate)
			}
			if v.ValueFrom == nil && !strings.Contains(described, "`"+v.Name+"`") {
				broken = append(broken, w.name+" has no setting "+v.Name)
			}
		}
	}
	return broken
}

// selective checks that each selector selects pods of exactly one workload; those of the admin Service and of policies
// may select more.
func selective(all *objects) (broken []string) {
	check := func(name string, selector map[string]string, several bool) {
		if got := len(all.selected(selector)); got == 0 || got > 1 && !several {
			broken = append(broken, fmt.Sprintf("%s selects pods of %d workloads", name, got))
		}
	}
	for _, w := range all.workloads {
		if w.selector != nil {
			check(w.name, w.selector, false)
		}
		for _, c := range w.pod.TopologySpreadConstraints {
			check("the spread of "+w.name, c.LabelSelector.MatchLabels, false)
		}
	}
	for _, s := range all.services {
		check("Service "+s.Name, s.Spec.Selector, s.Name == "superheroes-admin")
	}
	for _, b := range all.budgets {
		check("PodDisruptionBudget "+b.Name, b.Spec.Selector.MatchLabels, false)
	}
	for _, p := range all.policies {
		check("NetworkPolicy "+p.Name, p.Spec.PodSelector.MatchLabels, true)
	}
	return broken
}

func reachable(all *objects) (broken []string) {
	for _, s := range all.services {
		for _, port := range s.Spec.Ports {
			for _, w := range all.selected(s.Spec.Selector) {
				if w.port(port.TargetPort.StrVal) == 0 {
					broken = append(broken, fmt.Sprintf("Service %s: %s has no port %s", s.Name, w.name, port.TargetPort.StrVal))
				}
			}
		}
	}
	return broken
}

func private(all *objects) (broken []string) {
	for _, s := range all.services {
		for _, port := range s.Spec.Ports {
			admin := port.TargetPort.StrVal == "admin" || port.TargetPort.IntVal == 9090 || port.Port == 9090
			own := s.Name == "superheroes-admin" && s.Spec.ClusterIP == corev1.ClusterIPNone
			if admin && !own || s.Spec.Type != "" {
				broken = append(broken, "Service "+s.Name)
			}
		}
	}
	return broken
}

// admitted checks that the peers of each NetworkPolicy are pods of the release, pods with the label for clients, or peers
// from the values, which have a namespaceSelector.
func admitted(all *objects) (broken []string) {
	check := func(name string, peers []networkingv1.NetworkPolicyPeer) {
		for _, peer := range peers {
			if peer.NamespaceSelector != nil || peer.IPBlock != nil || peer.PodSelector.MatchLabels["superheroes-client"] == "true" {
				continue
			}
			if len(all.selected(peer.PodSelector.MatchLabels)) == 0 {
				broken = append(broken, fmt.Sprintf("NetworkPolicy %s: no pod has the labels %v", name, peer.PodSelector.MatchLabels))
			}
		}
	}
	for _, p := range all.policies {
		for _, rule := range p.Spec.Ingress {
			check(p.Name, rule.From)
		}
		for _, rule := range p.Spec.Egress {
			check(p.Name, rule.To)
		}
	}
	return broken
}

// portsExist checks that the ports of each rule for incoming connections are ports of the selected pods, and that the
// ports of each rule for outgoing ones are ports of a peer in the release.
func portsExist(all *objects) (broken []string) {
	check := func(name string, ports []networkingv1.NetworkPolicyPort, targets []workload) {
		for _, port := range ports {
			has := func(w workload) bool { return w.listens(*port.Port) }
			if len(targets) > 0 && !slices.ContainsFunc(targets, has) {
				broken = append(broken, fmt.Sprintf("NetworkPolicy %s: nothing listens on port %s", name, port.Port))
			}
		}
	}
	for _, p := range all.policies {
		for _, rule := range p.Spec.Ingress {
			check(p.Name, rule.Ports, all.selected(p.Spec.PodSelector.MatchLabels))
		}
		for _, rule := range p.Spec.Egress {
			for _, peer := range rule.To {
				if peer.NamespaceSelector == nil && peer.PodSelector != nil {
					check(p.Name, rule.Ports, all.selected(peer.PodSelector.MatchLabels))
				}
			}
		}
	}
	return broken
}

func (w workload) listens(port intstr.IntOrString) bool {
	return slices.ContainsFunc(w.pod.Containers[0].Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == port.IntVal })
}

// existing are the names of the Secrets that the test's values declare as existing.
func existing() []string {
	return []string{"Secret heroes-app", "Secret villains-app", "Secret locations-app", "Secret fights-app", "Secret admin", "Secret tls"}
}

func referenced(all *objects) (broken []string) {
	check := func(by, kind, name string) {
		if id := kind + " " + name; name != "" && !all.names[id] && !slices.Contains(existing(), id) {
			broken = append(broken, fmt.Sprintf("%s refers to the %s, which doesn't exist", by, id))
		}
	}
	for _, w := range all.workloads {
		check(w.name, "ServiceAccount", w.pod.ServiceAccountName)
		for _, v := range w.pod.Volumes {
			if v.Secret != nil {
				check(w.name, "Secret", v.Secret.SecretName)
			}
			if v.ConfigMap != nil {
				check(w.name, "ConfigMap", v.ConfigMap.Name)
			}
		}
		for _, variable := range w.pod.Containers[0].Env {
			if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil {
				check(w.name, "Secret", from.SecretKeyRef.Name)
			}
		}
		broken = append(broken, w.unmounted()...)
	}
	for _, i := range all.ingresses {
		for _, tls := range i.Spec.TLS {
			check(i.Name, "Secret", tls.SecretName)
		}
	}
	return broken
}

// unmounted returns the mounts without a volume, and the files in variables that are in no mounted folder.
func (w workload) unmounted() (broken []string) {
	var volumes, folders []string
	for _, v := range w.pod.Volumes {
		volumes = append(volumes, v.Name)
	}
	for _, c := range w.claims {
		volumes = append(volumes, c.Name)
	}
	for _, m := range w.pod.Containers[0].VolumeMounts {
		folders = append(folders, m.MountPath)
		if !slices.Contains(volumes, m.Name) {
			broken = append(broken, w.name+" has no volume "+m.Name)
		}
	}
	for _, variable := range w.pod.Containers[0].Env {
		folder := variable.Value[:max(0, strings.LastIndex(variable.Value, "/"))]
		if strings.HasSuffix(variable.Name, "_FILE") && !slices.Contains(folders, folder) {
			broken = append(broken, w.name+": "+variable.Name+" is in no volume")
		}
	}
	return broken
}

func scaled(all *objects) (broken []string) {
	for _, h := range all.scalers {
		if id := h.Spec.ScaleTargetRef.Kind + " " + h.Spec.ScaleTargetRef.Name; !all.names[id] {
			broken = append(broken, "there is no "+id)
		}
	}
	for _, w := range all.workloads {
		automatic := slices.ContainsFunc(all.scalers, func(h autoscalingv2.HorizontalPodAutoscaler) bool { return h.Spec.ScaleTargetRef.Name == w.name })
		if w.selector != nil && automatic == (w.replicas != nil) {
			broken = append(broken, w.name)
		}
	}
	return broken
}

func routed(all *objects) (broken []string) {
	for _, i := range all.ingresses {
		if name := i.Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name; name != "superheroes-arena" {
			broken = append(broken, i.Name+" leads to "+name)
		}
	}
	for _, o := range all.others {
		if o.Kind == "HTTPRoute" && !strings.Contains(fmt.Sprint(o.Spec["rules"]), "name:superheroes-arena port:8000") {
			broken = append(broken, fmt.Sprintf("%s leads to %v", o.Metadata.Name, o.Spec["rules"]))
		}
	}
	return broken
}

// scraped checks that the ServiceMonitor selects exactly one Service, which selects the pods of all services.
func scraped(all *objects) (broken []string) {
	for _, o := range all.others {
		if o.Kind != "ServiceMonitor" {
			continue
		}
		labels := map[string]string{}
		for key, value := range o.Spec["selector"].(map[string]any)["matchLabels"].(map[string]any) {
			labels[key] = value.(string)
		}
		var found []corev1.Service
		for _, s := range all.services {
			if matches(labels, s.Labels) {
				found = append(found, s)
			}
		}
		if len(found) != 1 {
			return []string{fmt.Sprintf("it selects %d Services", len(found))}
		}
		for _, w := range all.workloads {
			if w.isService() != matches(found[0].Spec.Selector, w.labels) {
				broken = append(broken, w.name)
			}
		}
	}
	return broken
}

// TestRules checks that each rule rejects objects that break it.
func TestRules(t *testing.T) {
	manifests, failure := render(t, wired)
	if failure != "" {
		t.Fatal(failure)
	}
	for name, spoil := range spoils() {
		t.Run(name, func(t *testing.T) {
			rule, exists := rules()[name]
			if !exists {
				t.Fatal("there is no such rule")
			}
			spoiled := decode(t, manifests)
			if broken := rule(&spoiled); broken != nil {
				t.Fatalf("the rule rejects the chart: %q", broken)
			}
			spoil(&spoiled)
			if rule(&spoiled) == nil {
				t.Error("the rule accepts objects that break it")
			}
		})
	}
	if len(spoils()) != len(rules()) {
		t.Error("not every rule has a test")
	}
}

// service returns the first workload that runs a service.
func (all *objects) service() *workload {
	return &all.workloads[slices.IndexFunc(all.workloads, workload.isService)]
}

// spoils returns a function for each rule that breaks it.
func spoils() map[string]func(*objects) {
	return map[string]func(*objects){
		"PodSecurity restricted": func(all *objects) { all.service().pod.SecurityContext.RunAsNonRoot = nil },
		"limits and a read-only root": func(all *objects) {
			all.service().pod.Containers[0].SecurityContext.ReadOnlyRootFilesystem = nil
		},
		"no token of the Kubernetes API":          func(all *objects) { all.accounts[0].AutomountServiceAccountToken = nil },
		"probes of the service itself":            func(all *objects) { all.service().pod.Containers[0].LivenessProbe.HTTPGet.Path = "/readyz" },
		"the drain fits the grace period":         func(all *objects) { *all.service().pod.TerminationGracePeriodSeconds = 12 },
		"GOMAXPROCS and GOMEMLIMIT follow limits": func(all *objects) { all.service().pod.Containers[0].Env = nil },
		"variables are settings of the command": func(all *objects) {
			env := all.service().pod.Containers[0].Env
			env[len(env)-1].Name = "ADDRESS"
		},
		"selectors select pods":                   func(all *objects) { all.service().labels = nil },
		"Services lead to ports":                  func(all *objects) { all.service().pod.Containers[0].Ports = nil },
		"only the headless Service has admin":     func(all *objects) { all.services[0].Spec.Ports[0].TargetPort = intstr.FromString("admin") },
		"a NetworkPolicy admits existing pods":    func(all *objects) { all.service().labels = nil },
		"a NetworkPolicy names ports that exist":  func(all *objects) { all.service().pod.Containers[0].Ports = nil },
		"Secrets, ConfigMaps and accounts exist":  func(all *objects) { all.names = nil },
		"an autoscaler alone decides on replicas": func(all *objects) { all.scalers = nil },
		"routes lead to the arena": func(all *objects) {
			all.ingresses[0].Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name = "superheroes-fights"
		},
		"one scrape job for all services, exactly": func(all *objects) { all.services = nil },
	}
}
