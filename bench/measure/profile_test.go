package measure

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// saying starts a server that serves the given health page, and returns the server's URL.
func saying(t *testing.T, status int, health string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(health))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestProfile(t *testing.T) {
	eco, strict := saying(t, http.StatusOK, `{"status":"ok","profile":"eco"}`), saying(t, http.StatusServiceUnavailable, `{"profile":"strict"}`)
	for _, c := range []struct {
		name string
		urls map[Service]string
		want string
	}{
		{"one address", map[Service]string{"": eco}, "eco"},
		{"unhealthy", map[Service]string{"": strict}, "strict"},
		{"mixed", map[Service]string{Fights: strict, Heroes: eco, Villains: eco}, "eco (heroes, villains), strict (fights)"},
		{"no health page", map[Service]string{"": saying(t, http.StatusNotFound, "no such path")}, notTold},
		{"no profile", map[Service]string{"": saying(t, http.StatusOK, `{"status":"ok"}`)}, notTold},
		{"a profile of the wrong type", map[Service]string{"": saying(t, http.StatusOK, `{"profile":{}}`)}, notTold},
		{"not JSON", map[Service]string{"": saying(t, http.StatusOK, `<p>`)}, notTold},
		{"no listener", map[Service]string{"": "http://127.0.0.1:1"}, notTold},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := (Target{URLs: c.urls}).askProfile(10 * time.Second); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
