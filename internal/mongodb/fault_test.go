package mongodb

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/test/engines"
	"superheroes/test/mongowire"
	"superheroes/test/tcpproxy"
)

// behind starts a proxy in front of a server, and returns the proxy and a URL that reaches the server through it.
func behind(t *testing.T, address string) (*mongowire.Proxy, string) {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p := mongowire.Start(t, parsed.Host)
	parsed.Host = p.Addr()
	return p, parsed.String()
}

// openBehind opens two stores on the same database: one that reaches the server through a proxy, and one that connects
// directly.
func openBehind(t *testing.T, grouped bool) (store, direct *Fights, p *mongowire.Proxy) {
	t.Helper()
	address := engines.MongoDB(t)
	p, through := behind(t, address)
	return openAs(t, through, grouped), openAs(t, address, false), p
}

// decideInserts makes the proxy apply decide to every insert command, and returns a counter of these commands.
func decideInserts(p *mongowire.Proxy, decide func(nth int) mongowire.Fate) *atomic.Int32 {
	sent := new(atomic.Int32)
	p.Decide(func(command bson.Raw) mongowire.Fate {
		if command.Index(0).Key() != "insert" {
			return mongowire.Delivered
		}
		return decide(int(sent.Add(1)) - 1)
	})
	return sent
}

// Writes wait until a majority of the servers have journaled them, and statistics are read from the primary with
// majority read concern, even if the URL says otherwise. The test can't check that the server honors these settings,
// since the server may be FerretDB rather than MongoDB.
func TestConcerns(t *testing.T) {
	for _, options := range []string{
		"", "?w=0", "?readPreference=secondaryPreferred&w=1&journal=false&readConcernLevel=local",
	} {
		p, through := behind(t, engines.MongoDB(t))
		at := openCounted(t, through+options)
		var mu sync.Mutex
		seen := map[string]bool{}
		p.Decide(func(command bson.Raw) mongowire.Fate {
			mu.Lock()
			defer mu.Unlock()
			name, want := command.Index(0).Key(), ""
			switch name {
			case "find":
				want = `"readConcern": {"level": "majority"}`
			case "insert", "update", "delete":
				want = `"writeConcern": {"w": "majority","j": true}`
			}
			text := command.String()
			if !strings.Contains(text, want) || strings.Contains(text, "secondaryPreferred") {
				t.Errorf("with the options %q in the URL, the command lacks %s: %s", options, want, text)
			}
			seen[name] = true
			return mongowire.Delivered
		})
		statisticstest.Insert(t, at.fights, statisticstest.Fights(5)...)
		statisticstest.CountAll(t, at.store)
		if _, err := at.store.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		for _, name := range []string{"find", "insert", "update", "delete"} {
			if !seen[name] {
				t.Errorf("the client sent no %s command, only %v", name, seen)
			}
		}
		mu.Unlock()
	}
}

// said returns the name of the result that Insert reports by returning err.
func said(err error) string {
	switch {
	case err == nil:
		return "stored"
	case errors.Is(err, fight.ErrMaybeStored):
		return "open"
	}
	return "refused"
}

// asDocuments encodes fights as a group commit would pass them to the store.
func asDocuments(fights []fight.Fight) (batch []fight.Document) {
	for _, f := range fights {
		batch = append(batch, fight.Document{ID: f.ID, Bytes: appendDocument(nil, f)})
	}
	return batch
}

// Network faults occur during the insertion of a batch that contains an already stored fight and a duplicate.
func TestInsertThroughFaults(t *testing.T) {
	t.Parallel()
	const all = 3 // number of new fights in the batch
	for name, c := range map[string]struct {
		fates []mongowire.Fate // how the proxy treats each insert; the last entry applies to all later ones
		says  string           // result of every fight; "" if only the two duplicates are refused
		kept  int              // number of fights stored, not counting the one stored before
		sent  int32
	}{
		"no fault":                                         {[]mongowire.Fate{mongowire.Delivered}, "", all, 1},
		"connection cut before the command":                {[]mongowire.Fate{mongowire.CutBefore, mongowire.Delivered}, "stored", all, 2},
		"connection cut within the command":                {[]mongowire.Fate{mongowire.CutWithin, mongowire.Delivered}, "stored", all, 2},
		"connection cut before the response":               {[]mongowire.Fate{mongowire.CutAfter, mongowire.Delivered}, "stored", all, 2},
		"connection cut within the response":               {[]mongowire.Fate{mongowire.CutAnswer, mongowire.Delivered}, "stored", all, 2},
		"connection cut before the command, then after it": {[]mongowire.Fate{mongowire.CutBefore, mongowire.CutAfter, mongowire.Delivered}, "stored", all, 3},
		"connection always cut before the command":         {[]mongowire.Fate{mongowire.CutBefore}, "open", 0, 3},
		"connection always cut before the response":        {[]mongowire.Fate{mongowire.CutAfter}, "open", all, 3},
		"no response arrives":                              {[]mongowire.Fate{mongowire.StallAfter}, "open", all, 1},
		"nothing gets through":                             {[]mongowire.Fate{mongowire.StallBefore}, "open", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the driver waits for half a second before it retries a server
			store, direct, p := openBehind(t, false)
			batch := fighttest.Fights(1 + all)
			if err := direct.Insert(t.Context(), batch[1], nil); err != nil {
				t.Fatal(err)
			}
			sent := decideInserts(p, func(nth int) mongowire.Fate { return c.fates[min(nth, len(c.fates)-1)] })
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			go func() {
				select {
				case <-p.Stalled: // the connection is stalled, so nothing more will happen: the client gives up
					cancel()
				case <-ctx.Done():
				}
			}()
			batch = append(batch, batch[2])
			for i, err := range store.write(ctx, asDocuments(batch)) {
				want := c.says
				if want == "" {
					want = []string{"stored", "refused", "stored", "stored", "refused"}[i]
				}
				if said(err) != want {
					t.Errorf("fight %d is %s, want %s: %v", i, said(err), want, err)
				}
			}
			if stored := len(fighttest.Everything(t, direct)); stored != 1+c.kept || sent.Load() != c.sent {
				t.Errorf("%d fights are stored, want %d; sent %d times, want %d", stored, 1+c.kept, sent.Load(), c.sent)
			}
		})
	}
}

// Many clients insert fights while faults hit random inserts: every result is correct, and no fight is stored twice.
func TestInsertThroughRandomFaults(t *testing.T) {
	t.Parallel()
	for kind, grouped := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel() // the subtests spend most of their time waiting
			insertThroughRandomFaults(t, grouped)
		})
	}
}

func insertThroughRandomFaults(t *testing.T, grouped bool) {
	store, direct, p := openBehind(t, grouped)
	decideInserts(p, func(int) mongowire.Fate {
		if rand.IntN(3) > 0 {
			return mongowire.Delivered
		}
		return rand.N(mongowire.Fates)
	})
	ids := fight.NewIDs(fight.ID{})
	all, acknowledged, left := 0, 0, 0
	// A single stalled connection can hold up a whole burst of inserts if the store groups them.
	for bursts := 0; bursts < 10 && (acknowledged == 0 || left == 0); bursts++ {
		fights, results := burst(t, store, ids)
		for i, f := range fights {
			fighttest.Truthful(t, direct, f, results[i])
			switch said(results[i]) {
			case "stored":
				acknowledged++
			case "open":
				left++
			}
		}
		all += len(fights)
	}
	stored := fighttest.Everything(t, direct)
	t.Logf("%d acknowledged, %d uncertain, %d refused; %d stored", acknowledged, left, all-acknowledged-left, len(stored))
	if len(stored) < acknowledged || len(stored) > acknowledged+left {
		t.Errorf("the store holds %d fights, want from %d to %d", len(stored), acknowledged, acknowledged+left)
	}
	for i := 1; i < len(stored); i++ {
		if bytes.Compare(stored[i-1].ID[:], stored[i].ID[:]) <= 0 {
			t.Errorf("fight %s is stored twice or out of order", stored[i].ID)
		}
	}
	if acknowledged == 0 || left == 0 {
		t.Error("want both acknowledged inserts and inserts with uncertain results")
	}
}

// burst inserts fights concurrently with short deadlines, and returns the fights and their results.
func burst(t *testing.T, store fight.Store, ids *fight.IDs) ([]fight.Fight, []error) {
	const workers, each = 6, 20
	fights, results := make([]fight.Fight, workers*each), make([]error, workers*each)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker * each; i < (worker+1)*each; i++ {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				fights[i] = fighttest.NewFight(ids)
				results[i] = store.Insert(ctx, fights[i], nil)
				cancel()
			}
		})
	}
	group.Wait()
	return fights, results
}

// A client that gives up on a read doesn't cost a connection, however slow the server is, because the read runs to
// completion. (If the read fails because its deadline has passed, the driver itself keeps the connection.)
func TestAbandonedReadsCostNoConnections(t *testing.T) {
	const rounds, each = 5, 5
	address := engines.MongoDB(t)
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	var opened atomic.Int32
	proxy := tcpproxy.Start(t, parsed.Host, func() (up, down tcpproxy.Relay) {
		opened.Add(1)
		return tcpproxy.All()
	})
	parsed.Host = proxy.Addr()
	store := openAs(t, parsed.String(), false)
	f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
	if err := store.Insert(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	reads := map[string]func(context.Context) error{
		"Get":   func(ctx context.Context) error { _, err := store.Get(ctx, f.ID); return err },
		"Page":  func(ctx context.Context) error { _, err := store.Page(ctx, fight.MaxID(), 5); return err },
		"Count": func(ctx context.Context) error { _, err := store.Count(ctx); return err },
	}
	before := opened.Load()
	for name, read := range reads {
		for range rounds {
			proxy.Become(tcpproxy.Hangs)
			for range each {
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Millisecond, leave)
				if err := read(ctx); !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", name, err)
				}
			}
			proxy.Become(tcpproxy.Passes)
			if err := read(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	// One connection for each concurrent read, and one or two that the driver uses to monitor the server.
	if n := opened.Load() - before; n > 2*each {
		t.Errorf("the driver opened %d connections for %d abandoned reads", n, rounds*each*len(reads))
	}
	t.Logf("%d connections", opened.Load()-before)
}
