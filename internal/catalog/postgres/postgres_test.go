package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"go.uber.org/goleak"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/catalog/postgres"
	"superheroes/internal/catalog/storetest"
	"superheroes/internal/character"
	"superheroes/test/engines"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func heroes() storetest.Engine[character.Character] {
	return storetest.Engine[character.Character]{
		Kind: character.Heroes(),
		Fresh: func(tb testing.TB) storetest.Database[character.Character] {
			at := engines.Postgres(tb)
			location, err := url.Parse(at)
			if err != nil {
				tb.Fatal("the URL can't be read")
			}
			openAt := func(ctx context.Context, address string, seed storetest.Seed[character.Character]) (catalog.Store[character.Character], error) {
				elsewhere := *location
				elsewhere.Host = address
				store, err := open(ctx, elsewhere.String(), seed)
				if err != nil {
					return nil, err
				}
				return store, nil
			}
			return storetest.Database[character.Character]{
				SQL: other(tb, at),
				Describe: `SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, character_maximum_length, is_nullable, column_default)
					FROM information_schema.columns WHERE table_schema = 'public'
					UNION ALL SELECT concat_ws(' ', sequence_name, start_value, increment) FROM information_schema.sequences
					UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
					UNION ALL SELECT tgname FROM pg_trigger ORDER BY 1`,
				Open: func(ctx context.Context, seed storetest.Seed[character.Character]) (catalog.Store[character.Character], error) {
					return openAt(ctx, location.Host, seed)
				},
				OpenAt: openAt,
				Server: location.Host,
			}
		},
		Family: []storetest.Family{
			family("with its sequence", "SELECT nextval('hero_seq')", "CREATE SEQUENCE hero_seq START WITH 1 INCREMENT BY 50", "nextval('hero_seq')"),
			family("without a sequence", "", "SELECT 1", "1", "51", "101"),
			family("with the sequence that all tables share", "SELECT nextval('hibernate_sequence')",
				"CREATE SEQUENCE hibernate_sequence START WITH 1 INCREMENT BY 50", "nextval('hibernate_sequence')"),
		},
	}
}

// family is the table of the Quarkus application, filled with ids from these expressions, the last one repeated.
func family(name, next, sequence string, ids ...string) storetest.Family {
	id := func(i int) string { return ids[min(i, len(ids)-1)] }
	return storetest.Family{
		Name: name,
		Create: []string{
			"CREATE TABLE hero (level int4, id int8 NOT NULL, name varchar(50), othername varchar(255), picture varchar(255), powers text, PRIMARY KEY (id))",
			sequence,
			"INSERT INTO hero (id, name, level) VALUES (" + id(0) + ", 'Yoda', 286000)",
			"INSERT INTO hero (id) VALUES (" + id(1) + ")",
			"INSERT INTO hero (id, name, otherName) VALUES (" + id(2) + ", 'Luke', 'Skywalker')",
		},
		IDs:  []int64{1, 51, 101},
		Null: 51,
		Next: next,
	}
}

func open(ctx context.Context, at string, seed storetest.Seed[character.Character]) (*postgres.Store[character.Character], error) {
	return postgres.Open(ctx, character.Heroes().Table, postgres.Config{URL: at, PoolMin: 1, PoolMax: 8, Schema: database.PostgreSQL}, seed)
}

func other(tb testing.TB, at string) *sql.DB {
	tb.Helper()
	db, err := sql.Open("pgx", at)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

func noRoster(func(character.Character) error) error { return nil }

func TestHeroes(t *testing.T) { heroes().Run(t) }

func TestBesideWrites(t *testing.T) { heroes().TestBesideWrites(t) }

func BenchmarkRandom(b *testing.B) { heroes().BenchmarkRandom(b) }

func BenchmarkIDs(b *testing.B) { heroes().BenchmarkIDs(b) }

// TestTwoTablesInOneDatabase: heroes and villains may share a database, and start at the same time.
func TestTwoTablesInOneDatabase(t *testing.T) {
	at := engines.Postgres(t)
	for _, kind := range []catalog.Kind[character.Character]{character.Heroes(), character.Villains()} {
		store, err := postgres.Open(t.Context(), kind.Table, postgres.Config{URL: at, PoolMax: 2, Schema: database.PostgreSQL},
			func(put func(character.Character) error) error { return put(kind.Example) })
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		if got, err := store.Get(t.Context(), 1); got != kind.Example || err != nil {
			t.Errorf("got %v and %v, want %v", got, err, kind.Example)
		}
	}
}

func TestErrorsShowNoPassword(t *testing.T) {
	at := engines.Postgres(t)
	const secret = "swordfish!41"
	for _, c := range []struct {
		name  string
		spoil func(*url.URL) string
	}{
		{"wrong password", (*url.URL).String},
		{"unknown user", func(u *url.URL) string { u.User = url.UserPassword("nobody", secret); return u.String() }},
		{"unknown database", func(u *url.URL) string { u.Path = "/nowhere"; return u.String() }},
		{"nobody listens", func(u *url.URL) string { u.Host = "127.0.0.1:1"; return u.String() }},
		{"unknown setting", func(u *url.URL) string { return u.String() + "?sslmode=unheard-of" }},
		{"not a URL", func(*url.URL) string { return "postgres://user:" + secret + "@[::1:bad/%zz" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			parsed, err := url.Parse(at)
			if err != nil {
				t.Fatal("the URL can't be read")
			}
			parsed.User = url.UserPassword(parsed.User.Username(), secret)
			store, err := open(t.Context(), c.spoil(parsed), noRoster)
			if err == nil {
				_ = store.Close()
				t.Fatal("it opened")
			}
			text := fmt.Sprintf("%v %+v", err, err)
			if strings.Contains(text, secret) || strings.Contains(text, url.PathEscape(secret)) {
				t.Errorf("the password is shown: %s", text)
			}
		})
	}
}

// TestSequenceFollows: after an import the table's sequence, which other applications draw from, gives ids above all
// that there are; what an import that was undone leaves behind does no harm.
func TestSequenceFollows(t *testing.T) {
	failure := errors.New("torn file")
	for _, c := range []struct {
		name string
		ids  []int64
		err  error
		want int64
	}{
		{"nothing imported", nil, nil, 1},
		{"without ids", []int64{0, 0}, nil, 101},
		{"with ids", []int64{1000, 3}, nil, 1050},
		{"undone", []int64{1000}, failure, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := engines.Postgres(t)
			store, err := open(t.Context(), at, noRoster)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = store.Close() }()
			err = store.Import(t.Context(), false, func(put func(character.Character) error) error {
				for _, id := range c.ids {
					if err := put(character.Character{ID: id, Name: "a"}); err != nil {
						return err
					}
				}
				return c.err
			})
			if !errors.Is(err, c.err) {
				t.Fatal(err)
			}
			var next int64
			if err := other(t, at).QueryRowContext(t.Context(), "SELECT nextval('hero_seq')").Scan(&next); err != nil || next != c.want {
				t.Errorf("the sequence gives %d (%v), want %d", next, err, c.want)
			}
		})
	}
}
