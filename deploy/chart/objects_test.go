package chart

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// objects are Kubernetes objects of a release, by kind.
type objects struct {
	names     map[string]bool // kind and name of every object
	workloads []workload
	services  []corev1.Service
	accounts  []corev1.ServiceAccount
	policies  []networkingv1.NetworkPolicy
	budgets   []policyv1.PodDisruptionBudget
	scalers   []autoscalingv2.HorizontalPodAutoscaler
	ingresses []networkingv1.Ingress
	others    []object // objects of kinds that aren't Kubernetes' own
}

// workload is an object that runs pods.
type workload struct {
	name     string
	selector map[string]string // nil for a pod
	replicas *int32
	labels   map[string]string
	pod      corev1.PodSpec
	claims   []corev1.PersistentVolumeClaim
}

// object is an object of any kind.
type object struct {
	APIVersion string
	Kind       string
	Metadata   struct {
		Name        string
		Labels      map[string]string
		Annotations map[string]string
	}
	Spec map[string]any
}

// decode parses manifests. A field that a kind of Kubernetes' own doesn't have is an error.
func decode(t *testing.T, manifests string) objects {
	t.Helper()
	all := objects{names: map[string]bool{}}
	for _, document := range documents(manifests) {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatalf("%v\n%s", err, document)
		}
		id := o.Kind + " " + o.Metadata.Name
		if all.names[id] {
			t.Errorf("there are two objects %s", id)
		}
		all.names[id] = true
		if err := all.add(o, []byte(document)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	return all
}

// documents splits a stream of YAML documents, and skips empty ones.
func documents(stream string) (documents []string) {
	for _, document := range regexp.MustCompile(`(?m)^---$`).Split(stream, -1) {
		if regexp.MustCompile(`(?m)^[^#\s]`).MatchString(document) {
			documents = append(documents, strings.TrimSpace(document)+"\n")
		}
	}
	return documents
}

func (all *objects) add(o object, document []byte) error {
	switch o.Kind {
	case "Deployment":
		return add(document, func(d appsv1.Deployment) {
			template := d.Spec.Template
			all.workloads = append(all.workloads, workload{d.Name, d.Spec.Selector.MatchLabels, d.Spec.Replicas, template.Labels, template.Spec, nil})
		})
	case "StatefulSet":
		return add(document, func(s appsv1.StatefulSet) {
			template := s.Spec.Template
			all.workloads = append(all.workloads, workload{s.Name, s.Spec.Selector.MatchLabels, s.Spec.Replicas, template.Labels, template.Spec, s.Spec.VolumeClaimTemplates})
		})
	case "Pod":
		return add(document, func(p corev1.Pod) {
			all.workloads = append(all.workloads, workload{p.Name, nil, nil, p.Labels, p.Spec, nil})
		})
	case "Service":
		return add(document, func(s corev1.Service) { all.services = append(all.services, s) })
	case "ServiceAccount":
		return add(document, func(a corev1.ServiceAccount) { all.accounts = append(all.accounts, a) })
	case "NetworkPolicy":
		return add(document, func(p networkingv1.NetworkPolicy) { all.policies = append(all.policies, p) })
	case "PodDisruptionBudget":
		return add(document, func(b policyv1.PodDisruptionBudget) { all.budgets = append(all.budgets, b) })
	case "HorizontalPodAutoscaler":
		return add(document, func(h autoscalingv2.HorizontalPodAutoscaler) { all.scalers = append(all.scalers, h) })
	case "Ingress":
		return add(document, func(i networkingv1.Ingress) { all.ingresses = append(all.ingresses, i) })
	case "Secret":
		return add(document, func(corev1.Secret) {})
	case "ConfigMap":
		return add(document, func(corev1.ConfigMap) {})
	case "HTTPRoute", "ServiceMonitor", "PrometheusRule":
		all.others = append(all.others, o)
		return nil
	}
	return fmt.Errorf("the kind %q is unexpected", o.Kind)
}

// add decodes a document strictly, and passes it on.
func add[T any](document []byte, accept func(T)) error {
	var decoded T
	if err := yaml.UnmarshalStrict(document, &decoded); err != nil {
		return err
	}
	accept(decoded)
	return nil
}

// matches reports whether a selector selects labels. An empty selector selects everything.
func matches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// selected returns the workloads whose pods a selector selects.
func (all *objects) selected(selector map[string]string) (selected []workload) {
	for _, w := range all.workloads {
		if matches(selector, w.labels) {
			selected = append(selected, w)
		}
	}
	return selected
}

// isService reports whether the workload runs services of ours, and not a database or a test.
func (w workload) isService() bool { return w.labels["app.kubernetes.io/name"] == "superheroes" }

// port returns the number of a container's port with a name, or 0.
func (w workload) port(name string) int32 {
	for _, container := range w.pod.Containers {
		for _, port := range container.Ports {
			if port.Name == name {
				return port.ContainerPort
			}
		}
	}
	return 0
}
