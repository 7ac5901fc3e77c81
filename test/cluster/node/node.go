// Package node runs a Kubernetes node with its control plane on this machine, without a registry and without leaving
// anything behind: etcd, API server, controller manager, scheduler, containerd, kubelet, kube-proxy and CoreDNS. All are
// programs in PATH, and run in a Sandbox.
package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"superheroes/test/shell"
	"superheroes/test/steps"
)

// Addresses in the sandbox, from the range for benchmarks of network devices (RFC 2544).
const (
	Address  = "198.18.0.1" // the node
	pods     = "198.18.1.0/24"
	services = "198.19.0.0/16"
	dns      = "198.19.0.10" // Service kube-dns
)

// Pause is the name of the image that keeps a pod's namespaces alive. It must be among those loaded.
const Pause = "docker.io/library/superheroes-pause:devel"

// patience is how long each program may take to get ready on a busy machine.
const patience = 3 * time.Minute

// Options describe a node.
type Options struct {
	Work    string // an empty folder
	Logs    string // folder for the programs' logs
	Group   string // control group of the sandbox
	Plugins string // folder with the network plugins
	Images  string // archive of images to load
}

// Node is a running node.
type Node struct {
	options Options
	undo    []func() error
}

// Start starts a node, and waits until it can run pods and resolves names. It must be called by the sandbox's command. The
// caller must stop the node.
func Start(ctx context.Context, options Options) (*Node, error) {
	n := &Node{options: options}
	for _, part := range []struct {
		name  string
		start func(context.Context) error
	}{
		{"isolating the node", n.isolate},
		{"its network", n.connect},
		{"its configuration", n.configure},
		{"etcd", n.startEtcd},
		{"the API server", n.startAPI},
		{"the controller manager", n.startControllers},
		{"the scheduler", n.startScheduler},
		{"containerd", n.startContainerd},
		{"kubelet", n.startKubelet},
		{"kube-proxy", n.startProxy},
		{"CoreDNS", n.startDNS},
	} {
		if err := part.start(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", part.name, err), n.Stop())
		}
	}
	return n, nil
}

// Stop ends the programs, the last one first. Pods end with the sandbox's command.
func (n *Node) Stop() error {
	var errs []error
	for _, undo := range slices.Backward(n.undo) {
		errs = append(errs, undo())
	}
	n.undo = nil
	return errors.Join(errs...)
}

func (n *Node) path(names ...string) string {
	return filepath.Join(append([]string{n.options.Work}, names...)...)
}

// Kubeconfig returns the path of an administrator's configuration.
func (n *Node) Kubeconfig() string { return n.path("config", "kubeconfig.yaml") }

// Shell returns settings for kubectl and helm, with which they use the node and no files of the user.
func (n *Node) Shell() shell.Settings {
	return shell.Settings{Env: append(os.Environ(), "KUBECONFIG="+n.Kubeconfig(), "HOME="+n.path("home"))}
}

// Kubectl runs kubectl and returns its output.
func (n *Node) Kubectl(ctx context.Context, args ...string) (string, error) {
	return n.Shell().Output(ctx, "kubectl", args...)
}

// Apply creates or changes objects.
func (n *Node) Apply(ctx context.Context, manifests string) error {
	_, err := n.Shell().Feed(ctx, manifests, "kubectl", "apply", "--filename", "-")
	return err
}

func (n *Node) startEtcd(ctx context.Context) error {
	const client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
	return n.launch(ctx, healthy(client+"/health"), "etcd", "--data-dir="+n.path("etcd"), "--unsafe-no-fsync",
		"--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
}

func (n *Node) startAPI(ctx context.Context) error {
	ready := func(ctx context.Context) error { _, err := n.Kubectl(ctx, "get", "--raw=/readyz"); return err }
	return n.launch(ctx, ready, "kube-apiserver", "--etcd-servers=http://127.0.0.1:2379",
		"--bind-address=127.0.0.1", "--advertise-address="+Address, "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range="+services, "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+n.path("config", "account.key"),
		"--service-account-signing-key-file="+n.path("config", "account.key"),
		"--token-auth-file="+n.path("config", "tokens.csv"), "--authorization-mode=RBAC",
		"--kubelet-preferred-address-types=InternalIP")
}

// startControllers starts the controller manager. The autoscaler decides every five seconds, so that a test of it takes
// minutes rather than a quarter of an hour.
func (n *Node) startControllers(ctx context.Context) error {
	ready := func(ctx context.Context) error {
		_, err := n.Kubectl(ctx, "get", "serviceaccount", "default")
		return err
	}
	return n.launch(ctx, ready, "kube-controller-manager", "--kubeconfig="+n.Kubeconfig(), "--leader-elect=false",
		"--bind-address=127.0.0.1", "--service-account-private-key-file="+n.path("config", "account.key"),
		"--horizontal-pod-autoscaler-sync-period=5s", "--horizontal-pod-autoscaler-initial-readiness-delay=5s",
		"--horizontal-pod-autoscaler-cpu-initialization-period=15s")
}

func (n *Node) startScheduler(ctx context.Context) error {
	return n.launch(ctx, healthy("https://127.0.0.1:10259/healthz"), "kube-scheduler", "--kubeconfig="+n.Kubeconfig(),
		"--leader-elect=false", "--bind-address=127.0.0.1")
}

// startContainerd starts containerd and loads the images.
func (n *Node) startContainerd(ctx context.Context) error {
	ready := func(ctx context.Context) error { _, err := shell.Output(ctx, "ctr", "version"); return err }
	if err := n.launch(ctx, ready, "containerd", "--config="+n.path("config", "containerd.toml")); err != nil {
		return err
	}
	_, err := shell.Output(ctx, "ctr", "--namespace=k8s.io", "images", "import", "--local", n.options.Images)
	return err
}

func (n *Node) startKubelet(ctx context.Context) error {
	ready := func(ctx context.Context) error {
		_, err := n.Kubectl(ctx, "wait", "--for=condition=Ready", "node/node", "--timeout=10s")
		return err
	}
	return n.launch(ctx, ready, "kubelet", "--config="+n.path("config", "kubelet.yaml"), "--kubeconfig="+n.Kubeconfig(),
		"--hostname-override=node", "--node-ip="+Address, "--root-dir="+n.path("kubelet"))
}

func (n *Node) startProxy(ctx context.Context) error {
	return n.launch(ctx, healthy("http://127.0.0.1:10256/healthz"), "kube-proxy", "--config="+n.path("config", "kube-proxy.yaml"))
}

// startDNS starts CoreDNS. It is ready when it resolves the API server's name through its Service, and so through kube-proxy.
func (n *Node) startDNS(ctx context.Context) error {
	if err := n.applyFile(ctx, "dns.yaml"); err != nil {
		return err
	}
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(dns, "53"))
	}}
	ready := func(ctx context.Context) error {
		_, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
		return err
	}
	return n.launch(ctx, ready, "coredns", "-conf="+n.path("config", "Corefile"))
}

// StartMetrics starts metrics-server, and waits until it knows the node's CPU use. A request to kubelet must end well before
// the next one is due.
func (n *Node) StartMetrics(ctx context.Context) error {
	if err := n.applyFile(ctx, "metrics.yaml"); err != nil {
		return err
	}
	ready := func(ctx context.Context) error { _, err := n.Kubectl(ctx, "top", "node", "node"); return err }
	return n.launch(ctx, ready, "metrics-server", "--kubeconfig="+n.Kubeconfig(), "--secure-port=10251",
		"--cert-dir="+n.path("metrics"), "--metric-resolution=10s", "--kubelet-request-timeout=5s",
		"--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP",
		// The API server has no certificate with which it could pass on who asks: metrics.yaml lets everybody read metrics,
		// and the last setting everybody see that there are some.
		"--authentication-kubeconfig="+n.Kubeconfig(), "--authentication-skip-lookup=true",
		"--authorization-kubeconfig="+n.Kubeconfig(), "--authorization-always-allow-paths=/*")
}

// StartPolicies starts kube-router as an agent that enforces NetworkPolicies, and nothing else. It reports that it is healthy
// from the beginning, so wait for its rules as well.
func (n *Node) StartPolicies(ctx context.Context) error {
	ready := func(ctx context.Context) error {
		_, err := shell.Output(ctx, "iptables", "--wait", "--list-rules", "KUBE-ROUTER-FORWARD")
		return errors.Join(err, healthy("http://127.0.0.1:20244/healthz")(ctx))
	}
	return n.launch(ctx, ready, "kube-router", "--kubeconfig="+n.Kubeconfig(),
		"--hostname-override=node", "--run-firewall=true", "--run-router=false", "--run-service-proxy=false",
		"--service-cluster-ip-range="+services)
}

func (n *Node) applyFile(ctx context.Context, name string) error {
	manifests, err := os.ReadFile(n.path("config", name))
	if err != nil {
		return err
	}
	return steps.Poll(ctx, patience, func(ctx context.Context) error { return n.Apply(ctx, string(manifests)) })
}

// healthy returns a function that succeeds if the response from url has the status 200. Certificates aren't verified, since
// the programs make their own.
func healthy(url string) func(context.Context) error {
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // only to see whether a program of ours is ready
	}}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s returned %s", url, response.Status)
		}
		return errors.Join(err, response.Body.Close())
	}
}
