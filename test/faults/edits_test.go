package faults

import (
	"bytes"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/test/engines"
)

// testEditsInDoubt has the store's answer to a commit get lost: the change is made, and nobody confirms it.
func testEditsInDoubt(t *testing.T, program string) {
	for _, engine := range []struct {
		name, service, variable string
		fresh                   func(testing.TB) string
	}{
		{"PostgreSQL", "heroes", "DATABASE_URL", engines.Postgres},
		{"MariaDB", "locations", "MYSQL_URL", engines.MySQL},
	} {
		for _, lost := range []struct {
			name   string
			silent bool
		}{{"the connection breaks", false}, {"the store falls silent", true}} {
			t.Run(engine.name+", "+lost.name, func(t *testing.T) {
				confirmations, store := losing(t, engine.fresh(t), lost.silent)
				const token = "secret"
				s := start(t, program, engine.service, []string{engine.variable + "=" + store, "ADMIN_TOKEN=" + token, "DEADLINE=1s"})
				s.Ready(t, s.url+"/readyz")
				list := s.url + "/api/" + engine.service
				admin := []string{"Authorization", "Bearer " + token}
				for name, edit := range map[string]struct{ method, target, body string }{
					"POST":   {http.MethodPost, list, `{"name":"in doubt","type":"MOON"}`},
					"PATCH":  {http.MethodPatch, list + "/2", `{"name":"in doubt, too"}`},
					"DELETE": {http.MethodDelete, list + "/1", ""},
				} {
					confirmations.lose()
					got := ask(t, edit.method, edit.target, edit.body, admin...)
					got.wantProblem(t, http.StatusServiceUnavailable, "may have been written")
					if got.header.Get("Retry-After") == "" {
						t.Errorf("%s: there is no Retry-After", name)
					}
				}
				// All of it was committed, and the service goes on.
				for _, name := range []string{`"in doubt"`, `"in doubt, too"`} {
					if text := get(t, list).want(t, http.StatusOK).body; !strings.Contains(text, name) {
						t.Errorf("%s is not there", name)
					}
				}
				get(t, list+"/1").want(t, http.StatusNotFound)
				ask(t, http.MethodDelete, list+"/2", "", admin...).want(t, http.StatusNoContent)
			})
		}
	}
}

// confirmations stand between a service and its store. The answer to the next commit gets lost when lose was called.
type confirmations struct {
	listener net.Listener
	target   string
	silent   bool // else the connection breaks

	mu    sync.Mutex
	armed bool
	conns []net.Conn
	wait  sync.WaitGroup
}

// losing returns what stands between, and the store's URL that leads through it.
func losing(t *testing.T, store string, silent bool) (*confirmations, string) {
	t.Helper()
	at, err := url.Parse(store)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &confirmations{listener: listener, target: at.Host, silent: silent}
	c.wait.Go(c.accept)
	t.Cleanup(c.close)
	at.Host = listener.Addr().String()
	return c, at.String()
}

func (c *confirmations) lose() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = true
}

// loses tells, once, whether the answer to what a service sends is to be lost.
func (c *confirmations) loses(sent []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed || !bytes.Contains(bytes.ToLower(sent), []byte("commit")) {
		return false
	}
	c.armed = false
	return true
}

func (c *confirmations) accept() {
	for {
		client, err := c.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", c.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		c.mu.Lock()
		c.conns = append(c.conns, client, server)
		c.mu.Unlock()
		lost := make(chan struct{})
		c.wait.Go(func() { c.requests(server, client, lost) })
		c.wait.Go(func() { c.answers(client, server, lost) })
	}
}

// requests passes on what the service sends; lost is closed before a commit is whose answer is not to come back.
func (c *confirmations) requests(server, client net.Conn, lost chan struct{}) {
	defer func() { _ = server.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if n > 0 && c.loses(buffer[:n]) {
			close(lost)
		}
		if _, failed := server.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (c *confirmations) answers(client, server net.Conn, lost chan struct{}) {
	defer func() { _ = client.Close() }()
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		select {
		case <-lost:
			if !c.silent {
				return
			}
			n = 0
		default:
		}
		if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

func (c *confirmations) close() {
	_ = c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
	c.mu.Unlock()
	c.wait.Wait()
}

// testEditsWhileTheStoreIsAway: a change that the store can't take is refused for certain.
func testEditsWhileTheStoreIsAway(t *testing.T, program string) {
	p, store := through(t, engines.Postgres(t))
	s := start(t, program, "heroes", []string{"DATABASE_URL=" + store, "ADMIN_TOKEN=secret", "DEADLINE=500ms"})
	s.Ready(t, s.url+"/readyz")
	edit := func() answer {
		return ask(t, http.MethodPatch, s.url+"/api/heroes/1", `{"name":"changed"}`, "Authorization", "Bearer secret")
	}
	p.freeze(true)
	begin := time.Now()
	edit().wantProblem(t, http.StatusServiceUnavailable, "nothing was written")
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	p.freeze(false)
	eventually(t, "a change is taken again", func() bool { return edit().status == http.StatusOK })
}
