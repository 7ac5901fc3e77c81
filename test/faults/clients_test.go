package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
)

// fightBody is the request body for posting a fight.
const fightBody = `{"hero":` + fakepeer.Hero + `,"villain":` + fakepeer.Villain + `}`

// counts maps each status code to the number of responses with that status.
type counts struct {
	mu sync.Mutex
	of map[int]int
}

func (c *counts) add(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[int]int{}
	}
	c.of[status]++
}

// clients is a group of clients that keep requesting fights until they are stopped or the server exits. The group
// records the responses.
type clients struct {
	group    sync.WaitGroup
	stopped  atomic.Bool
	harmed   atomic.Bool // set after the files are damaged; later requests for fights must not be acknowledged
	asked    atomic.Int64
	mu       sync.Mutex
	stored   map[string]bool // acknowledged ids
	late     int             // number of acknowledged fights that were requested after the files had been damaged
	refusals map[string]int  // number of refusals by status and detail, or by error
}

func newClients() *clients { return &clients{stored: map[string]bool{}, refusals: map[string]int{}} }

// send starts eight clients that send the request repeatedly, each time on a new connection.
func send(t *testing.T, fight request) *clients {
	t.Helper()
	c := newClients()
	for range 8 {
		c.group.Go(func() {
			for !c.stopped.Load() {
				harmed := c.harmed.Load()
				got, err := try(t, fight.method, fight.path, fight.body)
				switch {
				case err == nil:
					c.note(got, harmed)
				case errors.Is(err, syscall.ECONNREFUSED):
					return
				case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF): // the server did not accept the connection
				default:
					c.note(answer{body: fmt.Sprintf(`{"detail":%q}`, err)}, harmed)
				}
				c.asked.Add(1)
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *clients) stop() {
	c.stopped.Store(true)
	c.group.Wait()
}

func (c *clients) note(got answer, harmed bool) {
	var body struct{ ID, Detail string }
	_ = json.Unmarshal([]byte(got.body), &body) // if the body is not JSON, both fields stay empty
	c.mu.Lock()
	defer c.mu.Unlock()
	if got.status != http.StatusOK {
		c.refusals[fmt.Sprint(got.status, " ", body.Detail)]++
		return
	}
	if harmed {
		c.late++
	}
	c.stored[body.ID] = true
}

// acknowledged returns the number of acknowledged fights.
func (c *clients) acknowledged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.stored)
}

// awaitMore waits until more than n further requests have completed.
func (c *clients) awaitMore(t *testing.T, n int64) {
	t.Helper()
	asked := c.asked.Load()
	await.True(t, "the clients complete more requests", func() bool { return c.asked.Load() > asked+n })
}

// checkStored checks that exactly the acknowledged fights are stored.
func checkStored(t *testing.T, fights string, c *clients) {
	t.Helper()
	found := map[string]bool{}
	for _, id := range stored(t, fights) {
		found[id] = true
		if !c.stored[id] {
			t.Errorf("fight %s is stored, but was not acknowledged", id)
		}
	}
	for id := range c.stored {
		if !found[id] {
			t.Errorf("fight %s was acknowledged, but is not stored", id)
		}
	}
}
