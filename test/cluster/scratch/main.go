package main

import (
	"context"
	"fmt"
	"os"

	"superheroes/test/debian"
)

func main() {
	ctx := context.Background()
	say := func(f string, a ...any) { fmt.Printf(f+"\n", a...) }
	fmt.Println(debian.Install(ctx, say, map[string]string{"iptables": "iptables", "ipset": "ipset", "ip": "iproute2", "nsenter": "util-linux", "mount": "mount", debian.Keyring: "debian-archive-keyring"}))
	_ = os.MkdirAll("build", 0o755)
	for release, names := range map[string][]string{
		"bookworm": {"runc", "containernetworking-plugins"},
		"trixie":   {"etcd-server", "busybox-static"},
		"sid":      {"containerd"},
	} {
		fmt.Println(release, debian.Unpack(ctx, "build/debian/"+release, release, names...))
	}
}
