package httpserver

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestAdmin(t *testing.T) {
	const token = "pass word,é="
	for _, c := range []struct {
		name, token string
		sent        []string // lines of the Authorization header
		status      int
	}{
		{"the token", token, []string{"Bearer " + token}, 200},
		{"the scheme in another letter case", token, []string{"bEARER  " + token}, 200},
		{"a token of one letter", "x", []string{"Bearer x"}, 200},
		{"nothing", token, nil, 401},
		{"an empty line", token, []string{""}, 401},
		{"no token", token, []string{"Bearer"}, 401},
		{"another token", token, []string{"Bearer other"}, 401},
		{"a part of it", token, []string{"Bearer pass"}, 401},
		{"more than it", token, []string{"Bearer " + token + "x"}, 401},
		{"another letter case", token, []string{"Bearer " + strings.ToUpper(token)}, 401},
		{"another scheme", token, []string{"Basic " + token}, 401},
		{"no scheme", token, []string{token}, 401},
		{"twice", token, []string{"Bearer " + token, "Bearer " + token}, 401},
		{"disabled", "", nil, 403},
		{"disabled, with a token", "", []string{"Bearer x"}, 403},
		{"disabled, with an empty token", "", []string{"Bearer "}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			guarded := route(http.MethodPost, "/", ok)
			guarded.Admin = NewAdmin(c.token)
			server, _ := serving(t, settings(), guarded)
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+server.Addr()+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header["Authorization"] = c.sent
			got := do(t, client(), request)
			if got.status != c.status {
				t.Fatalf("got %d %s, want %d", got.status, got.body, c.status)
			}
			if c.status != 200 {
				got.problem(t, c.status)
			}
			if challenge := got.header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Bearer") != (c.status == 401) {
				t.Errorf("WWW-Authenticate is %q", challenge)
			}
			if c.status == 403 && !strings.Contains(got.body, "ADMIN_TOKEN") {
				t.Errorf("the detail doesn't say how to enable changes: %s", got.body)
			}
			if c.token == token && strings.Contains(got.body, token) {
				t.Errorf("the response reveals the token: %s", got.body)
			}
		})
	}
}

// An unauthorized client is refused before the service reads its body.
func TestAdminComesBeforeTheBody(t *testing.T) {
	guarded := route(http.MethodPost, "/", func(http.ResponseWriter, *http.Request) error { return errors.New("it was served") })
	guarded.Admin = NewAdmin("secret")
	server, _ := serving(t, settings(), guarded)
	conn := dial(t, server)
	send(t, conn, "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 1000\r\nConnection: close\r\n\r\n{")
	head := make([]byte, len("HTTP/1.1 401"))
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 401" {
		t.Errorf("got %q and %v, want 401 before the body is sent", head, err)
	}
}
