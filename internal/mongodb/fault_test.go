package mongodb

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/test/engines"
)

// behind opens a store that reaches its server through a proxy, and a second one on the same database without it.
func behind(t *testing.T, options string, grouped bool, decide func(nth int) fate) (store, direct *Fights, p *proxy) {
	t.Helper()
	address := engines.MongoDB(t)
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p = startProxy(t, parsed.Host, decide)
	parsed.Host, parsed.RawQuery = p.Addr(), options
	return openAs(t, parsed.String(), grouped), openFights(t, address), p
}

// The requested write concern is visible on the wire, whatever the URL says. Whether the server honours it is up to
// MongoDB: the server in these tests may be FerretDB, which proves nothing about it.
func TestInsertAsksForMajorityAndJournal(t *testing.T) {
	for name, options := range map[string]string{"plain URL": "", "w=0 in the URL": "w=0", "no journal in the URL": "w=1&journal=false"} {
		t.Run(name, func(t *testing.T) {
			store, _, p := behind(t, options, false, func(int) fate { return deliver })
			f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
			if err := store.Insert(t.Context(), f, f.AppendJSON(nil)); err != nil {
				t.Fatal(err)
			}
			sent := p.sent()
			if len(sent) != 1 {
				t.Fatalf("%d inserts were sent", len(sent))
			}
			_, concern, found := bytes.Cut(sent[0], []byte("\x03writeConcern\x00")) // BSON: a document named writeConcern
			if !found {
				t.Fatalf("no write concern in %q", sent[0])
			}
			var asked struct {
				W any  `bson:"w"`
				J bool `bson:"j"`
			}
			if err := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(concern))).Decode(&asked); err != nil {
				t.Fatal(err)
			}
			if asked.W != "majority" || !asked.J {
				t.Errorf("requested %+v, want majority and journal", asked)
			}
		})
	}
}

func TestInsertThroughFaults(t *testing.T) {
	t.Parallel()
	first := func(what fate) func(int) fate {
		return func(nth int) fate {
			if nth == 0 {
				return what
			}
			return deliver
		}
	}
	always := func(what fate) func(int) fate { return func(int) fate { return what } }
	const stored, open = "stored", "open" // what Insert returns
	// After a broken connection the driver waits half a second before it retries a server.
	const ample = time.Minute
	tests := []struct {
		name   string
		decide func(int) fate
		says   string
		kept   int
		sent   int
	}{
		{"no fault", always(deliver), stored, 1, 1},
		{"cut before it was sent", first(cutBefore), stored, 1, 2},
		{"cut within the command", first(cutWithin), stored, 1, 2},
		{"cut before the response: the retry reports a duplicate", first(cutAfter), stored, 1, 2},
		{"cut within the response", first(cutAnswer), stored, 1, 2},
		{"always cut before it is sent", always(cutBefore), open, 0, 3},
		{"always cut before the response", always(cutAfter), open, 1, 3},
		{"cut before the response, then before it is sent", func(nth int) fate { return []fate{cutAfter, cutBefore, cutBefore}[nth] }, open, 1, 3},
		{"cut before it is sent, then before the response", func(nth int) fate { return []fate{cutBefore, cutAfter, deliver}[nth] }, stored, 1, 3},
		{"no response arrives", always(stallAfter), open, 1, 1},
		{"nothing gets through", always(stallBefore), open, 0, 1},
	}
	for kind, grouped := range kinds() {
		for _, test := range tests {
			t.Run(kind+"/"+test.name, func(t *testing.T) {
				t.Parallel() // they mostly wait
				store, direct, p := behind(t, "", grouped, test.decide)
				ctx, cancel := context.WithTimeout(t.Context(), ample)
				defer cancel()
				go func() {
					select {
					case <-p.stalls: // nothing more will happen: the client gives up
						cancel()
					case <-ctx.Done():
					}
				}()
				f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
				err := store.Insert(ctx, f, f.AppendJSON(nil))
				if test.says == stored && err != nil || test.says == open && !errors.Is(err, fight.ErrMaybeStored) {
					t.Errorf("Insert returned %v, want %s", err, test.says)
				}
				fighttest.Truthful(t, direct, f, err)
				if all := fighttest.Everything(t, direct); len(all) != test.kept {
					t.Errorf("%d fights are stored, want %d", len(all), test.kept)
				}
				if sent := len(p.sent()); sent != test.sent {
					t.Errorf("sent %d times, want %d", sent, test.sent)
				}
			})
		}
	}
}

// Many clients and faults at random inserts: every result is true, and no fight is stored twice.
func TestInsertThroughRandomFaults(t *testing.T) {
	t.Parallel()
	for kind, grouped := range kinds() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel() // they mostly wait
			insertThroughRandomFaults(t, grouped)
		})
	}
}

func insertThroughRandomFaults(t *testing.T, grouped bool) {
	store, direct, _ := behind(t, "", grouped, func(int) fate {
		if rand.IntN(3) > 0 {
			return deliver
		}
		return fate(rand.IntN(int(fates)))
	})
	ids := fight.NewIDs(fight.ID{})
	var all []fight.Fight
	acknowledged, left := 0, 0
	// One stalled connection can hold up a whole burst of a group.
	for bursts := 0; bursts < 10 && (acknowledged == 0 || left == 0); bursts++ {
		fights, said := burst(t, store, ids)
		for i, f := range fights {
			fighttest.Truthful(t, direct, f, said[i])
			switch {
			case said[i] == nil:
				acknowledged++
			case errors.Is(said[i], fight.ErrMaybeStored):
				left++
			}
		}
		all = append(all, fights...)
	}
	stored := fighttest.Everything(t, direct)
	t.Logf("%d acknowledged, %d uncertain, %d refused; %d stored", acknowledged, left, len(all)-acknowledged-left, len(stored))
	if len(stored) < acknowledged || len(stored) > acknowledged+left {
		t.Errorf("%d stored, want from %d to %d", len(stored), acknowledged, acknowledged+left)
	}
	for i := 1; i < len(stored); i++ {
		if bytes.Compare(stored[i-1].ID[:], stored[i].ID[:]) <= 0 {
			t.Errorf("%s is stored twice or out of order", stored[i].ID)
		}
	}
	if acknowledged == 0 || left == 0 {
		t.Error("the faults had no effect")
	}
}

// burst inserts fights from several goroutines with short deadlines, and returns the results.
func burst(t *testing.T, store fight.Store, ids *fight.IDs) ([]fight.Fight, []error) {
	const workers, each = 6, 20
	fights, said := make([]fight.Fight, workers*each), make([]error, workers*each)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker * each; i < (worker+1)*each; i++ {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				fights[i] = fighttest.NewFight(ids)
				said[i] = store.Insert(ctx, fights[i], fights[i].AppendJSON(nil))
				cancel()
			}
		})
	}
	group.Wait()
	return fights, said
}
