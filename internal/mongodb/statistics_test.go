package mongodb

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
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

// counted is a database with fights and their statistics.
type counted struct {
	fights *Fights
	store  *Statistics
}

func openCounted(tb testing.TB, address string) counted {
	tb.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	fights, err := OpenFights(tb.Context(), Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 20, Grouped: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := fights.Close(); err != nil {
			tb.Error(err)
		}
	})
	return counted{fights, another(tb, fights)}
}

// another returns another store of statistics, like another process.
func another(tb testing.TB, fights *Fights) *Statistics {
	tb.Helper()
	store, err := NewStatistics(tb.Context(), fights.Database())
	if err != nil {
		tb.Fatal(err)
	}
	store.most = testBatch
	return store
}

// testBatch is small, so that a few fights make several batches: FerretDB reads all of them for each step.
const testBatch = 40

// isMongod reports whether the server updates documents atomically: FerretDB reads, changes and writes them.
func isMongod() bool { return filepath.Base(os.Getenv(engines.MongodBin)) == "mongod" }

func TestStatistics(t *testing.T) {
	statisticstest.Run(t, func(tb testing.TB) statisticstest.Place {
		at := openCounted(tb, engines.MongoDB(tb))
		return statisticstest.Place{
			Fights: at.fights, Open: func() statistics.Store { return another(tb, at.fights) }, Batch: testBatch, Atomic: isMongod(),
		}
	})
}

// The protocol on a real server: two counters take steps in random orders and are killed at random while fights are
// stored.
func TestSampledOrders(t *testing.T) {
	const orders = 25
	kills, steps := 0, 0
	for range orders {
		at, fights := openCounted(t, engines.MongoDB(t)), statisticstest.Fights(12)
		if err := at.store.createState(t.Context()); err != nil {
			t.Fatal(err)
		}
		fresh := func() *pass { return newPass(at.store.collections, func(int64) bool { return false }) }
		counters := [2]*pass{fresh(), fresh()}
		for left := fights; len(left) > 0; {
			i := rand.N(2)
			switch rand.N(10) {
			case 0:
				statisticstest.Insert(t, at.fights, left[0])
				left = left[1:]
			case 1:
				kills++
				counters[i] = fresh()
			default:
				steps++
				if err := counters[i].advance(t.Context()); err != nil {
					t.Fatal(err)
				}
				if counters[i].next == ended {
					counters[i] = fresh()
				}
			}
		}
		last := another(t, at.fights)
		statisticstest.CountAll(t, last)
		statisticstest.CountAll(t, last)
		statisticstest.Exact(t, last, fights)
		left, err := at.store.batches.CountDocuments(t.Context(), bson.D{})
		if err != nil || left != 0 {
			t.Errorf("%d batches are left, %v", left, err)
		}
	}
	t.Logf("%d orders, %d steps, %d kills", orders, steps, kills)
}

// foreignFights returns documents of other applications: fights by the rule of the fights store, readable or not, and
// other documents. An older version, which took everything for a fight, counted some of them.
func foreignFights() []any {
	of := func(id any, more ...bson.E) bson.D {
		return append(bson.D{{Key: "_id", Value: id}, {Key: "winner_team", Value: "heroes"}, {Key: "winner_name", Value: "copied"},
			{Key: "fight_date", Value: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}, {Key: "hero", Value: bson.D{{Key: "name", Value: "hero 1"}}}}, more...)
	}
	villain := bson.E{Key: "villain", Value: bson.D{{Key: "name", Value: "villain 1"}}}
	return []any{
		of("9b2e1f2e-0c3a-4c3a-8d10-000000000001", villain), // the only readable one
		of("9b2e1f2e-0c3a-4c3a-8d10-000000000002"), bson.D{{Key: "_id", Value: "9b2e1f2e-0c3a-4c3a-8d10-000000000003"}},
		of(bson.NewObjectID(), villain), of(int64(7), villain), of("7", villain), of(bson.D{{Key: "a", Value: int32(1)}}, villain),
		of("9B2E1F2E-0C3A-4C3A-8D10-000000000001", villain), of("ffffffff-ffff-ffff-ffff-ffffffffffff", villain),
		bson.D{{Key: "winnerName", Value: "Quarkus"}, {Key: "fightDate", Value: "yesterday"}},
	}
}

// exactBeside checks that the statistics are those of our fights plus foreignFights.
func exactBeside(t *testing.T, at counted, ours []fight.Fight) {
	t.Helper()
	read, err := at.store.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, others := statisticstest.Expect(ours), int64(3)
	n, err := at.fights.Count(t.Context())
	if read.Total != want.Total+others || read.Heroes != want.Heroes+1 || read.Villains != want.Villains || read.Unreadable() != 2 ||
		read.Since.Year() != 2020 || n != read.Total || err != nil {
		t.Errorf("%d fights (%v), got %+v; want %+v and the others", n, err, read, want)
	}
}

// Documents of others are counted by the same rule as they are listed, whenever they are stored.
func TestOtherFights(t *testing.T) {
	at, fights := openCounted(t, engines.MongoDB(t)), statisticstest.Fights(60)
	collection := at.fights.Database().Collection(fightsName)
	others := foreignFights()
	if _, err := collection.InsertMany(t.Context(), others[:5]); err != nil {
		t.Fatal(err)
	}
	statisticstest.Insert(t, at.fights, fights[:30]...)
	told := map[string]bool{}
	count := func() {
		for {
			progress, err := at.store.Count(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range progress.Unreadable {
				if told[row.ID] {
					t.Errorf("%s was reported twice", row.ID)
				}
				told[row.ID] = true
			}
			if progress.Counted == 0 && !progress.More {
				return
			}
		}
	}
	count()
	if _, err := collection.InsertMany(t.Context(), others[5:]); err != nil {
		t.Fatal(err)
	}
	statisticstest.Insert(t, at.fights, fights[30:]...)
	count()
	exactBeside(t, at, fights)
	if len(told) != 2 {
		t.Errorf("reported %v", told)
	}
	if report, err := at.store.Rebuild(t.Context()); err != nil || report.Differed() {
		t.Errorf("a rebuild with nothing to correct: %+v, %v", report, err)
	}
	marked, err := collection.CountDocuments(t.Context(), bson.D{{Key: markField, Value: bson.D{{Key: "$exists", Value: true}}}})
	if err != nil || marked != int64(len(fights)+3) {
		t.Errorf("%d documents are marked (%v), want only the fights", marked, err)
	}
}

// An older version marked and counted every document, and created a different index.
func TestUpgrade(t *testing.T) {
	address := engines.MongoDB(t)
	at, fights := openCounted(t, address), statisticstest.Fights(20)
	collection := at.fights.Database().Collection(fightsName)
	statisticstest.Insert(t, at.fights, fights...)
	if _, err := collection.InsertMany(t.Context(), foreignFights()); err != nil {
		t.Fatal(err)
	}
	statisticstest.CountAll(t, at.store)
	mark := bson.D{{Key: "$set", Value: bson.D{{Key: markField, Value: int64(1)}}}}
	if _, err := collection.UpdateMany(t.Context(), bson.D{{Key: markField, Value: nil}}, mark); err != nil {
		t.Fatal(err)
	}
	more := bson.D{{Key: "$inc", Value: bson.D{{Key: "total", Value: int64(7)}, {Key: "heroes", Value: int64(6)}}}}
	if _, err := at.store.state.UpdateOne(t.Context(), bson.D{}, more); err != nil {
		t.Fatal(err)
	}
	if _, err := collection.Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: bson.D{{Key: markField, Value: 1}}}); err != nil {
		t.Fatal(err)
	}
	again := counted{at.fights, another(t, at.fights)}
	names := []string{}
	indexes, err := collection.Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range indexes {
		names = append(names, index.Name)
	}
	if slices.Contains(names, formerIndex) || !slices.Contains(names, "counted_1__id_1") {
		t.Errorf("the indexes are %v", names)
	}
	if report, err := again.store.Rebuild(t.Context()); err != nil || report.Total.Total-report.Corrected.Total != 7 {
		t.Errorf("%+v, %v", report, err)
	}
	exactBeside(t, again, fights)
}

// TestSlowServer cancels each call after a few commands, as if the server took longer for a batch than a caller waits.
// The calls still finish counting.
func TestSlowServer(t *testing.T) {
	const perCall, most = 8, 100
	address := engines.MongoDB(t)
	var commands int
	var giveUp context.CancelFunc
	monitor := &event.CommandMonitor{Started: func(context.Context, *event.CommandStartedEvent) {
		if commands++; commands > perCall && giveUp != nil {
			giveUp()
		}
	}}
	client, err := mongo.Connect(options.Client().ApplyURI(address).SetMonitor(monitor))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
	at, fights := openCounted(t, address), statisticstest.Fights(5*updatesPerCommand)
	statisticstest.Insert(t, at.fights, fights...)
	slow, err := NewStatistics(t.Context(), client.Database(at.fights.Database().Name()))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for counted := 0; counted < len(fights); calls++ {
		if calls == most {
			t.Fatalf("%d calls did not finish", most)
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
		t.Errorf("%d calls were enough: none was canceled", calls)
	}
	statisticstest.Exact(t, at.store, fights)
}

// A rebuild restores lost statistics, even if nothing is left but the marks.
func TestRebuild(t *testing.T) {
	everything := bson.D{}
	set := func(field string, value any) bson.D {
		return bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: value}}}}
	}
	for name, spoil := range map[string]func(ctx context.Context, s *Statistics) error{
		"the totals": func(ctx context.Context, s *Statistics) error {
			_, err := s.state.UpdateOne(ctx, everything, set("total", int64(7)))
			return err
		},
		"a winner": func(ctx context.Context, s *Statistics) error {
			_, err := s.winners.UpdateOne(ctx, everything, set("wins", int64(99)))
			return err
		},
		"a winner without a win": func(ctx context.Context, s *Statistics) error {
			_, err := s.winners.InsertOne(ctx, winnerDocument{"heroes/nobody", "nobody", "heroes", 5, 1})
			return err
		},
		"no places": func(ctx context.Context, s *Statistics) error { return s.places.Drop(ctx) },
		"the first date": func(ctx context.Context, s *Statistics) error {
			_, err := s.state.UpdateOne(ctx, everything, bson.D{{Key: "$unset", Value: bson.D{{Key: "since", Value: ""}}}})
			return err
		},
		"no statistics at all": func(ctx context.Context, s *Statistics) error {
			return errors.Join(s.state.Drop(ctx), s.winners.Drop(ctx), s.places.Drop(ctx), s.batches.Drop(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			at, fights := openCounted(t, engines.MongoDB(t)), statisticstest.Fights(90)
			statisticstest.Insert(t, at.fights, fights[:40]...)
			statisticstest.CountAll(t, at.store)
			statisticstest.Insert(t, at.fights, fights[40:60]...)
			statisticstest.CountAll(t, at.store)
			if err := spoil(t.Context(), at.store); err != nil {
				t.Fatal(err)
			}
			statisticstest.Insert(t, at.fights, fights[60:]...)
			statisticstest.CountAll(t, at.store)
			report, err := at.store.Rebuild(t.Context())
			if err != nil || !report.Differed() {
				t.Errorf("%+v, %v", report, err)
			}
			statisticstest.Exact(t, at.store, fights)
			if report, err := at.store.Rebuild(t.Context()); err != nil || report.Differed() {
				t.Errorf("second rebuild: %+v, %v", report, err)
			}
		})
	}
}

// A rebuild while fights are stored and counted.
func TestRebuildMeanwhile(t *testing.T) {
	at, fights := openCounted(t, engines.MongoDB(t)), statisticstest.Fights(200)
	statisticstest.Insert(t, at.fights, fights[:50]...)
	statisticstest.CountAll(t, at.store)
	if _, err := at.store.winners.UpdateMany(t.Context(), bson.D{}, bson.D{{Key: "$set", Value: bson.D{{Key: "wins", Value: int64(99)}}}}); err != nil {
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
	stored, running := 50, true
	for running && stored < len(fights) {
		statisticstest.Insert(t, at.fights, fights[stored])
		stored++
		if stored%10 == 0 { // by the same store, since FerretDB is not atomic
			if _, err := at.store.Count(t.Context()); err != nil {
				t.Error(err)
			}
		}
		select {
		case err := <-rebuilt:
			running = false
			if err != nil {
				t.Error(err)
			}
		default:
		}
	}
	if running { // it may have ended right after the last fight
		if err := <-rebuilt; err != nil {
			t.Error(err)
		}
	}
	statisticstest.CountAll(t, at.store)
	statisticstest.Exact(t, at.store, fights[:stored])
}

// Every command asks for majority reads and journaled majority writes, whatever the URL says.
func TestConcerns(t *testing.T) {
	address := engines.MongoDB(t) + "?readPreference=secondaryPreferred&w=1&readConcernLevel=local"
	var commands []bson.Raw
	monitor := &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		commands = append(commands, append(bson.Raw(nil), e.Command...))
	}}
	client, err := mongo.Connect(options.Client().ApplyURI(address).SetMonitor(monitor))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
	at := openCounted(t, address)
	statisticstest.Insert(t, at.fights, statisticstest.Fights(5)...)
	store, err := NewStatistics(t.Context(), client.Database(at.fights.Database().Name()))
	if err != nil {
		t.Fatal(err)
	}
	commands = nil
	statisticstest.CountAll(t, store)
	if _, err := store.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, command := range commands {
		name, want := command.Index(0).Key(), `"writeConcern": {"w": "majority","j": true}`
		if name == "find" {
			want = `"readConcern": {"level": "majority"}`
		}
		seen[name] = true
		if text := command.String(); !strings.Contains(text, want) || strings.Contains(text, "secondaryPreferred") {
			t.Errorf("want %s in %s", want, text)
		}
	}
	for _, name := range []string{"find", "insert", "update", "delete"} {
		if !seen[name] {
			t.Errorf("there was no %s among %d commands", name, len(commands))
		}
	}
}
