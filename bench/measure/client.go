package measure

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"time"

	"superheroes/bench/rawhttp"
)

// postFight is how reports refer to the request that posts a fight.
const postFight = "POST /api/fights"

// errStatus means that a response has an unexpected status.
var errStatus = errors.New("status")

// client runs iterations, one at a time, on its own connections.
type client struct {
	shape shape // as far as it is known
	conns map[Service]*rawhttp.Conn
	gets  map[string][]byte // GET requests by path, each built once
	post  []byte

	body   []byte // request body of the fight being sent
	lastID []byte // id of the last fight, as JSON

	upsets   int64  // number of fights won by the fighter who would have lost by level
	requests int64  // number of requests sent so far
	last     string // the last request
	size     int    // size of the last response body
}

func newClient(target Target, timeout time.Duration) (*client, error) {
	c := &client{shape: target.shape.clone(), conns: map[Service]*rawhttp.Conn{}, gets: map[string][]byte{}}
	shared := map[string]*rawhttp.Conn{} // services with the same base URL share a connection
	for _, service := range Services() {
		base := target.URL(service)
		if base == "" {
			continue
		}
		if shared[base] == nil {
			conn, err := rawhttp.New(base, timeout)
			if err != nil {
				return nil, err
			}
			shared[base] = conn
		}
		c.conns[service] = shared[base]
	}
	if fights := c.conns[Fights]; fights != nil {
		c.post = fights.PostHead("/api/fights")
	}
	return c, nil
}

// close closes the connections.
func (c *client) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

// traffic returns the number of bytes sent, bytes received and connections opened.
func (c *client) traffic() (sent, received, dialled int64) {
	seen := map[*rawhttp.Conn]bool{}
	for _, conn := range c.conns {
		if !seen[conn] {
			seen[conn] = true
			sent, received, dialled = sent+conn.Sent, received+conn.Received, dialled+conn.Dialled
		}
	}
	return sent, received, dialled
}

// get sends a GET request and returns the response body. It fails unless the status is 200.
func (c *client) get(service Service, path string) ([]byte, error) {
	conn := c.conns[service]
	request := c.gets[path]
	if request == nil {
		request = conn.Get(path)
		c.gets[path] = request
	}
	c.last = path
	c.requests++
	return c.ok(conn.Do(request))
}

// ok returns the response body, or an error unless the status is 200.
func (c *client) ok(answer rawhttp.Answer, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	c.size = len(answer.Body)
	if answer.Status != http.StatusOK {
		return nil, wrong("%w %d, %.200s", errStatus, answer.Status, bytes.Join(bytes.Fields(answer.Body), []byte(" ")))
	}
	return answer.Body, nil
}

// check sends a GET request and checks the response body.
func (c *client) check(service Service, path string, check func([]byte) error) error {
	body, err := c.get(service, path)
	if err != nil {
		return err
	}
	return check(body)
}

// single returns an action that sends a single GET request to the fights service and checks the response body.
func single(path string, check func([]byte) error) func(*client) error {
	return func(c *client) error { return c.check(Fights, path, check) }
}

// random returns an action that requests a random entry of a service and checks it. Members have the entry at a path
// that ends with the given name, or with "random": the client tries both and remembers the one with a response.
func random(service Service, name string, check func([]byte) error) func(*client) error {
	named, short := fmt.Sprintf("/api/%s/%s", service, name), fmt.Sprintf("/api/%s/random", service)
	return func(c *client) error {
		if path := c.shape.random[service]; path != "" {
			return c.check(service, path, check)
		}
		c.shape.random[service] = named
		err := c.check(service, named, check)
		if !errors.Is(err, errStatus) {
			return err
		}
		c.shape.random[service] = short
		other := c.check(service, short, check)
		if !errors.Is(other, errStatus) {
			return other
		}
		return fmt.Errorf("%w, and %s: %w", other, named, err)
	}
}

// family performs one iteration of the family's load test: it fetches two fighters and a location, then posts a fight
// between them.
func (c *client) family() error {
	body, err := c.get(Fights, "/api/fights/randomfighters")
	if err != nil {
		return err
	}
	drawn, err := readFighters(body)
	if err != nil {
		return err
	}
	c.body = append(append(c.body[:0], `{"hero":`...), drawn.heroJSON...) // copied, as the next response reuses the buffer
	c.body = append(append(c.body, `,"villain":`...), drawn.villainJSON...)
	if body, err = c.get(Fights, "/api/fights/randomlocation"); err != nil {
		return err
	}
	if err := checkLocation(body); err != nil {
		return err
	}
	c.body = append(append(append(c.body, `,"location":`...), body...), '}')
	sent, err := readFighters(c.body)
	if err != nil {
		return err
	}
	c.last = postFight
	c.requests++
	if body, err = c.ok(c.conns[Fights].Post(c.post, c.body)); err != nil {
		return err
	}
	return c.fought(body, &sent)
}

// livezThreeTimes sends as many requests as an iteration of the family's load test. On the floor server, it shows how
// much of such an iteration is the cost of three bare requests.
func (c *client) livezThreeTimes() error {
	for range 3 {
		if _, err := c.get(Fights, "/livez"); err != nil {
			return err
		}
	}
	return nil
}

// executeFight requests a fight whose fighters and location are picked by the service.
func (c *client) executeFight() error {
	body, err := c.get(Fights, "/api/fights/execute_fight")
	if err != nil {
		return err
	}
	return c.fought(body, nil)
}

// fought checks that the response body is a fight between the requested fighters, if any were given, and that it
// differs from the previous fight. The first fight shows the target's dialect.
func (c *client) fought(body []byte, sent *pair) (err error) {
	if c.shape.dialect == nil {
		if c.shape.dialect, err = dialectOf(body); err != nil {
			return err
		}
	}
	id, upset, err := readFight(body, sent, c.shape.dialect)
	if err != nil {
		return err
	}
	if bytes.Equal(id, c.lastID) {
		return wrong("fight with the same id as the previous fight, %.60s", id)
	}
	c.lastID = append(c.lastID[:0], id...)
	if upset {
		c.upsets++
	}
	return nil
}
