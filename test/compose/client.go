package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// scienceLine is the line that the Green Metrics Tool reads: nanoseconds since 1970, and R of the software carbon
// intensity.
var scienceLine = regexp.MustCompile(`(?m)^\d{19} GMT_SCI_R=\d+$`)

// patience is how long to wait for something to happen.
const patience = time.Minute

// request sends a GET exactly once: net/http repeats one only on a kept-alive connection, and there is none.
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

// eventually retries until the response has the status.
func eventually(ctx context.Context, url string, want int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		status, body, err := request(ctx, url)
		if err == nil && status == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s still returns %d after %s, not %d: %.200s", url, status, patience, want, body), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// eventuallySays retries until the response is a 200 and begins with want.
func eventuallySays(ctx context.Context, url, want string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		body, err := get(ctx, url)
		if err == nil && strings.HasPrefix(body, want) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("%s does not return %s… within %s: %.200s", url, want, patience, body), err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// executeFight executes a fight and returns its id.
func executeFight(ctx context.Context, fights string) (string, error) {
	body, err := get(ctx, fights+"/api/fights/execute_fight")
	if err != nil {
		return "", err
	}
	var fight struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(body), &fight); err != nil || fight.ID == "" {
		return "", errors.Join(fmt.Errorf("a fight without an id: %.200s", body), err)
	}
	return fight.ID, nil
}

func countFights(ctx context.Context) (int, error) {
	body, err := get(ctx, base("fights")+"/api/fights/count")
	if err != nil {
		return 0, err
	}
	var counted struct {
		Count int `json:"count"`
	}
	err = json.Unmarshal([]byte(body), &counted)
	return counted.Count, err
}

// attacker requests fights without a pause until it is stopped.
type attacker struct {
	end          context.CancelFunc
	workers      sync.WaitGroup
	mu           sync.Mutex
	acknowledged []string // ids
}

// attack starts workers. Only successful fights are counted.
func attack(ctx context.Context, fights string, workers int) *attacker {
	a := &attacker{}
	stopping, end := context.WithCancel(ctx)
	a.end = end
	for range workers {
		a.workers.Go(func() {
			for stopping.Err() == nil {
				id, err := executeFight(ctx, fights) // a request in flight at the end is completed
				if err != nil {
					time.Sleep(10 * time.Millisecond) // the service is down
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

// stop returns the ids of the acknowledged fights.
func (a *attacker) stop() []string {
	a.end()
	a.workers.Wait()
	return a.acknowledged
}
