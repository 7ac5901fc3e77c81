package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"sync"
	"time"

	"superheroes/test/steps"
)

// scienceLine matches the output line that the Green Metrics Tool reads. The line contains the time in nanoseconds
// since 1970, and the number of functional units (R in the Software Carbon Intensity specification).
var scienceLine = regexp.MustCompile(`(?m)^\d{19} GMT_SCI_R=\d+$`)

// patience is how long to wait for an expected response.
const patience = time.Minute

// request sends a GET exactly once. Without kept-alive connections, net/http never repeats a request.
func request(ctx context.Context, url string) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(asked)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// get returns the body of a 200 response.
func get(ctx context.Context, url string) (string, error) {
	status, body, err := request(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s returned %d: %.300s", url, status, body)
	}
	return body, err
}

// eventually retries the request until wanted reports true for the response.
func eventually(ctx context.Context, url, want string, wanted func(status int, body string) bool) error {
	return steps.Poll(ctx, patience, func(ctx context.Context) error {
		status, body, err := request(ctx, url)
		if err == nil && !wanted(status, body) {
			err = fmt.Errorf("%s still returns %d after %s, not %s: %.200s", url, status, patience, want, body)
		}
		return err
	})
}

// eventuallyReturns retries the request until the response has the given status.
func eventuallyReturns(ctx context.Context, url string, status int) error {
	return eventually(ctx, url, fmt.Sprint(status), func(got int, _ string) bool { return got == status })
}

// getJSON decodes the body of a 200 response.
func getJSON(ctx context.Context, url string, into any) error {
	body, err := get(ctx, url)
	if err == nil {
		err = json.Unmarshal([]byte(body), into)
	}
	return err
}

// executeFight requests execute_fight and returns the id of the fight.
func executeFight(ctx context.Context, fights string) (string, error) {
	var fight struct{ ID string }
	err := getJSON(ctx, fights+"/api/fights/execute_fight", &fight)
	if err == nil && fight.ID == "" {
		err = errors.New("the response contains a fight without an id")
	}
	return fight.ID, err
}

func countFights(ctx context.Context) (int, error) {
	var counted struct{ Count int }
	err := getJSON(ctx, base("fights")+"/api/fights/count", &counted)
	return counted.Count, err
}

// attacker requests fights continuously until it is stopped.
type attacker struct {
	end          context.CancelFunc
	workers      sync.WaitGroup
	mu           sync.Mutex
	acknowledged []string // ids
}

// attack starts an attacker with the given number of workers. The attacker records only successful fights.
func attack(ctx context.Context, fights string, workers int) *attacker {
	a := &attacker{}
	stopping, end := context.WithCancel(ctx)
	a.end = end
	for range workers {
		a.workers.Go(func() {
			for stopping.Err() == nil {
				id, err := executeFight(ctx, fights) // uses ctx, so that the last request can complete
				if err != nil {
					time.Sleep(10 * time.Millisecond) // a request fails while the service is down
					continue
				}
				a.mu.Lock()
				a.acknowledged = append(a.acknowledged, id)
				a.mu.Unlock()
			}
		})
	}
	return a
}

// stop stops the workers and returns the ids of the acknowledged fights.
func (a *attacker) stop() []string {
	a.end()
	a.workers.Wait()
	return a.acknowledged
}
