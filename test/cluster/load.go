package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/test/history"
	"superheroes/test/program"
	"superheroes/test/steps"
)

// rate is how many fights per second are requested while pods are replaced, and lowRate how many in steps that take more than a
// minute: FerretDB reads all fights for each page of the audit.
const (
	rate    = 200
	lowRate = 50
)

// load requests fights at a constant rate, however long responses take, and records the outcomes.
type load struct {
	url     string
	clients []*http.Client // used in turn
	began   time.Time
	end     context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	operations []history.Operation
}

// startLoad starts to request fights from the service at a base URL.
func startLoad(ctx context.Context, base string, perSecond int, clients ...*http.Client) *load {
	l := &load{url: base + "/api/fights/execute_fight", clients: clients, began: time.Now()}
	stopping, end := context.WithCancel(ctx)
	l.end = end
	l.running.Go(func() {
		for n := 0; stopping.Err() == nil; n++ {
			l.running.Go(func() { l.fight(ctx, l.clients[n%len(l.clients)]) }) // with ctx, so that the last requests complete
			time.Sleep(time.Until(l.began.Add(time.Duration(n+1) * time.Second / time.Duration(perSecond))))
		}
	})
	return l
}

// stop waits until all requests have completed, and returns them.
func (l *load) stop() []history.Operation {
	l.end()
	l.running.Wait()
	return l.operations
}

func (l *load) fight(ctx context.Context, client *http.Client) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	operation := history.Operation{Began: time.Since(l.began)}
	status, body, err := ask(ctx, client, l.url)
	operation.Ended = time.Since(l.began)
	operation.Judge(status, body, err)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.operations = append(l.operations, operation)
}

// ask sends a GET and returns the response, or an error if no complete response arrived.
func ask(ctx context.Context, client *http.Client, url string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// bothKinds returns a client that opens a connection for each request, and one that keeps connections. The latter is told
// by a service that stops to reconnect.
func bothKinds() []*http.Client {
	return []*http.Client{program.Client(), {Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
}

// stock is what was stored before a load.
type stock struct {
	fights, statistics string // base URLs
	newest             string // id
	number             int
}

// takeStock returns what the release has stored.
func (r release) takeStock(ctx context.Context) (s stock, err error) {
	var err2 error
	s.fights, err = r.url(ctx, "fights")
	s.statistics, err2 = r.url(ctx, "statistics")
	if err := errors.Join(err, err2); err != nil {
		return s, err
	}
	if s.number, err = history.Count(ctx, s.fights); err != nil || s.number == 0 {
		return s, err
	}
	page, _, err := history.Get(ctx, s.fights+"/api/fights?limit=1")
	if err != nil {
		return s, err
	}
	var fights []struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(page, &fights); err != nil || len(fights) != 1 {
		return s, errors.Join(fmt.Errorf("there is no newest fight in %.100s", page), err)
	}
	s.newest = fights[0].ID
	return s, nil
}

// audit compares the outcomes of requests with what has been stored since, and with the statistics: no request may have
// failed, and exactly the acknowledged fights must be stored and counted.
func (s stock) audit(ctx context.Context, operations []history.Operation) (string, error) {
	stored, number, err := history.Settled(ctx, s.fights, s.newest, s.number)
	if err != nil {
		return "", err
	}
	verdict := history.Check(operations, stored)
	if failed := verdict.Refused + verdict.Indeterminate; failed > 0 || !verdict.Sound() || verdict.OK == 0 {
		return "", fmt.Errorf("%d fights acknowledged, %d requests failed, %d stored, %d lost:\n%s", verdict.OK, failed,
			verdict.Stored, verdict.Lost, strings.Join(append(verdict.Faults, failures(operations)...), "\n"))
	}
	if err := s.counted(ctx, number); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d fights acknowledged, stored and counted, 0 requests failed, the slowest took %.0f ms",
		verdict.OK, history.Longest(operations).Seconds()*1000), nil
}

// failures describes the first requests that failed.
func failures(operations []history.Operation) (lines []string) {
	for _, o := range operations {
		if o.Outcome != history.OK && len(lines) < 5 {
			lines = append(lines, fmt.Sprintf("after %.1f s: %s: %d %s", o.Began.Seconds(), o.Outcome, o.Status, o.Detail))
		}
	}
	return lines
}

// counted waits until the statistics have counted all stored fights.
func (s stock) counted(ctx context.Context, number int) error {
	return steps.Poll(ctx, time.Minute, func(ctx context.Context) error {
		text, _, err := history.Get(ctx, s.statistics+"/api/statistics")
		if err != nil {
			return err
		}
		var statistics struct {
			Total int `json:"total"`
		}
		if err = json.Unmarshal(text, &statistics); err == nil && statistics.Total != number {
			err = fmt.Errorf("%d fights are stored, but %d are counted", number, statistics.Total)
		}
		return err
	})
}

// underLoad does something that replaces or adds pods while fights are requested, and audits the fights.
func (r release) underLoad(ctx context.Context, perSecond int, do func(context.Context) error) (string, error) {
	before, err := r.takeStock(ctx)
	if err != nil {
		return "", err
	}
	running := startLoad(ctx, before.fights, perSecond, bothKinds()...)
	begin := time.Now()
	failed := do(ctx)
	took := time.Since(begin)
	operations := running.stop()
	if want := int(took.Seconds()*float64(perSecond)) / 2; len(operations) < want {
		failed = errors.Join(failed, fmt.Errorf("%d fights were requested in %s, want at least %d", len(operations), took, want))
	}
	figures, err := before.audit(ctx, operations)
	return fmt.Sprintf("%.0f s; %s", took.Seconds(), figures), errors.Join(failed, err)
}
