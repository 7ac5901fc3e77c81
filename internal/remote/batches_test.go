package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/httpserver"
	"superheroes/test/await"
	"superheroes/test/fakepeer"
)

// peerOfBatches is a catalog that serves heroes with the ids 1, 2, 3, …, each of them once, and records the requested
// counts.
type peerOfBatches struct {
	*fakepeer.Peer
	age  atomic.Int64 // in milliseconds
	mu   sync.Mutex
	last int64
	asks []int         // requested counts, 0 for a single pick
	wait chan struct{} // blocks responses until closed; nil if they aren't blocked
}

func newPeerOfBatches(t *testing.T) *peerOfBatches {
	p := &peerOfBatches{Peer: fakepeer.New(t, nil)}
	p.Behave(p.draw)
	return p
}

func (p *peerOfBatches) draw(w http.ResponseWriter, r *http.Request) {
	count := 0
	if fakepeer.AsksForPicks(r) {
		count, _ = strconv.Atoi(r.URL.Query().Get("count"))
	}
	wait, body := p.take(count)
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
			return
		}
	}
	if count == 0 {
		fakepeer.Answers(http.StatusOK, strings.Trim(body, "[]"))(w, r)
		return
	}
	w.Header().Set(httpserver.AgeHeader, strconv.FormatInt(p.age.Load(), 10))
	fakepeer.Answers(http.StatusOK, body)(w, r)
}

func (p *peerOfBatches) take(count int) (wait chan struct{}, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asks = append(p.asks, count)
	items := []string{}
	for range max(count, 1) {
		p.last++
		items = append(items, fmt.Sprintf(`{"id":%d,"name":"hero"}`, p.last))
	}
	return p.wait, "[" + strings.Join(items, ",") + "]"
}

// asked returns the number of picks in each request so far.
func (p *peerOfBatches) asked() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asks)
}

// hold blocks the responses to subsequent requests until release is called.
func (p *peerOfBatches) hold() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := make(chan struct{})
	p.wait = held
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.wait = nil
		close(held)
	}
}

// clock is a clock that only the test advances.
type clock struct{ nanoseconds atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(1e9, c.nanoseconds.Load()) }

func (c *clock) pass(d time.Duration) { c.nanoseconds.Add(int64(d)) }

// newBatches returns Batches for the peer at base, with the clock and the log that it uses.
func newBatches(t *testing.T, base string, cfg Config) (*Batches[character.Character], *clock, *bytes.Buffer) {
	t.Helper()
	log, time := &bytes.Buffer{}, &clock{}
	batches := NewBatches(newClient(t, base, cfg), slog.New(slog.NewTextHandler(log, nil)))
	batches.now = time.now
	return batches, time, log
}

// mustDraw takes n picks, one after the other, and returns their ids.
func mustDraw(t *testing.T, from *Batches[character.Character], n int) []int64 {
	t.Helper()
	ids := make([]int64, n)
	for i := range ids {
		item, err := from.Random(t.Context())
		if err != nil {
			t.Fatalf("pick %d: %v", i, err)
		}
		ids[i] = item.ID
	}
	return ids
}

// drawTogether starts n concurrent callers, and returns their group and a function that returns the ids picked so
// far.
func drawTogether(t *testing.T, from *Batches[character.Character], n int) (*errgroup.Group, func() []int64) {
	t.Helper()
	var group errgroup.Group
	var mu sync.Mutex
	var ids []int64
	for range n {
		group.Go(func() error {
			item, err := from.Random(t.Context())
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, item.ID)
			return err
		})
	}
	return &group, func() []int64 {
		mu.Lock()
		defer mu.Unlock()
		return ids
	}
}

// waiting returns the number of callers that are waiting for a batch.
func waiting(b *Batches[character.Character]) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	if b.inFlight != nil {
		n += b.inFlight.waiting
	}
	for _, batch := range b.queue {
		n += batch.waiting
	}
	return n
}

func unused(b *Batches[character.Character]) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.picks)
}

func TestDemand(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration // between two picks
		picks int
		asked []int
	}{
		{"one", time.Hour, 1, []int{0}},
		{"one per second", time.Second, 5, []int{0, 0, 0, 0, 0}},
		{"two picks per quarter of a second", 125 * time.Millisecond, 5, []int{0, 2, 2}},
		{"batches grow to the maximum under load", time.Millisecond, 500, []int{0, 2, 4, 8, 16, 32, 64, 128, 128, 128}},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer := newPeerOfBatches(t)
			batches, clock, _ := newBatches(t, peer.URL, patient())
			drawn := map[int64]bool{}
			for range c.picks {
				drawn[mustDraw(t, batches, 1)[0]] = true
				clock.pass(c.every)
			}
			if got := peer.asked(); !slices.Equal(got, c.asked) {
				t.Errorf("the requested counts are %v, want %v", got, c.asked)
			}
			if len(drawn) != c.picks {
				t.Errorf("%d picks are distinct, want all %d: a pick was used twice", len(drawn), c.picks)
			}
		})
	}
}

func TestNothingIsFetchedWhenIdle(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, clock, _ := newBatches(t, peer.URL, patient())
	mustDraw(t, batches, 100)
	asked := len(peer.asked())
	clock.pass(time.Hour)
	time.Sleep(2 * supply)
	if got := len(peer.asked()); got != asked {
		t.Errorf("%d requests were sent while idle", got-asked)
	}
	mustDraw(t, batches, 1)
	if got := peer.asked(); got[len(got)-1] != 0 {
		t.Errorf("the counts requested after an idle hour are %v, want a single pick at the end", got)
	}
}

// If there are more callers than the maximum size of a batch, they are spread over several batches.
func TestMoreCallersThanTheMaximumBatch(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, _, _ := newBatches(t, peer.URL, patient())
	const callers = 2*catalog.MaxBatch + 100
	release := peer.hold()
	first, _ := drawTogether(t, batches, 1)
	await.True(t, "the peer gets the request", func() bool { return len(peer.asked()) == 1 })
	group, ids := drawTogether(t, batches, callers)
	await.True(t, "all callers are waiting", func() bool { return waiting(batches) == callers+1 })
	release()
	if err := errors.Join(first.Wait(), group.Wait()); err != nil {
		t.Fatal(err)
	}
	if got := slices.Compact(slices.Sorted(slices.Values(ids()))); len(got) != callers {
		t.Errorf("%d distinct picks for %d callers", len(got), callers)
	}
	if got := peer.asked(); len(got) != 4 || slices.Max(got) > catalog.MaxBatch {
		t.Errorf("the requested counts are %v", got)
	}
}

// The age of a pick is the age stated by the peer plus the time since the request was sent.
func TestPicksExpire(t *testing.T) {
	for _, c := range []struct {
		name   string
		stated time.Duration
		held   time.Duration
		kept   bool
	}{
		{"young enough", 0, 999 * time.Millisecond, true},
		{"held too long", 0, time.Second, false},
		{"young enough together", 600 * time.Millisecond, 399 * time.Millisecond, true},
		{"too old together", 600 * time.Millisecond, 400 * time.Millisecond, false},
		{"maximum stated age", time.Second, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer := newPeerOfBatches(t)
			peer.age.Store(c.stated.Milliseconds())
			batches, clock, _ := newBatches(t, peer.URL, patient())
			mustDraw(t, batches, 2) // the second request is for two picks, so one is left over
			requests := len(peer.asked())
			if got := unused(batches); got != 1 {
				t.Fatalf("%d picks are stored, want 1", got)
			}
			clock.pass(c.held)
			got := mustDraw(t, batches, 1)[0]
			if kept := got == 3; kept != c.kept || (len(peer.asked()) == requests) != c.kept {
				t.Errorf("picked id %d; the requested counts are %v", got, peer.asked())
			}
		})
	}
}

// The callers that were waiting when the request was sent get their picks from a slow response, as they would from a
// request for a single pick. The picks in a slow response are too old for callers that joined later, and too old to be
// stored.
func TestSlowResponse(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, clock, _ := newBatches(t, peer.URL, patient())
	mustDraw(t, batches, 7) // 1, 2, 4
	release := peer.hold()
	early, _ := drawTogether(t, batches, 1)
	await.True(t, "the peer gets a request for several picks", func() bool { return len(peer.asked()) == 4 && peer.asked()[3] == 8 })
	late, ids := drawTogether(t, batches, 1)
	await.True(t, "another caller joins", func() bool { return waiting(batches) == 2 })
	clock.pass(time.Second)
	release()
	if err := errors.Join(early.Wait(), late.Wait()); err != nil {
		t.Fatal(err)
	}
	if got := ids()[0]; got < 16 { // the responses up to and including the slow one contain the first 15 picks
		t.Errorf("the caller that joined later got pick %d from the slow response", got)
	}
}

// A nameless item ends a batch, but the items before it remain valid: heroes may serve a row with an empty name.
func TestBatchEndsBeforeItemWithoutName(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, _, _ := newBatches(t, peer.URL, patient())
	mustDraw(t, batches, 3)
	peer.Behave(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(httpserver.AgeHeader, "0")
		fakepeer.Answers(http.StatusOK, `[`+fakepeer.Hero+`,{"id":2}]`)(w, r)
	})
	if _, err := batches.Random(t.Context()); err != nil {
		t.Errorf("got %v, want the item before the nameless one", err)
	}
}

// If a batch fails, waiting callers get its error, and the next call sends a new request.
func TestBatchFails(t *testing.T) {
	age := func(age, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(httpserver.AgeHeader, age)
			fakepeer.Answers(http.StatusOK, body)(w, r)
		}
	}
	for _, c := range []struct {
		name      string
		behaviour http.HandlerFunc
		is        error
		says      string
	}{
		{"an empty catalog", fakepeer.Answers(http.StatusNotFound, `{"detail":"there is no hero yet"}`), catalog.ErrEmpty, ""},
		{"an unknown path", fakepeer.Answers(http.StatusNotFound, `{"detail":"Not Found"}`), nil, "no such path"},
		{"malformed", age("0", `[{"id":1`), nil, "can't decode"},
		{"an empty catalog's picks", age("0", `[]`), catalog.ErrEmpty, ""},
		{"a null item", age("0", `[null]`), nil, "no name"},
		{"a nameless first item", age("0", `[{"id":2},`+fakepeer.Hero+`]`), nil, "no name"},
		{"more items than requested", age("0", `[`+strings.Repeat(fakepeer.Hero+`,`, 200)+fakepeer.Hero+`]`), nil, "more"},
		{"too old", age("1001", `[`+fakepeer.Hero+`]`), nil, "old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer := newPeerOfBatches(t)
			batches, _, _ := newBatches(t, peer.URL, patient())
			mustDraw(t, batches, 3)
			peer.Behave(c.behaviour)
			if item, err := batches.Random(t.Context()); err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) || fight.IsTimeout(err) {
				t.Errorf("got %v and %v, want %v %q", item, err, c.is, c.says)
			}
			peer.Behave(peer.draw)
			mustDraw(t, batches, 10)
		})
	}
}

func TestBatchTooSlow(t *testing.T) {
	peer := newPeerOfBatches(t)
	cfg := patient()
	cfg.Read = 200 * time.Millisecond
	batches, _, _ := newBatches(t, peer.URL, cfg)
	mustDraw(t, batches, 3)
	peer.Behave(fakepeer.Hangs())
	if _, err := batches.Random(t.Context()); !fight.IsTimeout(err) {
		t.Errorf("no response: got %v, want a timeout", err)
	}
	peer.Behave(fakepeer.Dribbles(strings.Repeat(" ", 5000), 20*time.Millisecond))
	if _, err := batches.Random(t.Context()); !fight.IsTimeout(err) {
		t.Errorf("a body sent too slowly: got %v, want a timeout", err)
	}
}

// A request continues when no caller is waiting for it any more: its connection is reused, its picks serve other
// callers, and its success counts for the circuit breaker.
func TestAbandonedRequestContinues(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, _, _ := newBatches(t, peer.URL, withBreaker(time.Hour))
	mustDraw(t, batches, 7)                                                                             // the next batch has 8 picks
	for _, cause := range []error{nil, context.Canceled, nil, errors.New("another peer failed"), nil} { // more than the breaker's limit of consecutive failures
		release := peer.hold()
		leave(t, batches, peer.Peer, 1, cause)
		release()
		batches.client.ended(t)
		await.True(t, "the picks are stored", func() bool { return unused(batches) > 0 })
		asked := len(peer.asked())
		mustDraw(t, batches, unused(batches))
		if got := len(peer.asked()); got != asked {
			t.Errorf("%d requests were sent even though picks were stored", got-asked)
		}
	}
	if opened, open := peer.Connections(); opened != 1 || open != 1 || peer.Cancelled() != 0 {
		t.Errorf("%d connections were opened, %d are open and %d requests were canceled, want 1, 1 and 0", opened, open, peer.Cancelled())
	}
}

// If a batch hangs during a burst of callers, the batches queued after it are still requested, even if several
// batches hang.
func TestEachLateRequestIsOvertaken(t *testing.T) {
	peer := newPeerOfBatches(t)
	held := newGate(t)
	var requests atomic.Int32
	peer.Behave(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= 2 {
			held.before(peer.draw)(w, r)
			return
		}
		peer.draw(w, r)
	})
	batches := NewBatches(newClient(t, peer.URL, patient()), discard()) // overtaking takes real time
	first, _ := drawTogether(t, batches, 1)
	await.True(t, "the peer gets the request", func() bool { return held.held.Load() == 1 })
	const behind = 10
	burst, ids := drawTogether(t, batches, catalog.MaxBatch+behind)
	await.True(t, "the second request hangs too", func() bool { return held.held.Load() == 2 })
	await.True(t, "the callers of the next batch got their picks", func() bool { return len(ids()) >= behind })
	close(held.open)
	if err := errors.Join(first.Wait(), burst.Wait()); err != nil {
		t.Error(err)
	}
}

// No caller waits for a hanging peer beyond the caller's own deadline. Afterwards, no batch remains and, as TestMain
// checks, no goroutine is left running.
func TestHangingPeerLeavesNothingBehind(t *testing.T) {
	peer := fakepeer.New(t, fakepeer.Hangs())
	cfg := patient()
	cfg.Connect, cfg.Read = 200*time.Millisecond, 200*time.Millisecond
	batches := NewBatches(newClient(t, peer.URL, cfg), discard())
	var hasty errgroup.Group
	for range 2*catalog.MaxBatch + 50 {
		hasty.Go(func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if _, err := batches.Random(ctx); !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("a caller with a short deadline got %w", err)
			}
			return nil
		})
	}
	if err := hasty.Wait(); err != nil {
		t.Error(err)
	}
	await.True(t, "all batches are gone", func() bool {
		batches.mu.Lock()
		defer batches.mu.Unlock()
		return len(batches.queue) == 0 && batches.inFlight == nil && !batches.fetching
	})
	batches.client.ended(t)
}

func TestBatchBreaker(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, _, _ := newBatches(t, peer.URL, withBreaker(time.Hour))
	mustDraw(t, batches, 3)
	peer.Behave(fakepeer.BreaksOff(""))
	for range 3 {
		if _, err := batches.Random(t.Context()); err == nil || errors.Is(err, fight.ErrOpen) {
			t.Fatalf("before the breaker opens: got %v", err)
		}
	}
	if _, err := batches.Random(t.Context()); !errors.Is(err, fight.ErrOpen) {
		t.Errorf("got %v, want %v", err, fight.ErrOpen)
	}
}

// Other implementations and older versions of our services lack the path for batches, treat it as an id, or return
// something else.
func TestPeerWithoutBatches(t *testing.T) {
	for _, c := range []struct {
		name     string
		to       http.HandlerFunc // handles requests for batches
		requests int              // expected for 10 picks
	}{
		{"one object", fakepeer.Answers(http.StatusOK, strings.Replace(fakepeer.Hero, "otherName", "othername", 1)), 10},
		{"an array without an age header", fakepeer.Answers(http.StatusOK, "["+fakepeer.Hero+","+fakepeer.Hero+"]"), 10},
		{"404", fakepeer.Answers(http.StatusNotFound, `{"detail":"Not Found"}`), 11},
		{"our own 404", fakepeer.Answers(http.StatusNotFound, `{"detail":"`+httpserver.UnknownPath+`"}`), 11},
		{"404 without a body", fakepeer.Answers(http.StatusNotFound, ""), 11},
		{"422, as for an invalid id", fakepeer.Answers(http.StatusUnprocessableEntity, `{"detail":"path.id must be a plain decimal integer"}`), 11},
		{"400", fakepeer.Answers(http.StatusBadRequest, "{}"), 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			peer := fakepeer.New(t, fakepeer.DrawsOne(fakepeer.Hero, c.to))
			batches, clock, log := newBatches(t, peer.URL, withBreaker(time.Hour))
			for range 10 {
				if got, err := batches.Random(t.Context()); err != nil || got != yoda() {
					t.Fatalf("got %v and %v", got, err)
				}
			}
			if got := peer.Requests(); got != c.requests {
				t.Errorf("%d requests, want %d", got, c.requests)
			}
			if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "peer=heroes") {
				t.Errorf("it logged:\n%s", log)
			}
			clock.pass(singleTime)
			mustDraw(t, batches, 10)
			if got := strings.Count(log.String(), "\n"); got != 1 {
				t.Errorf("later it logged:\n%s", log)
			}
			able := newPeerOfBatches(t)
			peer.Behave(able.draw)
			clock.pass(singleTime)
			mustDraw(t, batches, 100)
			if got := len(able.asked()); got > 20 {
				t.Errorf("%d requests for 100 picks were sent to a replacement that supports batches", got)
			}
		})
	}
}

// While callers are waiting for a batch, the peer is upgraded and rolled back: no caller fails, batches are used
// whenever they are supported, and missing support is logged once.
func TestPeerIsReplacedByAnotherVersion(t *testing.T) {
	able := newPeerOfBatches(t)
	older := fakepeer.DrawsOne(fakepeer.Hero, fakepeer.Answers(http.StatusUnprocessableEntity, `{"detail":"path.id"}`))
	none := fakepeer.DrawsOne(fakepeer.Hero, fakepeer.Answers(http.StatusNotFound, `{"detail":"Not Found"}`))
	single := fakepeer.Answers(http.StatusOK, fakepeer.Hero)
	steps := []struct {
		name      string
		behaviour http.HandlerFunc
		batches   bool
	}{{"404", none, false}, {"there", able.draw, true}, {"rolled back", older, false}, {"there again", able.draw, true}, {"one object", single, false}}
	peer := fakepeer.New(t, able.draw)
	batches, clock, log := newBatches(t, peer.URL, withBreaker(time.Hour))
	mustDraw(t, batches, 50)
	for _, step := range steps {
		clock.pass(singleTime) // makes the remaining picks too old
		held := newGate(t)
		peer.Behave(held.before(step.behaviour))
		group, ids := drawTogether(t, batches, 5)
		await.True(t, step.name+": all callers are waiting", func() bool { return held.held.Load() == 1 && waiting(batches) == 5 })
		close(held.open)
		if err := group.Wait(); err != nil || len(ids()) != 5 {
			t.Fatalf("%s: %d of 5 callers got a pick: %v", step.name, len(ids()), err)
		}
		before := peer.Requests()
		mustDraw(t, batches, 100)
		if asked := peer.Requests() - before; (asked < 50) != step.batches {
			t.Errorf("%s: %d requests were sent for 100 picks", step.name, asked)
		}
	}
	if got := strings.Count(log.String(), "\n"); got != 1 {
		t.Errorf("it logged:\n%s", log)
	}
}

func TestPanicInABatch(t *testing.T) {
	peer := newPeerOfBatches(t)
	batches, _, _ := newBatches(t, peer.URL, patient())
	mustDraw(t, batches, 1)
	batches.client.decoder.fields = func(*character.Character) []any { panic("kryptonite") }
	if _, err := batches.Random(t.Context()); err == nil || !strings.Contains(err.Error(), "kryptonite") {
		t.Errorf("got %v, want the panic", err)
	}
}

// BenchmarkPick measures the cost of using a stored pick, the usual case under load.
func BenchmarkPick(b *testing.B) {
	batches := NewBatches[character.Character](nil, discard())
	full := make([]character.Character, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		if len(batches.picks) == 0 {
			batches.picks, batches.expires = full, time.Now().Add(time.Hour)
		}
		if _, err := batches.Random(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
