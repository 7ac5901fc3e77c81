package bounded_test

import (
	"fmt"
	"testing"

	"superheroes/internal/bounded"
)

// One client gets at most three quarters, whatever its ports and, in IPv6, its addresses within a network; another gets
// the rest.
func TestShares(t *testing.T) {
	for name, c := range map[string]struct{ client, other string }{
		"IPv4":           {"192.0.2.1:%d", "192.0.2.2:1"},
		"IPv6":           {"[2001:db8::%d]:1", "[2001:db8:0:1::1]:1"},
		"IPv4 as IPv6":   {"[::ffff:192.0.2.1]:%d", "192.0.2.2:1"},
		"no address":     {"", "192.0.2.2:1"},
		"IPv6, one zone": {"[fe80::1%%eth0]:%d", "192.0.2.2:1"},
	} {
		t.Run(name, func(t *testing.T) {
			shares := bounded.NewShares(8)
			client := func(n int) string {
				if c.client == "" {
					return ""
				}
				return fmt.Sprintf(c.client, n)
			}
			for n := range 6 {
				if !shares.Take(client(n + 1)) {
					t.Fatalf("request %d was refused", n+1)
				}
			}
			if shares.Take(client(7)) {
				t.Error("one client got more than three quarters")
			}
			for range 2 {
				if !shares.Take(c.other) {
					t.Fatal("another client was refused")
				}
			}
			if shares.Take("198.51.100.1:1") {
				t.Error("a ninth was admitted")
			}
			shares.Give(client(1))
			if !shares.Take("198.51.100.1:1") {
				t.Error("a returned share can't be taken")
			}
		})
	}
}

func TestClient(t *testing.T) {
	for at, want := range map[string]string{
		"127.0.0.1:1": "127.0.0.1", "[::ffff:10.1.2.3]:1": "10.1.2.3", "[2001:db8:1:2:3::4]:1": "2001:db8:1:2::", "[fe80::1%eth0]:1": "fe80::",
		"": "invalid IP", "<nil>": "invalid IP",
	} {
		if got := bounded.Client(at); got.String() != want {
			t.Errorf("%s: got %s, want %s", at, got, want)
		}
	}
}
