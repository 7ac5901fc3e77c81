package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"superheroes/test/history"
	"superheroes/test/system"
)

// patience is how long a client waits for a response, unless the request specifies another time limit.
const patience = 20 * time.Second

// clients sends each request exactly once, on a connection of its own, and records the outcome of fights.
type clients struct {
	http   *http.Client
	heroes string   // base URL
	fights []string // base URLs
	began  time.Time

	mu         sync.Mutex
	operations []history.Operation
}

func newClients(heroes string, fights []string) *clients {
	return &clients{http: system.Client(), heroes: heroes, fights: fights, began: time.Now()}
}

// run sends each request at its scheduled time, however long earlier requests take, and returns when every request has
// been answered or has timed out.
func (c *clients) run(ctx context.Context, requests []Request) {
	round, end := context.WithCancel(ctx)
	var readers, others sync.WaitGroup
	begin := time.Now()
	for _, request := range requests {
		time.Sleep(time.Until(begin.Add(request.At)))
		if request.Kind == stall {
			readers.Go(func() { c.stall(round) })
			continue
		}
		others.Go(func() { c.send(ctx, request) })
	}
	others.Wait()
	end() // stalled readers keep their connections until all other requests have finished
	readers.Wait()
}

func (c *clients) send(ctx context.Context, r Request) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	switch r.Kind { // reads only generate load; their responses don't matter
	case search:
		_, _, _ = c.ask(ctx, http.MethodGet, c.heroes+"/api/heroes?name=zzzzzzzz", "", 0)
		return
	case fighters:
		_, _, _ = c.ask(ctx, http.MethodGet, c.base(r)+"/api/fights/randomfighters", "", 0)
		return
	}
	if c.fight(ctx, r).Outcome != history.OK && r.Repeats > 0 {
		r.Repeats--
		r.Hero += "+"
		c.send(ctx, r)
	}
}

// fight requests a fight and records the outcome.
func (c *clients) fight(ctx context.Context, r Request) history.Operation {
	if r.Leaves > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.Leaves)
		defer cancel()
	}
	method, url, body := http.MethodGet, c.base(r)+"/api/fights", ""
	if r.Kind == post {
		method, body = http.MethodPost, sent(r)
	} else {
		url, r.Hero = url+"/execute_fight", ""
	}
	operation := history.Operation{Hero: r.Hero, Began: time.Since(c.began)}
	status, answer, err := c.ask(ctx, method, url, body, r.Deadline)
	operation.Ended = time.Since(c.began)
	operation.Judge(status, answer, err)
	c.note(operation)
	return operation
}

// base returns the base URL of the fights process that receives the request.
func (c *clients) base(r Request) string { return c.fights[r.To%len(c.fights)] }

// sent returns the body of a request. Only one hero in eight wins, because each winner adds a document to the
// statistics.
func sent(r Request) string {
	level := 1
	if r.To%8 == 0 {
		level = 9
	}
	return fmt.Sprintf(`{"hero":{"name":%q,"level":%d,"powers":"<🦸>"},"villain":{"name":"villain %d","level":5},"location":null}`, r.Hero, level, r.To%5)
}

func (c *clients) note(operation history.Operation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.operations = append(c.operations, operation)
}

// ask sends a request and returns the response, or an error if no complete response arrived.
func (c *clients) ask(ctx context.Context, method, url, body string, deadline time.Duration) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if deadline > 0 {
		request.Header.Set("X-Request-Timeout-Ms", fmt.Sprint(deadline.Milliseconds()))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// stall requests the whole list of heroes and doesn't read the response; it returns when ctx is canceled.
func (c *clients) stall(ctx context.Context) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(c.heroes, "http://"))
	if err != nil {
		return // the process is down, which doesn't matter because no fight is requested
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET /api/heroes HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-ctx.Done()
}
