// Command cluster implements `make cluster-test`: it starts a Kubernetes node on this machine, installs the Helm chart in
// each mode, upgrades it and rolls it back under load, scales it, and compares the responses with the stored fights.
//
// The command needs root, on Linux with Debian's packages. It runs the node in namespaces of its own, and leaves nothing
// behind but programs and logs in build, and the packages that it installs. Images are made from programs, since no registry
// is used: those of the services from this working tree and from its previous commit, and small ones of our own for pods'
// namespaces and for helm test. The databases of the mode external run on the node. TEST_INSTALL=0 forbids installing
// packages.
//
// Arguments select parts of the test: node (which only starts it), manifests, embedded, external, scale, policies. The last
// line is always "N passed, N failed, N skipped". The exit code is 0 if at least one step passed and none failed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"superheroes/test/cluster/node"
	"superheroes/test/debian"
	"superheroes/test/engines/find"
	"superheroes/test/procgroup"
	"superheroes/test/shell"
	"superheroes/test/steps"
)

func main() {
	procgroup.DieWithParent()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	out := steps.NewTally(os.Stdout)
	var code int
	if len(os.Args) > 2 && os.Args[1] == exerciseCommand {
		code = exercise(ctx, out, os.Args[2], os.Args[3:])
	} else {
		code = out.Finish("make cluster-test", prove(ctx, out, os.Args[1:]))
	}
	stop()
	os.Exit(code)
}

// prove runs the parts of the test. Before it returns, it ends everything that it has started.
func prove(ctx context.Context, out *steps.Tally, parts []string) (err error) {
	if err := checkParts(parts); err != nil {
		return err
	}
	module, err := find.Module(ctx)
	if err != nil {
		return err
	}
	if err := os.Chdir(module); err != nil {
		return err
	}
	path, err := programs(ctx, out)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "superheroes-cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	// All temporary files go there. The servers run under another account.
	if err := errors.Join(os.Chmod(work, 0o711), os.Setenv("TMPDIR", work)); err != nil {
		return err
	}

	settings := []string{"PATH=" + path}
	for _, server := range find.New(module, os.Getenv, out.Note).Servers(ctx) { // others are started in the sandbox
		defer func() { err = errors.Join(err, server.Close()) }()
		settings = append(settings, server.Env...)
	}
	ready := out.All(ctx, []steps.Step{
		steps.Gate("build the images", func(ctx context.Context) (string, error) { return buildImages(ctx, work) }),
		steps.Gate("build the tests of the chart", func(ctx context.Context) (string, error) { return buildChartTest(ctx, work) }),
	})
	if !ready {
		return nil
	}
	return exerciseIn(ctx, out, work, settings, parts)
}

// exerciseIn runs the remaining steps in a process that is the first one in a sandbox.
func exerciseIn(ctx context.Context, out *steps.Tally, work string, settings, parts []string) (err error) {
	sandbox, err := node.NewSandbox(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sandbox.Close()) }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := sandbox.Command(ctx, self, append([]string{exerciseCommand, work}, parts...)...)
	command.Env = append(append(os.Environ(), settings...), "CLUSTER_TEST_GROUP="+sandbox.Group)
	command.Stdout, command.Stderr = out, os.Stderr
	command.WaitDelay = 2 * time.Minute
	if _, err := command.StdinPipe(); err != nil { // closed when this process ends, even if it is killed
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	return command.Wait()
}

// buildChartTest compiles the tests of the chart, since modules can't be downloaded in the sandbox.
func buildChartTest(ctx context.Context, work string) (string, error) {
	if _, err := shell.Output(ctx, "go", "test", "-C", "deploy", "-c", "-o", filepath.Join(work, chartTest), "./chart"); err != nil {
		return "", err
	}
	_, err := shell.Output(ctx, "go", "-C", "tools/schemas", "mod", "download")
	return "", err
}

// Folders of programs from Debian packages, and the newest release that has each in a version that fits.
const (
	unpacked = "build/debian"
	plugins  = unpacked + "/bookworm/usr/lib/cni"
)

// packages returns the packages to unpack, by release. Kubernetes needs containerd 2.
func packages() map[string][]string {
	return map[string][]string{
		"bookworm": {"runc", "containernetworking-plugins"},
		"trixie":   {"etcd-server", "busybox-static"},
		"sid":      {"containerd"},
	}
}

// programs makes sure that the programs of the node exist, and returns the value of PATH with which they are found.
func programs(ctx context.Context, out *steps.Tally) (path string, err error) {
	if err := debian.Usable(); err != nil {
		return "", steps.Skip("the node can't be started: " + err.Error())
	}
	err = debian.Install(ctx, out.Note, map[string]string{
		"iptables": "iptables", "ipset": "ipset", "ip": "iproute2", "nsenter": "util-linux", "mount": "mount",
		debian.Keyring: "debian-archive-keyring",
	})
	if err != nil {
		return "", err
	}
	build, err := filepath.Abs("build")
	if err != nil {
		return "", err
	}
	for _, name := range []string{
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl", "coredns", "helm",
	} {
		if _, err := os.Stat(filepath.Join(build, name)); err != nil {
			return "", fmt.Errorf("make cluster-tools builds the programs of the node: %w", err)
		}
	}
	folders := []string{build}
	for release, names := range packages() {
		folder := filepath.Join(unpacked, release)
		if err := debian.Unpack(ctx, folder, release, names...); err != nil {
			return "", err
		}
		root := filepath.Join(build, "debian", release)
		folders = append(folders, filepath.Join(root, "usr/sbin"), filepath.Join(root, "usr/bin"))
	}
	return strings.Join(append(folders, os.Getenv("PATH")), ":"), nil
}
