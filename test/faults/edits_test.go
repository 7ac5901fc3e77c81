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
		"edits while the store hangs": testEditsWhileTheStoreIsAway,
		"guesses":                     testGuesses,
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

// testEditsInDoubt drops the store's response to a commit, so that the change is made but never confirmed.
func testEditsInDoubt(t *testing.T, program, name, variable, database string, silent bool) {
	confirmations := &confirmations{silent: silent}
	_, store := through(t, database, confirmations.relays)
	deadline := "DEADLINE=14s" // a change usually fails immediately, but may take longer on a busy machine
	if silent {
		deadline = "DEADLINE=6s" // each change waits until its deadline expires
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
	// All changes must have been committed, and the service must still work.
	for _, name := range []string{`"in doubt"`, `"in doubt, too"`} {
		if !strings.Contains(wantOK(t, list).body, name) {
			t.Errorf("%s is missing", name)
		}
	}
	get(t, list+"/1").want(t, http.StatusNotFound)
	ask(t, http.MethodDelete, list+"/2", "", admin...).want(t, http.StatusNoContent)
}

// confirmations relays traffic between a service and its store. After each call to lose, confirmations drops the
// response to the next commit.
type confirmations struct {
	silent bool // whether the connection stays open after a response is dropped
	armed  atomic.Bool
}

func (c *confirmations) lose() { c.armed.Store(true) }

// loses reports whether to drop the store's response to the given data from a service. loses returns true once for each
// call to lose.
func (c *confirmations) loses(sent []byte) bool {
	return bytes.Contains(bytes.ToLower(sent), []byte("commit")) && c.armed.CompareAndSwap(true, false)
}

// relays forwards the service's data to the store, and the store's responses to the service until a response must be
// dropped.
func (c *confirmations) relays() (up, down tcpproxy.Relay) {
	var lost atomic.Bool // set before forwarding a commit whose response must be dropped
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

// writer adapts a function to io.Writer.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// testEditsWhileTheStoreIsAway checks that if the store doesn't respond, a change fails with the message "nothing was
// written".
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
	await.True(t, "a change succeeds again", func() bool { return edit().status == http.StatusOK })
}
