package mongodb

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/fight"
	"superheroes/internal/statistics"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/test/engines"
)

// testBatch is a small batch size, so that even a few fights take long enough for several batches: tests store few
// fights because FerretDB reads all of them in each step.
const testBatch = 40

// counted holds the stores of fights and statistics in a database.
type counted struct {
	fights *Fights
	store  *Statistics
}

func openCounted(tb testing.TB, address string) counted {
	tb.Helper()
	fights := openAs(tb, address, true)
	return counted{fights, openStatistics(tb, fights.Database())}
}

// openStatistics opens another statistics store on the same database, as another process would.
func openStatistics(tb testing.TB, database *mongo.Database) *Statistics {
	tb.Helper()
	store, err := NewStatistics(tb.Context(), database)
	if err != nil {
		tb.Fatal(err)
	}
	store.batchSize = testBatch
	return store
}

// observed connects to the database at the URL, and calls started before and ended after each command.
func observed(tb testing.TB, address string, started func(context.Context, bson.Raw), ended func()) *mongo.Database {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(address).SetMonitor(&event.CommandMonitor{
		Started:   func(ctx context.Context, e *event.CommandStartedEvent) { started(ctx, e.Command) },
		Succeeded: func(context.Context, *event.CommandSucceededEvent) { ended() },
		Failed:    func(context.Context, *event.CommandFailedEvent) { ended() },
	}))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(tb.Context())) })
	return client.Database(strings.Trim(parsed.Path, "/"))
}

// oneByOne returns a database whose commands run one at a time, since FerretDB doesn't lock a document while it reads,
// changes and writes it.
func oneByOne(tb testing.TB, address string) *mongo.Database {
	tb.Helper()
	var turn sync.Mutex
	return observed(tb, address, func(context.Context, bson.Raw) { turn.Lock() }, turn.Unlock)
}

func TestStatistics(t *testing.T) {
	statisticstest.Run(t, func(tb testing.TB) statisticstest.Place {
		address := engines.MongoDB(tb)
		database := oneByOne(tb, address)
		return statisticstest.Place{
			Fights: openAs(tb, address, true), Batch: testBatch,
			Open: func() statistics.Store { return openStatistics(tb, database) },
		}
	})
}

// Statistics stay exact although two counters, whose commands run in random order, are killed and restarted at random
// commands while fights are stored.
func TestKilledCounters(t *testing.T) {
	type killed struct{} // context key of the function that cancels the context
	address, fights := engines.MongoDB(t), statisticstest.Fights(60)
	var turn sync.Mutex
	kills := 0
	database := observed(t, address, func(ctx context.Context, _ bson.Raw) {
		turn.Lock()
		if kill, ok := ctx.Value(killed{}).(context.CancelFunc); ok && rand.N(15) == 0 {
			kills++
			kill()
		}
	}, turn.Unlock)
	at := counted{openAs(t, address, true), openStatistics(t, database)}
	stored, stop := context.WithCancel(t.Context())
	defer stop()
	var counters sync.WaitGroup
	for range 2 {
		counters.Go(func() {
			for stored.Err() == nil {
				restarted := newStatistics(database)
				restarted.batchSize = 4
				ctx, kill := context.WithCancel(t.Context())
				ctx = context.WithValue(ctx, killed{}, kill)
				for ctx.Err() == nil {
					if _, err := restarted.Count(ctx); err != nil && ctx.Err() == nil {
						t.Error(err)
						kill()
					}
				}
			}
		})
	}
	for few := range slices.Chunk(fights, 5) {
		statisticstest.Insert(t, at.fights, few...)
		time.Sleep(50 * time.Millisecond) // several batches
	}
	stop()
	counters.Wait()
	statisticstest.CountAll(t, at.store)
	statisticstest.Exact(t, at.store, fights)
	left, err := at.store.batches.CountDocuments(t.Context(), bson.D{})
	if err != nil || left != 0 || kills == 0 {
		t.Errorf("%d frozen batches are left (%v) after %d kills", left, err, kills)
	}
	t.Logf("%d kills", kills)
}

// foreignFights returns documents of other applications: three that the fight store considers fights, only one of them
// readable, and others that are not fights. Some are marked as counted by an older version, which considered every
// document a fight.
func foreignFights() []bson.D {
	changes := []bson.E{
		{Key: "fight_date", Value: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)},
		{Key: "winner_team", Value: "heroes"}, {Key: "winner_name", Value: "copied"},
	}
	return append([]bson.D{
		fightBy("9b2e1f2e-0c3a-4c3a-8d10-000000000001", changes...),
		fightBy("9b2e1f2e-0c3a-4c3a-8d10-000000000002", append(changes, bson.E{Key: "villain", Value: nil})...),
		{{Key: "_id", Value: "9b2e1f2e-0c3a-4c3a-8d10-000000000003"}},
	}, foreign()...)
}

// exactBeside checks that the statistics count our fights and foreignFights, and nothing else.
func exactBeside(t *testing.T, at counted, ours []fight.Fight) {
	t.Helper()
	read, err := at.store.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, others := statisticstest.Expect(ours), int64(3)
	n, err := at.fights.Count(t.Context())
	if read.Total != want.Total+others || read.Heroes != want.Heroes+1 || read.Villains != want.Villains ||
		read.Unreadable() != 2 || read.Since.Year() != 2020 || n != read.Total || err != nil {
		t.Errorf("with %d fights (%v), the statistics are %+v; want %+v plus the foreign fights", n, err, read, want)
	}
}

// Of the documents stored by other applications, the statistics count exactly those listed as fights, whenever they are
// stored, and report each unreadable fight once. A rebuild corrects statistics of an older version, which marked and
// counted every document.
func TestOtherFights(t *testing.T) {
	ctx := t.Context()
	at, fights := openCounted(t, engines.MongoDB(t)), statisticstest.Fights(30)
	others, reports := foreignFights(), map[string]int{}
	for _, half := range []struct {
		others []bson.D
		ours   []fight.Fight
	}{{others[:5], fights[:15]}, {others[5:], fights[15:]}} {
		if _, err := at.store.fights.InsertMany(ctx, half.others); err != nil {
			t.Fatal(err)
		}
		statisticstest.Insert(t, at.fights, half.ours...)
		for more := true; more; {
			progress, err := at.store.Count(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range progress.Unreadable {
				reports[row.ID]++
			}
			more = progress.More
		}
	}
	exactBeside(t, at, fights)
	if len(reports) != 2 || reports["9b2e1f2e-0c3a-4c3a-8d10-000000000002"] != 1 {
		t.Errorf("the counts reported these unreadable fights: %v", reports)
	}
	marked, err := at.store.fights.CountDocuments(ctx, bson.M{markField: bson.M{"$exists": true}})
	if err != nil || marked != int64(len(fights)+3) {
		t.Errorf("%d documents are marked (%v), want only the fights", marked, err)
	}
	if report, err := at.store.Rebuild(ctx); err != nil || report.Differed() {
		t.Errorf("a rebuild with nothing to correct returned %+v, %v", report, err)
	}

	_, markErr := at.store.fights.UpdateMany(ctx, bson.M{markField: nil}, bson.M{"$set": bson.M{markField: int64(1)}})
	_, countErr := at.store.state.UpdateOne(ctx, bson.M{}, bson.M{"$inc": bson.M{"total": int64(7), "heroes": int64(6)}})
	if err := errors.Join(markErr, countErr); err != nil {
		t.Fatal(err)
	}
	if report, err := at.store.Rebuild(ctx); err != nil || report.Total.Total-report.Corrected.Total != 7 {
		t.Errorf("%+v, %v", report, err)
	}
	exactBeside(t, at, fights)
}

// The totals and a frozen batch are stored in the format that other versions of the program read and write.
func TestLayout(t *testing.T) {
	since := bson.E{Key: "since", Value: time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)}
	sums := bson.D{{Key: "total", Value: int64(3)}, {Key: "heroes", Value: int64(1)}, {Key: "villains", Value: int64(2)}}
	frozen := append(append(bson.D{{Key: "_id", Value: int64(7)}, {Key: "fights", Value: bson.A{"an id"}}}, sums...), since,
		bson.E{Key: "set_since", Value: true},
		bson.E{Key: "winners", Value: bson.A{
			bson.D{{Key: "name", Value: "Yoda"}, {Key: "team", Value: "heroes"}, {Key: "wins", Value: int64(1)}},
		}},
		bson.E{Key: "places", Value: bson.A{bson.D{{Key: "name", Value: "Gotham City"}, {Key: "fights", Value: int64(3)}}}})
	totals := append(bson.D{{Key: "_id", Value: "state"}, {Key: "done", Value: int64(7)}}, sums...)
	for _, c := range []struct {
		document bson.D
		into     any
	}{{frozen, &batch{}}, {totals, &state{}}, {append(totals, since), &state{}}} {
		raw, err := bson.Marshal(c.document)
		if err != nil {
			t.Fatal(err)
		}
		if err := bson.Unmarshal(raw, c.into); err != nil {
			t.Error(err)
		}
		if again, err := bson.Marshal(c.into); err != nil || !bytes.Equal(raw, again) {
			t.Errorf("decoded %s\nencoded %s, %v", bson.Raw(raw), bson.Raw(again), err)
		}
	}
}

// TestSlowServer cancels each call after a few commands, as if the server took longer to count a batch than a caller
// waits. Together, the calls still count all fights.
func TestSlowServer(t *testing.T) {
	const perCall, most = 8, 100
	address := engines.MongoDB(t)
	var commands int
	var giveUp context.CancelFunc
	database := observed(t, address, func(context.Context, bson.Raw) {
		if commands++; commands > perCall && giveUp != nil {
			giveUp()
		}
	}, func() {})
	at, fights := openCounted(t, address), statisticstest.Fights(3*updatesPerCommand)
	statisticstest.Insert(t, at.fights, fights...)
	slow := openStatistics(t, database)
	slow.batchSize = maxBatch
	calls := 0
	for counted := 0; counted < len(fights); calls++ {
		if calls == most {
			t.Fatalf("%d canceled calls did not finish counting", most)
		}
		var ctx context.Context
		ctx, giveUp = context.WithCancel(t.Context())
		commands = 0
		progress, err := slow.Count(ctx)
		giveUp()
		if err == nil {
			counted += progress.Counted
		}
	}
	if calls < 3 {
		t.Errorf("%d calls counted all fights, so none was canceled", calls)
	}
	statisticstest.Exact(t, at.store, fights)
}

// A rebuild restores lost statistics, even if only the marks of the fights are left.
func TestRebuild(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	at, fights := openCounted(t, engines.MongoDB(t)), statisticstest.Fights(50)
	s := at.store
	set := func(in *mongo.Collection, field string, value any) error {
		_, err := in.UpdateOne(ctx, bson.M{}, bson.M{"$set": bson.M{field: value}})
		return err
	}
	stored := 20
	statisticstest.Insert(t, at.fights, fights[:stored]...)
	statisticstest.CountAll(t, s)
	for _, c := range []struct {
		name  string
		spoil func() error
	}{
		{"the totals", func() error { return set(s.state, "total", int64(7)) }},
		{"a winner", func() error { return set(s.winners, "wins", int64(99)) }},
		{"a winner with no wins", func() error {
			nobody := bson.M{"_id": "heroes/nobody", "name": "nobody", "team": "heroes", "wins": int64(5), "batch": int64(1)}
			_, err := s.winners.InsertOne(ctx, nobody)
			return err
		}},
		{"no places", func() error { return s.places.Drop(ctx) }},
		{"the first date", func() error { return set(s.state, "since", time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) }},
		{"no statistics at all", func() error {
			return errors.Join(s.state.Drop(ctx), s.winners.Drop(ctx), s.places.Drop(ctx), s.batches.Drop(ctx))
		}},
	} {
		if err := c.spoil(); err != nil {
			t.Fatal(err)
		}
		statisticstest.Insert(t, at.fights, fights[stored:stored+5]...)
		stored += 5
		statisticstest.CountAll(t, s)
		report, err := s.Rebuild(ctx)
		if err != nil || !report.Differed() {
			t.Errorf("%s: %+v, %v", c.name, report, err)
		}
		statisticstest.Exact(t, s, fights[:stored])
		if report, err := s.Rebuild(ctx); err != nil || report.Differed() {
			t.Errorf("%s: the second rebuild returned %+v, %v", c.name, report, err)
		}
	}
}

// Statistics are exact after a rebuild that runs while another process counts new fights.
func TestRebuildMeanwhile(t *testing.T) {
	address, fights := engines.MongoDB(t), statisticstest.Fights(100)
	database := oneByOne(t, address)
	at, other := counted{openAs(t, address, true), openStatistics(t, database)}, openStatistics(t, database)
	statisticstest.Insert(t, at.fights, fights[:30]...)
	statisticstest.CountAll(t, at.store)
	if _, err := at.store.winners.UpdateMany(t.Context(), bson.M{}, bson.M{"$set": bson.M{"wins": int64(99)}}); err != nil {
		t.Fatal(err)
	}
	rebuilt := make(chan error, 1)
	go func() {
		report, err := at.store.Rebuild(t.Context())
		if err == nil && report.Winners == 0 {
			err = errors.New("nothing differed")
		}
		rebuilt <- err
	}()
	for few := range slices.Chunk(fights[30:], 10) {
		statisticstest.Insert(t, at.fights, few...)
		if _, err := other.Count(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := <-rebuilt; err != nil {
		t.Error(err)
	}
	statisticstest.CountAll(t, other)
	statisticstest.Exact(t, other, fights)
}
