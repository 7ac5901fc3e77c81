package durability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/history"
	"superheroes/test/system"
)

// ledger records the outcome of every fight that clients have requested, across all rounds.
type ledger struct {
	picks   bool // whether the server picks the fighters for every second fight
	numbers atomic.Int64

	mu           sync.Mutex
	operations   []history.Operation
	acknowledged int
	faults       []string                 // responses that violate the contract
	stored       map[string]history.Fight // fights that the checks have found, by id
}

func newLedger(picks bool) *ledger { return &ledger{picks: picks, stored: map[string]history.Fight{}} }

// load consists of concurrent clients, each of which requests one fight after another from a server.
type load struct {
	*ledger
	base    string
	floor   string        // new ids must be greater than this id
	pause   time.Duration // each client's pause between fights
	mortal  atomic.Bool   // the server may be killed from now on, so clients may fail and stop
	over    atomic.Bool
	clients sync.WaitGroup
}

func (l *load) start(ctx context.Context, clients int) *load {
	for range clients {
		l.clients.Go(func() {
			last := l.floor
			for !l.over.Load() {
				time.Sleep(l.pause)
				operation := l.once(ctx, l.base, last)
				if !operation.Answered {
					l.fault(!l.mortal.Load(), "no response from a running server: "+operation.Detail)
					return
				}
				last = max(last, operation.ID)
			}
		})
	}
	return l
}

// end stops the clients and waits for them.
func (l *load) end() {
	l.over.Store(true)
	l.clients.Wait()
}

// once requests a fight without retrying, checks that the new fight's id is greater than last, and records the outcome.
func (l *ledger) once(ctx context.Context, base, last string) history.Operation {
	request, hero := l.request(base)
	operation := history.Operation{Hero: hero}
	operation.Judge(ask(ctx, request))
	acknowledged := operation.Outcome == history.OK
	l.fault(!acknowledged && operation.Answered && operation.Status == http.StatusOK,
		"a 200 response contains no fight: "+operation.Detail)
	l.fault(acknowledged && operation.ID <= last, fmt.Sprintf("the id is not greater than %q: %s", last, operation.Answer))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.operations = append(l.operations, operation)
	if acknowledged {
		l.acknowledged++
	}
	return operation
}

// fault records the description of a fault if found is true.
func (l *ledger) fault(found bool, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if found {
		l.faults = append(l.faults, what)
	}
}

// known returns a copy of all operations so far.
func (l *ledger) known() []history.Operation {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.operations)
}

// acks returns the number of fights acknowledged so far.
func (l *ledger) acks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acknowledged
}

// await waits until at least the given number of fights have been acknowledged.
func (l *ledger) await(t *testing.T, number int) {
	t.Helper()
	for end := time.Now().Add(ending); l.acks() < number; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d fights were acknowledged, want %d", l.acks(), number)
		}
	}
}

// newest returns the largest id that the checks have found, or "" if they have found none.
func (l *ledger) newest() (id string) {
	for stored := range l.stored {
		id = max(id, stored)
	}
	return id
}

// request returns a request for a fight. Either the server picks the fighters, or the request contains a hero with a
// unique name, a villain and usually a location; other requests reuse the names of the villain and the location.
func (l *ledger) request(base string) (request *http.Request, hero string) {
	number := l.numbers.Add(1)
	method, url, body := http.MethodGet, base+"/api/fights/execute_fight", ""
	if !l.picks || number%2 == 0 {
		method, url, hero = http.MethodPost, base+"/api/fights", fmt.Sprint("sent as number ", number)
		place := "null"
		if number%5 > 0 {
			place = fmt.Sprintf(`{"name":"place %d \u0022🌍"}`, number%11)
		}
		body = fmt.Sprintf(`{"hero":{"name":%q,"powers":"<🦸>","level":%d},
			"villain":{"name":"<villain %d>","level":1},"location":%s}`, hero, number%3, number%7, place)
	}
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err) // a bug in the test
	}
	return request, hero
}

// ask sends the request and returns the complete response, or an error if no complete response arrived.
func ask(ctx context.Context, request *http.Request) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	response, err := system.Client().Do(request.WithContext(ctx))
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// errLost means that an acknowledged fight isn't stored.
var errLost = errors.New("acknowledged and lost")

// check compares the clients' records with the stored fights whose ids are greater than bound, or with all stored
// fights if bound is "". check finds fights that were lost, changed, stored twice, or stored without a request. All
// other fights were listed by an earlier check; the total count shows whether they are still stored.
func (l *ledger) check(ctx context.Context, base, bound string) error {
	if len(l.faults) > 0 {
		return fmt.Errorf("found %d faults; the first is: %s", len(l.faults), l.faults[0])
	}
	maps.DeleteFunc(l.stored, func(id string, _ history.Fight) bool { return id > bound })
	recent, number, err := history.Settled(ctx, base, bound, len(l.stored))
	if err != nil {
		return err
	}
	for i, fight := range recent {
		if i > 0 && fight.ID >= recent[i-1].ID {
			return fmt.Errorf("the list isn't in descending order: %s follows %s", fight.ID, recent[i-1].ID)
		}
		l.stored[fight.ID] = fight
	}
	verdict := history.Check(l.operations, slices.Collect(maps.Values(l.stored)))
	switch {
	case verdict.Lost > 0:
		return fmt.Errorf("%d of %d: %w", verdict.Lost, verdict.OK, errLost)
	case !verdict.Sound():
		return errors.New(strings.Join(verdict.Faults, "\n"))
	case number != len(l.stored):
		return fmt.Errorf("the server counts %d fights, but %d were listed", number, len(l.stored))
	}
	return nil
}
