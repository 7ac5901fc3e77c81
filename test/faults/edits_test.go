package faults

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/tcpproxy"
)

func editTests() tests {
	all := tests{
		"edits while the store is away": testEditsWhileTheStoreIsAway,
		"guesses":                       testGuesses,
	}
	for name, silent := range map[string]bool{"connection breaks": false, "store falls silent": true} {
		all["edits in doubt, PostgreSQL, "+name] = func(t *testing.T, program string) {
			testEditsInDoubt(t, program, "heroes", "DATABASE_URL", engines.Postgres(t), silent)
		}
		all["edits in doubt, MariaDB, "+name] = func(t *testing.T, program string) {
			testEditsInDoubt(t, program, "locations", "MYSQL_URL", engines.MySQL(t), silent)
		}
	}
	return all
}

// testEditsInDoubt loses the store's response to a commit: the change is made, and nothing confirms it.
func testEditsInDoubt(t *testing.T, program, name, variable, database string, silent bool) {
	confirmations := &confirmations{silent: silent}
	_, store := through(t, database, confirmations.relays)
	deadline := "DEADLINE=14s" // a change fails at once, or is slow on a busy machine
	if silent {
		deadline = "DEADLINE=6s" // and each change takes that long
	}
	s := start(t, program, name, []string{variable + "=" + store, "ADMIN_TOKEN=secret", deadline})
	s.Ready(t, s.url+"/readyz")
	list := s.url + "/api/" + name
	admin := []string{"Authorization", "Bearer secret"}
	for _, edit := range []struct{ method, target, body string }{
		{http.MethodPost, list, `{"name":"in doubt","type":"MOON"}`},
		{http.MethodPatch, list + "/2", `{"name":"in doubt, too"}`},
		{http.MethodDelete, list + "/1", ""},
	} {
		confirmations.lose()
		got := ask(t, edit.method, edit.target, edit.body, admin...)
		got.wantProblem(t, http.StatusServiceUnavailable, "may have been written")
	}
	// All of it was committed, and the service still works.
	for _, name := range []string{`"in doubt"`, `"in doubt, too"`} {
		if !strings.Contains(wantOK(t, list).body, name) {
			t.Errorf("%s is missing", name)
		}
	}
	get(t, list+"/1").want(t, http.StatusNotFound)
	ask(t, http.MethodDelete, list+"/2", "", admin...).want(t, http.StatusNoContent)
}

// confirmations are responses to commits. After a call of lose, the next one gets lost.
type confirmations struct {
	silent bool // otherwise the connection breaks
	armed  atomic.Bool
}

func (c *confirmations) lose() { c.armed.Store(true) }

// loses reports, once, whether to lose the response to what a service sends.
func (c *confirmations) loses(sent []byte) bool {
	return bytes.Contains(bytes.ToLower(sent), []byte("commit")) && c.armed.CompareAndSwap(true, false)
}

// relays forwards what the service sends, and the store's responses until one is lost.
func (c *confirmations) relays() (up, down tcpproxy.Relay) {
	var lost atomic.Bool // set before forwarding a commit whose response must not arrive
	up = func(store io.Writer, service io.Reader) {
		_, _ = io.Copy(writer(func(sent []byte) (int, error) {
			if c.loses(sent) {
				lost.Store(true)
			}
			return store.Write(sent)
		}), service)
	}
	down = func(service io.Writer, store io.Reader) {
		_, _ = io.Copy(writer(func(answer []byte) (int, error) {
			switch {
			case !lost.Load():
				return service.Write(answer)
			case c.silent:
				return len(answer), nil
			}
			return 0, net.ErrClosed
		}), store)
	}
	return up, down
}

// writer is a function that implements io.Writer.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// A change that the store can't accept is certainly refused.
func testEditsWhileTheStoreIsAway(t *testing.T, program string) {
	p, store := through(t, engines.Postgres(t), tcpproxy.All)
	s := start(t, program, "heroes", []string{"DATABASE_URL=" + store, "ADMIN_TOKEN=secret", "DEADLINE=500ms"})
	s.Ready(t, s.url+"/readyz")
	edit := func() answer {
		return ask(t, http.MethodPatch, s.url+"/api/heroes/1", `{"name":"changed"}`, "Authorization", "Bearer secret")
	}
	p.Become(tcpproxy.Hangs)
	edit().wantProblem(t, http.StatusServiceUnavailable, "nothing was written")
	p.Become(tcpproxy.Passes)
	await.True(t, "a change is taken again", func() bool { return edit().status == http.StatusOK })
}
