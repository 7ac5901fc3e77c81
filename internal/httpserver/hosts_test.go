package httpserver

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"superheroes/test/await"
)

// A server on loopback with one extra name, and one on all addresses, by every kind of Host.
func TestHost(t *testing.T) {
	cfg := settings()
	var name HostName
	if err := name.UnmarshalText([]byte(" Heroes.Example. ")); err != nil {
		t.Fatal(err)
	}
	cfg.AllowedHosts = []HostName{name}
	onLoopback, _ := serving(t, cfg, route(http.MethodGet, "/", ok))
	everywhere := listenOn(t, "0.0.0.0:0", settings())
	starting := listenOn(t, "[::1]:0", settings()) // without routes yet
	is := func(got, want int) bool {               // net/http itself rejects some invalid values
		return got == want || want == http.StatusMisdirectedRequest && got == http.StatusBadRequest
	}
	for _, c := range []struct {
		host    string
		refused bool
	}{
		{host: onLoopback.Addr()},
		{host: "127.0.0.1"}, {host: "127.0.0.1:80"}, {host: "127.8.9.1:"}, {host: "127.0.0.1.:1"}, {host: "192.0.2.7:8001"},
		{host: "[::1]"}, {host: "[::1]:8001"}, {host: "[2001:db8::1]:8001"}, {host: "[::ffff:127.0.0.1]"},
		{host: "localhost"}, {host: "localhost:8001"}, {host: "LocalHost:8001"}, {host: "localhost."}, {host: "localhost.:8001"},
		{host: "a.localhost:8001"}, {host: "A.B.Localhost."},
		{host: "heroes.example"}, {host: "HEROES.example.:443"},
		{host: ""}, // no browser sends this
		{host: "attacker.example", refused: true}, {host: "attacker.example:8001", refused: true}, {host: "127.0.0.1.attacker.example", refused: true},
		{host: "localhost.attacker.example", refused: true}, {host: "xlocalhost", refused: true}, {host: ".localhost", refused: true},
		{host: "a..localhost", refused: true}, {host: "evil/.localhost", refused: true}, {host: "x.heroes.example", refused: true},
		{host: "heroes.example..", refused: true}, {host: "localhost:80a", refused: true}, {host: "localhost:80:80", refused: true},
		{host: "::1", refused: true}, {host: "[::1", refused: true}, {host: "[::1]8001", refused: true}, {host: "[localhost]", refused: true},
		{host: "[127.0.0.1]", refused: true}, {host: "2130706433", refused: true}, {host: "127.1", refused: true}, {host: "127.0.0.1:x", refused: true},
		{host: "user@localhost", refused: true}, {host: "attacker.example@localhost", refused: true}, {host: ":8001", refused: true}, {host: ".", refused: true},
	} {
		want := http.StatusOK
		if c.refused {
			want = http.StatusMisdirectedRequest
		}
		if got := byHost(t, onLoopback, c.host); !is(got, want) {
			t.Errorf("%q on loopback: got %d, want %d", c.host, got, want)
		}
		if got := byHost(t, everywhere, c.host); got == http.StatusMisdirectedRequest {
			t.Errorf("%q is refused on all addresses", c.host)
		}
		wantStarting := http.StatusServiceUnavailable
		if c.refused || strings.Contains(strings.ToLower(c.host), "heroes") {
			wantStarting = http.StatusMisdirectedRequest
		}
		if got := byHost(t, starting, c.host); !is(got, wantStarting) {
			t.Errorf("%q while it starts: got %d, want %d", c.host, got, wantStarting)
		}
	}
}

// listenOn starts a server that ends with the test.
func listenOn(t *testing.T, addr string, cfg Config) *Server {
	t.Helper()
	cfg.AllowedHosts = nil
	server, err := Listen(t.Context(), "test", addr, cfg, silent())
	if err != nil {
		t.Skipf("this machine can't listen on %s: %v", addr, err)
	}
	t.Cleanup(func() { _ = server.http.Close() })
	return server
}

// byHost requests / and returns the status. An empty Host isn't sent.
func byHost(t *testing.T, server *Server, host string) int {
	t.Helper()
	_, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	loopback := "127.0.0.1"
	if strings.HasPrefix(server.Addr(), "[::1]") {
		loopback = "::1"
	}
	conn, err := net.Dial("tcp", net.JoinHostPort(loopback, port))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	request := "GET / HTTP/1.0\r\n\r\n"
	if host != "" {
		request = "GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"
	}
	send(t, conn, request)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", host, err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// The host in the request line takes precedence over Host (RFC 9112, section 3.2.2).
func TestHostOfTheRequestLine(t *testing.T) {
	server, _ := serving(t, settings(), route(http.MethodGet, "/", ok))
	conn := dial(t, server)
	send(t, conn, "GET http://attacker.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("got %v, %v", response, err)
	}
}

// A refused host is a problem like any other, with an id, and in the access log.
func TestRefusedHost(t *testing.T) {
	cfg := settings()
	cfg.AccessLog = true
	server, written := serving(t, cfg, route(http.MethodGet, "/", ok))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.Addr()+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "attacker.example"
	request.Header.Set(RequestIDHeader, "the-id")
	got := do(t, client(), request)
	if problem := got.problem(t, http.StatusMisdirectedRequest); !strings.Contains(problem.Detail, "--allowed-host (ALLOWED_HOSTS)") {
		t.Errorf("the detail is %q", problem.Detail)
	}
	if got.header.Get(RequestIDHeader) != "the-id" {
		t.Errorf("got %v", got.header)
	}
	await.True(t, "the access log has it", func() bool { return strings.Contains(written.lines()[0], "status=421") })
}

func TestHostName(t *testing.T) {
	for _, text := range []string{"", ".", "*", "*.example", "http://heroes.example", "heroes.example:80", "heroes.example/", "a b", "é.example", "a..b", strings.Repeat("a", 64)} {
		var name HostName
		if err := name.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted as the name %q", text, name)
		}
	}
}

// BenchmarkHost measures the check of a request's Host.
func BenchmarkHost(b *testing.B) {
	for name, host := range map[string]string{
		"the listener's": "127.0.0.1:8004", "localhost": "localhost:8004", "a name below it": "heroes.localhost:8004", "another address": "127.0.0.2:8004", "IPv6": "[::1]:8004", "a name": "heroes.example:8004",
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
