package mongodb

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"superheroes/internal/bounded"
	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
	"superheroes/test/engines"
	"superheroes/test/mongowire"
)

// Responses that FerretDB can't be made to send, as MongoDB and Atlas word them.
var (
	noPermission  = mongowire.Refusal(13, "Unauthorized", "not authorized on fights to execute command { … }")
	noTime        = mongowire.Refusal(50, "MaxTimeMSExpired", "operation exceeded time limit")
	noLock        = mongowire.Refusal(24, "LockTimeout", "Unable to acquire IX lock within 5ms")
	notPrimary    = mongowire.Refusal(10107, "NotWritablePrimary", "not primary")
	noMorePrimary = mongowire.Refusal(10107, "NotWritablePrimary", "Not primary while writing to fights.fights")
	steppedDown   = mongowire.Refusal(11602, "InterruptedDueToReplStateChange", "operation was interrupted")
	diskFull      = mongowire.Refusal(14031, "OutOfDiskSpace", "available disk space is below the threshold")
	quota         = mongowire.Refusal(8000, "AtlasError", "you are over your space quota, using 513 MB of 512 MB")
	corrupt       = mongowire.Refusal(301, "DataCorruptionDetected", "Data corruption detected")
	view          = mongowire.Refusal(166, "CommandNotSupportedOnView", "Namespace fights.fights is a view, not a collection")
	internal      = mongowire.Refusal(1, "InternalError", "something")
)

// each returns a server response that refuses every document of an insert individually.
func each(code int32, message string, documents int) bson.D {
	var errs bson.A
	for i := range documents {
		errs = append(errs, bson.M{"index": int32(i), "code": code, "errmsg": message})
	}
	return bson.D{{Key: "ok", Value: 1.0}, {Key: "n", Value: int32(0)}, {Key: "writeErrors", Value: errs}}
}

func TestTrouble(t *testing.T) {
	for _, c := range []struct {
		code    int32
		message string
		want    error
		word    string // contained in the operator's message
	}{
		{13, "not authorized", storage.ErrSchema, "readWrite"},
		{18, "Authentication failed.", storage.ErrSchema, "password in the URL"},
		{8000, "bad auth : authentication failed", storage.ErrSchema, "bad auth"},
		{8000, "you are over your space quota", storage.ErrFull, "quota"},
		{50, "operation exceeded time limit", storage.ErrBusy, "time limit"},
		{24, "Unable to acquire IX lock", storage.ErrBusy, "lock"},
		{13435, "not primary and secondaryOk=false", storage.ErrUnavailable, "not primary"},
		{11602, "operation was interrupted", storage.ErrUnavailable, "interrupted"},
		{301, "Data corruption detected", storage.ErrDamaged, "backup"},
		{166, "Namespace fights.fights is a view", storage.ErrSchema, "it must be a collection"},
	} {
		err := trouble(mongo.CommandError{Code: c.code, Message: c.message})
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.word) {
			t.Errorf("error code %d: got %v, want %q with %q", c.code, err, c.want, c.word)
		}
	}
}

// All read methods classify an error response from the server.
func TestRefusedReads(t *testing.T) {
	store, _, p := openBehind(t, false)
	p.Answer(mongowire.Refuse(corrupt, "find", "aggregate"))
	for call, read := range map[string]func(context.Context) error{
		"Get":   func(ctx context.Context) error { _, err := store.Get(ctx, fight.ID{}); return err },
		"Page":  func(ctx context.Context) error { _, err := store.Page(ctx, fight.ID{1}, 5); return err },
		"Count": func(ctx context.Context) error { _, err := store.Count(ctx); return err },
		"Last":  func(ctx context.Context) error { _, err := store.Last(ctx); return err },
		"Ping":  store.Ping,
	} {
		if err := read(t.Context()); !errors.Is(err, storage.ErrDamaged) {
			t.Errorf("%s: %v, want %v", call, err, storage.ErrDamaged)
		}
	}
	p.Answer(nil)
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Every refused fight gets a correct result, whether certain or uncertain, and the store becomes ready as soon as the
// server accepts writes again, even before another fight is stored.
func TestTroubleOfWrites(t *testing.T) {
	t.Parallel() // the test spends most of its time waiting
	const three = 3
	for name, c := range map[string]struct {
		refusal bson.D
		want    error
		one     string // result of a fight that is stored alone
		several string // result of fights that share a command
		ready   bool
	}{
		"no permission":           {noPermission, storage.ErrSchema, "refused", "refused", false},
		"read-only":               {notPrimary, storage.ErrFull, "refused", "refused", false},
		"read-only in the middle": {noMorePrimary, storage.ErrFull, "refused", "open", false},
		"stepping down":           {steppedDown, storage.ErrUnavailable, "open", "open", true},
		"disk full":               {diskFull, storage.ErrFull, "refused", "open", false},
		"quota":                   {quota, storage.ErrFull, "refused", "refused", false},
		"too slow":                {noTime, storage.ErrBusy, "open", "open", true},
		"full for each":           {each(14031, "no space", three), storage.ErrFull, "refused", "refused", false},
		"writes are blocked":      {each(371, "User writes blocked", three), storage.ErrFull, "refused", "refused", false},
		"another's validator":     {each(121, "Document failed validation", three), storage.ErrSchema, "refused", "refused", true},
		"an unforeseen refusal":   {internal, nil, "open", "open", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // some subtests spend most of their time waiting
			store, direct, p := openBehind(t, true)
			refused := []string{"insert", "update"}
			if name == "another's validator" { // only the fights collection has the validator, not the probe's collection
				refused = refused[:1]
			}
			p.Answer(mongowire.Refuse(c.refusal, refused...))
			fights := fighttest.Fights(1 + three)
			check := func(f fight.Fight, err error, want string) {
				t.Helper()
				if said(err) != want || err != nil && c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%s: %v; want %s and %v", said(err), err, want, c.want)
				}
				fighttest.Truthful(t, direct, f, err)
			}
			check(fights[0], store.Insert(t.Context(), fights[0], nil), c.one)
			for i, err := range store.write(t.Context(), asDocuments(fights[1:])) {
				check(fights[1+i], err, c.several)
			}
			for range 2 { // readiness must not change as long as the cause persists
				if err := store.Ping(t.Context()); (err == nil) != c.ready || err != nil && !errors.Is(err, c.want) {
					t.Errorf("Ping: %v, want ready: %t", err, c.ready)
				}
			}
			if _, err := store.Page(t.Context(), fight.MaxID(), 5); err != nil {
				t.Errorf("reading while writes are refused: %v", err)
			}
			p.Answer(nil)
			if err := store.Ping(t.Context()); err != nil {
				t.Errorf("Ping: %v, even though writes are accepted again", err)
			}
			f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
			check(f, store.Insert(t.Context(), f, nil), "stored")
		})
	}
}

// Storing a fight restores readiness, just as a successful probe does.
func TestStoredFightRestoresReadiness(t *testing.T) {
	store, _, p := openBehind(t, false)
	p.Answer(mongowire.Refuse(quota, "insert", "update"))
	f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
	if err := store.Insert(t.Context(), f, nil); !errors.Is(err, storage.ErrFull) {
		t.Fatal(err)
	}
	p.Answer(mongowire.Refuse(quota, "update")) // the probe
	if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrFull) {
		t.Errorf("Ping: %v", err)
	}
	if err := store.Insert(t.Context(), f, nil); err != nil {
		t.Error(err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("Ping after a fight was stored: %v", err)
	}
}

// Three attempts to store a fight fail for different reasons: the connection breaks before or after the fight is
// stored, and the server is full or restarts. The result of the insert is still correct.
func TestCutAndFullAndRestarted(t *testing.T) {
	t.Parallel() // the test spends most of its time waiting
	for _, c := range []struct {
		name string
		cut  mongowire.Fate
		then []bson.D // responses to the later attempts; nil for the server's real response
		says string   // "stored", "open" or either
		kept int
	}{
		// The server may still be down when the last attempt is made.
		{"stored but connection cut, disk full, then duplicate", mongowire.CutAfter, []bson.D{diskFull, nil}, "stored or open", 1},
		{"stored but connection cut, refused, then quota exceeded", mongowire.CutAfter, []bson.D{each(14031, "no space", 1), quota}, "open", 1},
		{"connection cut, then no permission twice", mongowire.CutBefore, []bson.D{noPermission, noPermission}, "open", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // the subtests spend most of their time waiting
			server := engines.MongoDBServer(t)
			p, through := behind(t, server.URL+"fights")
			store := openAs(t, through, false)
			var attempt atomic.Int32
			p.Decide(func(command bson.Raw) mongowire.Fate {
				if command.Index(0).Key() != "insert" {
					return mongowire.Delivered
				}
				switch attempt.Add(1) {
				case 1:
					return c.cut
				case 2:
					server.Stop(t)
					server.Start(t)
				}
				return mongowire.Delivered
			})
			p.Answer(func(command bson.Raw) bson.D {
				if command.Index(0).Key() != "insert" || attempt.Load() == 1 {
					return nil
				}
				return c.then[attempt.Load()-2]
			})
			f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := store.Insert(ctx, f, nil)
			direct := openAs(t, server.URL+"fights", false)
			fighttest.Truthful(t, direct, f, err)
			if n, countErr := direct.Count(ctx); !strings.Contains(c.says, said(err)) || n != int64(c.kept) || countErr != nil {
				t.Errorf("result %s (%v) and %d fights stored (%v); want %s and %d", said(err), err, n, countErr, c.says, c.kept)
			}
		})
	}
}

// The timeouts in a URL are used instead of ours.
func TestTimeoutsOfTheURL(t *testing.T) {
	for query, want := range map[string][2]time.Duration{
		"": {connectTimeout, connectTimeout},
		"?connectTimeoutMS=7000&serverSelectionTimeoutMS=9000": {7 * time.Second, 9 * time.Second},
	} {
		got := clientOptions(Config{URL: "mongodb://127.0.0.1/fights" + query})
		if *got.ConnectTimeout != want[0] || *got.ServerSelectionTimeout != want[1] {
			t.Errorf("%q: got %s, %s, want %v", query, *got.ConnectTimeout, *got.ServerSelectionTimeout, want)
		}
	}
}

// If no server is reachable, the store reports that the fight was definitely not stored, however the driver detects the
// outage.
func TestNoServer(t *testing.T) {
	t.Parallel() // the test spends most of its time waiting
	server := engines.MongoDBServer(t)
	store, err := OpenFights(t.Context(), Config{URL: server.URL, Database: "fights", PoolMax: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	server.Stop(t)
	if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrUnavailable) { // on an existing connection
		t.Errorf("Ping: %v", err)
	}
	err = store.Ping(t.Context())
	if !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("second Ping: %v", err)
	}
	f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
	if err := store.Insert(t.Context(), f, nil); said(err) != "refused" {
		t.Errorf("the result of a fight that was never sent is %s: %v", said(err), err)
	}
}

// If the database is unusable, opening it fails immediately with the reason; a database that doesn't accept writes can
// still be opened.
func TestOpenTrouble(t *testing.T) {
	address := engines.MongoDB(t)
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	parsed.User = url.UserPassword("superman", "hidden")
	openWith := func(address string) (*Fights, error) {
		return OpenFights(t.Context(), Config{URL: address, Database: strings.Trim(parsed.Path, "/"), PoolMax: 5})
	}
	t.Run("an unknown user", func(t *testing.T) {
		_, err := openWith(parsed.String())
		if !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "user or the password") ||
			strings.Contains(err.Error(), "hidden") {
			t.Errorf("got %v", err)
		}
	})
	for name, c := range map[string]struct {
		answer mongowire.Answer
		want   error
		word   string
	}{
		"may not read":  {mongowire.Refuse(noPermission, "find"), storage.ErrSchema, "readWrite"},
		"may not write": {mongowire.Refuse(noPermission, "update"), storage.ErrSchema, "readWrite"},
		"is a view":     {mongowire.Refuse(view, "update"), storage.ErrSchema, "view"},
		"is damaged":    {mongowire.Refuse(corrupt, "find"), storage.ErrDamaged, "backup"},
		"is locked":     {mongowire.Refuse(noLock, "find"), storage.ErrBusy, "lock"},
	} {
		t.Run(name, func(t *testing.T) {
			p, through := behind(t, address)
			p.Answer(c.answer)
			if _, err := openWith(through); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.word) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	t.Run("accepts no writes", func(t *testing.T) {
		p, through := behind(t, address)
		p.Answer(mongowire.Refuse(notPrimary, "update", "insert"))
		store := openAs(t, through, false)
		if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrFull) {
			t.Errorf("Ping: %v", err)
		}
		p.Answer(nil)
		if err := store.Ping(t.Context()); err != nil {
			t.Errorf("Ping: %v, even though writes are accepted", err)
		}
	})
	t.Run("a missing file", func(t *testing.T) {
		_, err := openWith(address + "?tlsCAFile=/nowhere/ca.pem")
		if !errors.Is(err, storage.ErrSchema) || !strings.Contains(err.Error(), "/nowhere/ca.pem") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("URL options that contradict each other", func(t *testing.T) {
		_, err := openWith(parsed.String() + "?minPoolSize=hidden")
		if !errors.Is(err, storage.ErrSchema) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("got %v", err)
		}
	})
}

// Every command has a time limit, so that the server gives up at the same time as the service.
func TestCommandsHaveTimeLimits(t *testing.T) {
	for kind, grouped := range kinds() {
		t.Run(kind, func(t *testing.T) {
			store, _, p := openBehind(t, grouped)
			var mu sync.Mutex
			seen, without := []string{}, []string{}
			p.Answer(func(command bson.Raw) bson.D {
				mu.Lock()
				defer mu.Unlock()
				name := command.Index(0).Key()
				if slices.Contains([]string{"hello", "endSessions", "killCursors"}, name) {
					return nil
				}
				seen = append(seen, name)
				if most, ok := command.Lookup("maxTimeMS").AsInt64OK(); !ok || most < 1 || most > 20_000 {
					without = append(without, command.String())
				}
				return nil
			})
			store.reads = bounded.NewReads(5, 20*time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
			_, lastErr := store.Last(ctx)
			err := errors.Join(store.Insert(ctx, f, nil), lastErr, store.Ping(ctx), store.probe(ctx))
			_, getErr := store.Get(ctx, f.ID)
			_, pageErr := store.Page(ctx, fight.MaxID(), 5)
			_, countErr := store.Count(ctx)
			if err := errors.Join(err, getErr, pageErr, countErr); err != nil {
				t.Fatal(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if len(seen) != 8 || len(without) > 0 {
				t.Errorf("the commands were %v; these have no time limit: %v", seen, without)
			}
		})
	}
}
