package durability

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/test/history"
	"superheroes/test/system"
)

// ledger is what clients know about their fights, of all rounds.
type ledger struct {
	mu           sync.Mutex
	operations   []history.Operation
	acknowledged map[string]string        // the acknowledged responses, by the id in them
	stored       map[string]history.Fight // found by the last checks, by id
	faults       []string                 // what no client may see
	numbers      atomic.Int64
}

func newLedger() *ledger {
	return &ledger{acknowledged: map[string]string{}, stored: map[string]history.Fight{}}
}

// load runs clients, and kills the server at a random moment. Ids must be above floor. It returns when every client
// has noticed.
func (l *ledger) load(t *testing.T, base, floor string, clients int, kill func()) {
	t.Helper()
	before := len(l.known())
	var dead atomic.Bool
	var group sync.WaitGroup
	for range clients {
		group.Go(func() { l.client(t.Context(), base, floor, &dead) })
	}
	time.Sleep(200*time.Millisecond + rand.N(200*time.Millisecond)) // the random moment
	l.await(t, before+1)
	dead.Store(true)
	kill()
	group.Wait()
}

// client requests fights, one after the other, until one gets no response. It never repeats a request.
func (l *ledger) client(ctx context.Context, base, last string, dead *atomic.Bool) {
	for {
		operation := l.once(ctx, base, last)
		switch {
		case !operation.Answered:
			l.note(func() {
				if !dead.Load() {
					l.faults = append(l.faults, "no answer from a living server: "+operation.Detail)
				}
			})
			return
		case operation.Outcome == history.OK:
			last = operation.ID
		}
	}
}

// once requests a fight, whose id must be above last, and records the outcome.
func (l *ledger) once(ctx context.Context, base, last string) history.Operation {
	request, hero := l.request(base)
	operation := history.Operation{Hero: hero}
	operation.Judge(ask(ctx, request))
	l.note(func() {
		l.operations = append(l.operations, operation)
		if operation.Outcome != history.OK {
			if operation.Status == http.StatusOK && operation.Answered {
				l.faults = append(l.faults, "no fight in an answer with 200: "+operation.Detail)
			}
			return
		}
		if operation.ID <= last || l.acknowledged[operation.ID] != "" {
			l.faults = append(l.faults, fmt.Sprintf("after %q came %s", last, operation.Answer))
		}
		l.acknowledged[operation.ID] = operation.Answer
	})
	return operation
}

// newest returns the largest id that a check has found, or "".
func (l *ledger) newest() (id string) {
	for stored := range l.stored {
		id = max(id, stored)
	}
	return id
}

func (l *ledger) note(what func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	what()
}

// request returns a request for a fight: picked by the server, or with a hero whose name is unique.
func (l *ledger) request(base string) (request *http.Request, hero string) {
	number := l.numbers.Add(1)
	method, url, body := http.MethodGet, base+"/api/fights/execute_fight", ""
	if number%2 == 0 {
		method, url = http.MethodPost, base+"/api/fights"
		hero = fmt.Sprint(sentName, number)
		body = fmt.Sprintf(`{"hero":{"name":%q,"powers":"<🦸>"},"villain":{"name":"v","level":3},"location":null}`, hero)
	}
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		panic(err) // a fault of the test
	}
	return request, hero
}

// sentName is the prefix of the names of heroes that were sent.
const sentName = "sent as number "

// ask sends the request and returns the complete response, or an error if there was none.
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
