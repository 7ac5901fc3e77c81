package node

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"superheroes/test/shell"
)

// templates are the configuration files of the programs. They contain variables such as $WORK.
//
//go:embed config
var templates embed.FS

// isolate hides folders of the machine behind empty ones, and settings of its kernel behind files: kubelet insists on
// changing them.
func (n *Node) isolate(ctx context.Context) error {
	if os.Getpid() != 1 {
		return errors.New("the node must be started by the command of a Sandbox")
	}
	for _, folder := range hidden() {
		if _, err := shell.Output(ctx, "mount", "-n", "-t", "tmpfs", "tmpfs", folder); err != nil {
			return err
		}
	}
	for setting, value := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		file := n.path("settings", setting)
		err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(value+"\n"), 0o644))
		if err != nil {
			return err
		}
		if _, err := shell.Output(ctx, "mount", "-n", "--bind", file, "/proc/sys/"+setting); err != nil {
			return err
		}
	}
	return nil
}

// connect gives the node its address, on a bridge that leads nowhere, and a default route, without which the API server
// and kubelet don't start.
func (n *Node) connect(ctx context.Context) error {
	for _, command := range []string{
		"link set lo up",
		"link add node type bridge",
		"address add " + Address + "/24 dev node",
		"link set node up",
		"route add default via 198.18.0.254 dev node",
	} {
		if _, err := shell.Output(ctx, "ip", strings.Fields(command)...); err != nil {
			return err
		}
	}
	for _, setting := range []string{"ipv4/ip_forward", "bridge/bridge-nf-call-iptables"} {
		if err := os.WriteFile("/proc/sys/net/"+setting, []byte("1"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// configure writes the configuration files, and a key for the tokens of service accounts.
func (n *Node) configure(context.Context) error {
	variables := map[string]string{
		"WORK": n.options.Work, "GROUP": n.options.Group, "PLUGINS": n.options.Plugins, "TOKEN": rand.Text(),
		"ADDRESS": Address, "PODS": pods, "DNS": dns, "PAUSE": Pause,
	}
	err := fs.WalkDir(templates, "config", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(n.path(filepath.Dir(path)), 0o755), os.MkdirAll(n.path(path), 0o755))
		}
		text, err := templates.ReadFile(path)
		if err != nil {
			return err
		}
		expanded := os.Expand(string(text), func(name string) string { return variables[name] })
		return os.WriteFile(n.path(path), []byte(expanded), 0o600)
	})
	return errors.Join(err, os.MkdirAll(n.path("home"), 0o755), n.writeKey())
}

func (n *Node) writeKey() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("making a key for service accounts: %w", err)
	}
	content, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return fmt.Errorf("encoding the key for service accounts: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: content})
	return os.WriteFile(n.path("config", "account.key"), text, 0o600)
}
