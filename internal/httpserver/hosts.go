package httpserver

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// HostName is a name by which clients reach a service: lower case, without a port or a trailing dot.
type HostName string

// UnmarshalText implements encoding.TextUnmarshaler. It rejects anything that isn't a host name.
func (n *HostName) UnmarshalText(text []byte) error {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(string(text)), "."))
	if !isHostName(name) {
		return fmt.Errorf("must be a name such as heroes.example, without a scheme, port or path, not %q", text)
	}
	*n = HostName(name)
	return nil
}

// isHostName reports whether a lower-case string is a valid name for DNS or a hosts file.
func isHostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(name) <= 253
}

// hosts decides which Host headers a server accepts. A loopback listener is meant for this machine only, yet any web
// page could reach it and read its responses by resolving the page's own host name to 127.0.0.1 (DNS rebinding). In
// that case the browser sends the page's host name as Host, so a loopback listener refuses unknown names. Other
// listeners accept any name.
type hosts struct {
	loopback bool
	usual    [2]string // the common cases: the listener's own address, or localhost with its port
	allowed  map[string]struct{}
}

func newHosts(listener net.Addr, allowed []HostName) hosts {
	h := hosts{allowed: map[string]struct{}{}}
	if tcp, ok := listener.(*net.TCPAddr); ok {
		h.loopback = tcp.IP.IsLoopback()
		h.usual = [2]string{tcp.String(), net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))}
	}
	for _, name := range allowed {
		h.allowed[string(name)] = struct{}{}
	}
	return h
}

// check refuses a request if its Host isn't accepted. An empty Host is accepted, because browsers never send an empty
// one.
func (h *hosts) check(host string) error {
	if !h.loopback || host == h.usual[0] || host == h.usual[1] || host == "" || h.accepts(host) {
		return nil
	}
	return Errorf(http.StatusMisdirectedRequest, "this service listens on loopback and does not answer to the name in the Host header; "+
		"use localhost or an IP address, or start the service with that name as --allowed-host (ALLOWED_HOSTS)")
}

func (h *hosts) accepts(host string) bool {
	name, isIPv6, ok := splitHost(host)
	if !ok {
		return false
	}
	if isIPv6 {
		addr, err := netip.ParseAddr(name)
		return err == nil && addr.Is6()
	}
	name = strings.ToLower(strings.TrimSuffix(name, ".")) // allocates only if the name has upper-case letters
	if _, allowed := h.allowed[name]; allowed || isLoopbackName(name) {
		return true
	}
	if name == "" || name[0] < '0' || name[0] > '9' {
		return false
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Is4()
}

// isLoopbackName reports whether browsers resolve a name to loopback without DNS (RFC 6761, section 6.3).
func isLoopbackName(name string) bool {
	before, found := strings.CutSuffix(name, "localhost")
	return found && (before == "" || isHostName(strings.TrimSuffix(before, ".")) && strings.HasSuffix(before, "."))
}

// splitHost returns a Host header without the port and without the brackets around an IPv6 address. ok is false if the
// port is malformed.
func splitHost(host string) (name string, isIPv6, ok bool) {
	var port string
	if inside, bracketed := strings.CutPrefix(host, "["); bracketed {
		name, port, ok = strings.Cut(inside, "]")
		isIPv6 = true
	} else {
		end := strings.IndexByte(host, ':')
		if end < 0 {
			end = len(host)
		}
		name, port, ok = host[:end], host[end:], true
	}
	if !ok || port != "" && (port[0] != ':' || strings.Trim(port[1:], "0123456789") != "") {
		return "", false, false
	}
	return name, isIPv6, true
}
