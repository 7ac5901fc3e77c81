package httpserver

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"superheroes/test/await"
)

// TestHost checks every kind of Host header.
func TestHost(t *testing.T) {
	var name HostName
	if err := name.UnmarshalText([]byte(" Heroes.Example. ")); err != nil {
		t.Fatal(err)
	}
	loopback := newHosts(&net.TCPAddr{IP: net.IPv6loopback, Port: 8004}, []HostName{name})
	everywhere := newHosts(&net.TCPAddr{IP: net.IPv4zero, Port: 8004}, nil)
	const accepted = "[::1]:8004 localhost:8004 127.0.0.1 127.0.0.1:80 127.8.9.1: 127.0.0.1.:1 192.0.2.7:8001 [::1] [2001:db8::1]:8001 " +
		"[::ffff:127.0.0.1] localhost LocalHost:8001 localhost.:8001 a.localhost:8001 A.B.Localhost. heroes.example HEROES.example.:443"
	const refused = "attacker.example attacker.example:8004 127.0.0.1.attacker.example localhost.attacker.example xlocalhost .localhost " +
		"a..localhost evil/.localhost x.heroes.example heroes.example.. localhost:80a localhost:80:80 ::1 [::1 [::1]8001 [localhost] " +
		"[127.0.0.1] 2130706433 127.1 127.0.0.1:x user@localhost :8001 ."
	for _, host := range append(strings.Fields(accepted), "") { // browsers never send an empty Host
		if err := loopback.check(host); err != nil {
			t.Errorf("host %q: got error %v", host, err)
		}
	}
	for _, host := range strings.Fields(refused) {
		if err := loopback.check(host); problemOf(err).Status != http.StatusMisdirectedRequest {
			t.Errorf("host %q: got error %v, want a 421", host, err)
		}
		if err := everywhere.check(host); err != nil {
			t.Errorf("host %q on a listener for all addresses: got error %v", host, err)
		}
	}
	for _, text := range []string{"", ".", "*.example", "http://heroes.example", "heroes.example:80", "é.example", "a..b", strings.Repeat("a", 64)} {
		if err := name.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("parsed %q as the host name %q", text, name)
		}
	}
}

// A request with an unknown host gets a problem response, even during startup. Once the server is ready, the response
// also has the request's id, and the request appears in the access log. The host in the request line takes precedence
// over the Host header (RFC 9112, section 3.2.2).
func TestRefusedHost(t *testing.T) {
	cfg := settings()
	cfg.AccessLog = true
	server, written := serving(t, cfg, get(ok))
	for _, server := range []*Server{server, listen(t, cfg, new(log))} {
		c := dial(t, server)
		c.send(t, "GET http://attacker.example/ HTTP/1.1\r\nHost: localhost\r\n"+RequestIDHeader+": the-id\r\n\r\n")
		got, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		problem := got.problem(t, http.StatusMisdirectedRequest)
		if !strings.Contains(problem.Detail, "--allowed-host (ALLOWED_HOSTS)") {
			t.Errorf("the detail is %q", problem.Detail)
		}
		if id := got.header.Get(RequestIDHeader); id != "the-id" && server.api.Load() != nil {
			t.Errorf("the response has the request id %q, want the client's", id)
		}
	}
	await.True(t, "the refusal is logged", func() bool { return strings.Contains(written.lines()[0], "status=421") })
}

// BenchmarkHost measures the cost of checking a request's Host.
func BenchmarkHost(b *testing.B) {
	for name, host := range map[string]string{
		"the listener's": "127.0.0.1:8004", "localhost": "localhost:8004", "a name below it": "heroes.localhost:8004",
		"another address": "127.0.0.2:8004", "IPv6": "[::1]:8004", "a name": "heroes.example:8004",
	} {
		b.Run(name, func(b *testing.B) {
			h := newHosts(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8004}, []HostName{"heroes.example"})
			b.ReportAllocs()
			for b.Loop() {
				if h.check(host) != nil {
					b.Fatal("refused")
				}
			}
		})
	}
}
