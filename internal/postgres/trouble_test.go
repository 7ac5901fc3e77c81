package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/database"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/postgres"
	"superheroes/internal/storage"
	"superheroes/test/engines"
	"superheroes/test/tcpproxy"
)

type store = postgres.Catalog[character.Character]

// errDeadline is the error expected from an operation whose caller's own deadline has passed.
var errDeadline = context.DeadlineExceeded

// rows inserts the two rows that every table in these tests starts with.
func rows(put func(character.Character) error) error {
	return errors.Join(put(character.Character{ID: 1, Name: "one", Level: 1}), put(character.Character{ID: 2, Name: "two", Level: 2}))
}

// opened opens a store that contains two rows, and closes it at the end of the test.
func opened(t *testing.T, at string) *store {
	t.Helper()
	s, err := open(t.Context(), at, rows)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// exec executes statements as another client.
func exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// with replaces the URL's query parameters and returns the resulting URL.
func with(t *testing.T, at, parameters string) string {
	t.Helper()
	location := mustParse(t, at)
	location.RawQuery = parameters
	return location.String()
}

// to returns a change function that replaces a row with the item, or deletes the row if item is nil.
func to(item *character.Character) func(*character.Character) (*character.Character, error) {
	return func(*character.Character) (*character.Character, error) { return item, nil }
}

// lock makes another client lock the table exclusively, until unlock is called.
func lock(t *testing.T, at string) (unlock func()) {
	t.Helper()
	tx, err := other(t, at).BeginTx(t.Context(), nil)
	if err == nil {
		_, err = tx.ExecContext(t.Context(), "LOCK TABLE hero IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		t.Fatal(err)
	}
	unlock = func() { _ = tx.Rollback() }
	t.Cleanup(unlock)
	return unlock
}

// wants contains the expected error for each kind of operation; nil means success.
type wants struct{ read, ids, write, ping error }

// sameFor returns expectations in which every operation fails with the same error.
func sameFor(kind error) wants { return wants{kind, kind, kind, kind} }

func (w wants) check(t *testing.T, s *store) {
	t.Helper()
	call := func(name string, want error, do func(context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if errors.Is(want, errDeadline) {
			ctx, cancel = context.WithTimeout(t.Context(), 150*time.Millisecond)
		}
		defer cancel()
		err := do(ctx)
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "FROM") || strings.Contains(err.Error(), "INTO")) {
			t.Errorf("%s shows SQL: %v", name, err)
		}
	}
	call("Get", w.read, func(ctx context.Context) error { _, err := s.Get(ctx, 1); return err })
	call("Page", w.read, func(ctx context.Context) error { _, err := s.Page(ctx, 0, 10); return err })
	call("IDs", w.ids, func(ctx context.Context) error { _, _, err := s.IDs(ctx, ""); return err })
	call("Write", w.write, func(ctx context.Context) error {
		_, err := s.Write(ctx, 1, func(old *character.Character) (*character.Character, error) { return old, nil })
		return err
	})
	call("new item", w.write, func(ctx context.Context) error {
		_, err := s.Write(ctx, 0, to(&character.Character{Name: "new"}))
		return err
	})
	call("Import", w.write, func(ctx context.Context) error { return s.Import(ctx, false, rows) })
	call("Ping", w.ping, s.Ping)
}

// TestTroubleWhileRunning checks that every affected operation of an open store reports a problem with its table, and
// that operations succeed as soon as the problem is fixed.
func TestTroubleWhileRunning(t *testing.T) {
	fails := func(code string) []string {
		return []string{fmt.Sprintf("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '%s'; END$$", code),
			"CREATE TRIGGER fail BEFORE INSERT OR UPDATE ON hero FOR EACH ROW EXECUTE FUNCTION fail()"}
	}
	const mendTrigger = "DROP TRIGGER fail ON hero; DROP FUNCTION fail"
	at := engines.Postgres(t)
	s, db := opened(t, at), other(t, at)
	wants{}.check(t, s)
	for _, c := range []struct {
		name string
		harm []string
		mend string
		want wants
	}{
		{"the table is renamed", []string{"ALTER TABLE hero RENAME TO away"}, "ALTER TABLE away RENAME TO hero", sameFor(storage.ErrSchema)},
		{"a column is renamed", []string{"ALTER TABLE hero RENAME othername TO other_name"}, "ALTER TABLE hero RENAME other_name TO othername",
			wants{storage.ErrSchema, nil, storage.ErrSchema, storage.ErrSchema}},
		{"a column becomes a date", []string{"ALTER TABLE hero RENAME level TO l", "ALTER TABLE hero ADD level date"},
			"ALTER TABLE hero DROP level; ALTER TABLE hero RENAME l TO level", wants{storage.ErrSchema, nil, storage.ErrSchema, storage.ErrSchema}},
		{"the disk is full", fails("53100"), mendTrigger, wants{write: storage.ErrFull}},
		{"the server can't write its files", fails("58030"), mendTrigger, wants{write: storage.ErrDamaged}},
		{"an index is damaged", fails("XX002"), mendTrigger, wants{write: storage.ErrDamaged}},
		{"a deadlock", fails("40P01"), mendTrigger, wants{write: storage.ErrBusy}},
		{"an unknown NOT NULL column", []string{"ALTER TABLE hero ADD cape text NOT NULL DEFAULT ''", "ALTER TABLE hero ALTER cape DROP DEFAULT"}, "ALTER TABLE hero DROP cape", wants{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, db, c.harm...)
			if c.want != (wants{}) {
				c.want.check(t, s)
			} else if _, err := s.Write(t.Context(), 0, to(&character.Character{Name: "new"})); !errors.Is(err, storage.ErrSchema) ||
				!strings.Contains(err.Error(), "cape") {
				t.Errorf("adding a row: got %v, want an error that names the column", err)
			}
			exec(t, db, c.mend)
			wants{}.check(t, s)
		})
	}
}

// TestLockedTable checks that operations report a locked table as busy, and that waiting for the lock doesn't cost a
// connection.
func TestLockedTable(t *testing.T) {
	for _, c := range []struct {
		name, parameters string
		deadline         time.Duration
		want             wants
	}{
		{"without a request deadline", "", 0, wants{errDeadline, errDeadline, errDeadline, storage.ErrBusy}},
		{"with a request deadline", "", 100 * time.Millisecond, sameFor(storage.ErrBusy)},
		{"with a lock timeout in the URL", "lock_timeout=50", time.Hour, sameFor(storage.ErrBusy)},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := engines.Postgres(t)
			opens := &counter{}
			s, err := openFor(t.Context(), through(t, with(t, at, "sslmode=disable&"+c.parameters), opens), c.deadline, rows)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			wants{}.check(t, s)
			unlock := lock(t, at)
			c.want.check(t, s)
			before := opens.Load()
			for range 20 {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
				_, err := s.Get(ctx, 1)
				cancel()
				if !errors.Is(err, errDeadline) && !errors.Is(err, storage.ErrBusy) {
					t.Errorf("got %v", err)
				}
			}
			unlock()
			wants{}.check(t, s)
			// The pool may have grown to its maximum of eight connections in the meantime. (Without sslmode=disable,
			// each connection would be attempted with TLS first.)
			if n := opens.Load() - before; n >= 8 {
				t.Errorf("%d connections were opened", n)
			}
		})
	}
}

// TestStrayCancellation checks that a statement is retried if the server canceled it while its caller was still
// waiting.
func TestStrayCancellation(t *testing.T) {
	at := engines.Postgres(t)
	s, db := opened(t, with(t, at, "application_name=stray")), other(t, at)
	for name, call := range map[string]func() error{
		"read":   func() error { _, err := s.Get(t.Context(), 1); return err },
		"import": func() error { return s.Import(t.Context(), false, rows) },
	} {
		t.Run(name, func(t *testing.T) {
			unlock := lock(t, at)
			done := make(chan error, 1)
			go func() { done <- call() }()
			const cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE application_name = 'stray' AND wait_event_type = 'Lock'"
			for canceled := 0; canceled == 0; time.Sleep(time.Millisecond) {
				if err := db.QueryRowContext(t.Context(), cancel).Scan(&canceled); err != nil {
					t.Fatal(err)
				}
			}
			unlock()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStatementTimeout checks that a statement that exceeds the server's time limit is not repeated.
func TestStatementTimeout(t *testing.T) {
	at := engines.Postgres(t)
	_ = opened(t, at).Close() // creates the table, which may take longer than the timeout on a busy machine
	s := opened(t, with(t, at, "statement_timeout=2000"))
	db := other(t, at)
	exec(t, db, "CREATE SEQUENCE tries", "ALTER TABLE hero RENAME TO hero_rows",
		"CREATE VIEW hero AS SELECT hero_rows.* FROM (SELECT nextval('tries'), pg_sleep(60)) AS slow, hero_rows")
	if _, err := s.Get(t.Context(), 1); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	var tries int
	if err := db.QueryRowContext(t.Context(), "SELECT last_value FROM tries").Scan(&tries); err != nil || tries != 1 {
		t.Errorf("tried %d times, %v", tries, err)
	}
}

// TestDroppedChanges checks that the store doesn't acknowledge a change that a trigger silently drops. The change may
// be an update, a deletion, an import, or an insert into a table with or without a sequence.
func TestDroppedChanges(t *testing.T) {
	for name, change := range map[string]string{"sequence": "SELECT 1", "no sequence": "DROP SEQUENCE hero_seq"} {
		t.Run(name, func(t *testing.T) {
			at := engines.Postgres(t)
			s := opened(t, at)
			exec(t, other(t, at), change, "CREATE FUNCTION drops() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$",
				"CREATE TRIGGER drops BEFORE INSERT OR UPDATE OR DELETE ON hero FOR EACH ROW EXECUTE FUNCTION drops()")
			changed := &character.Character{ID: 7, Name: "changed"}
			_, updated := s.Write(t.Context(), 1, to(changed))
			_, deleted := s.Write(t.Context(), 1, to(nil))
			_, added := s.Write(t.Context(), 0, to(changed))
			imported := s.Import(t.Context(), false, func(put func(character.Character) error) error { return put(*changed) })
			for name, err := range map[string]error{"update": updated, "deletion": deleted, "new row": added, "import": imported} {
				if !errors.Is(err, storage.ErrSchema) || errors.Is(err, catalog.ErrMaybeWritten) {
					t.Errorf("%s: got %v", name, err)
				}
			}
		})
	}
}

// TestReadOnly checks that a store on a read-only server serves reads, and that Writable reports that the store is
// read-only.
func TestReadOnly(t *testing.T) {
	want := wants{write: storage.ErrFull}
	t.Run("by its settings", func(t *testing.T) {
		at := engines.Postgres(t)
		_ = opened(t, at).Close()
		s := opened(t, with(t, at, "default_transaction_read_only=on"))
		want.check(t, s)
		if err := s.Writable(t.Context()); !errors.Is(err, storage.ErrFull) {
			t.Errorf("Writable returned %v", err)
		}
	})
	t.Run("a hot standby", func(t *testing.T) {
		server := engines.PostgresServer(t)
		if err := opened(t, server.URL).Writable(t.Context()); err != nil {
			t.Errorf("Writable returned %v", err)
		}
		server.Stop(t)
		if err := os.WriteFile(server.Path("standby.signal"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		server.Start(t)
		s := opened(t, server.URL)
		want.check(t, s)
		_, version, err := s.IDs(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		// The standby's snapshot doesn't change when a transaction commits while an older one is still in progress.
		if ids, _, err := s.IDs(t.Context(), version); err != nil || ids == nil {
			t.Errorf("the standby reported that nothing has changed (%v)", err)
		}
		if err := s.Writable(t.Context()); !errors.Is(err, storage.ErrFull) {
			t.Errorf("Writable returned %v", err)
		}
	})
}

// TestDamagedPage overwrites the table's only page. The running store must detect the damage and stay unready, even if
// an intact page is read first, and starting must fail with an error that names the file.
func TestDamagedPage(t *testing.T) {
	server := engines.PostgresServer(t)
	s := opened(t, server.URL)
	var file string
	db := other(t, server.URL)
	err := db.QueryRowContext(t.Context(), "SELECT pg_relation_filepath('hero')").Scan(&file)
	if err != nil {
		t.Fatal(err)
	}
	server.Stop(t)
	sound, err := os.ReadFile(server.Path(file))
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte(strings.Repeat("damaged ", 100)), sound[800:]...)
	if err := os.WriteFile(server.Path(file), damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	server.Start(t)
	sameFor(storage.ErrDamaged).check(t, s)
	if again, err := open(t.Context(), server.URL, rows); err == nil {
		_ = again.Close()
		t.Error("opening a damaged store succeeded")
	} else if text := err.Error(); !errors.Is(err, storage.ErrDamaged) || !strings.Contains(text, file) || !strings.Contains(text, "backup") {
		t.Errorf("opening a damaged store: got %v, want an error that names the file and a remedy", err)
	}
	server.Stop(t)
	if err := os.WriteFile(server.Path(file), sound, 0o600); err != nil {
		t.Fatal(err)
	}
	server.Start(t)
	wants{}.check(t, s)
}

// limited creates a user with the given grants, and returns a store URL for that user.
func limited(t *testing.T, at string, grants ...string) string {
	t.Helper()
	db := other(t, at)
	const name, password = "limited", "it's @ 100% s/ecret?"
	exec(t, db, fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD '%s'", name, strings.ReplaceAll(password, "'", "''")))
	t.Cleanup(func() {
		for _, statement := range []string{"DROP OWNED BY " + name, "DROP ROLE " + name} {
			if _, err := db.ExecContext(context.WithoutCancel(t.Context()), statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
	for _, grant := range grants {
		exec(t, db, fmt.Sprintf("GRANT %s TO %s", grant, name))
	}
	location := mustParse(t, at)
	location.User = url.UserPassword(name, password)
	return location.String()
}

// TestTroubleAtTheStart checks that at startup, problems that waiting can't solve are reported in one line, without
// revealing the password.
func TestTroubleAtTheStart(t *testing.T) {
	const columns = "id int8 PRIMARY KEY, name varchar(50), othername varchar(255), level int4, picture varchar(255), powers text"
	table := func(from, to string) string {
		return "CREATE TABLE hero (" + strings.Replace(columns, from, to, 1) + ")"
	}
	at := engines.Postgres(t)
	db := other(t, at)
	come := func(change func(u *url.URL)) string {
		u := mustParse(t, at)
		change(u)
		return u.String()
	}
	for _, c := range []struct {
		name   string
		create string
		at     string // "" for the URL of the table's owner
		kind   error
		words  []string
	}{
		{"another name", table("othername", "other_name"), "", storage.ErrSchema, []string{"table hero has no column otherName"}},
		{"a name that must be quoted", table("othername", `"otherName"`), "", storage.ErrSchema, []string{"has no column otherName"}},
		{"swapped types", table("level int4, picture varchar(255)", "level text, picture int4"), "", storage.ErrSchema,
			[]string{"has a column level of type text instead of an integer, has a column picture of type integer instead of text"}},
		{"money", table("level int4", "level money"), "", storage.ErrSchema, []string{"level of type money"}},
		{"an enumeration", "CREATE TYPE power AS ENUM ('Flight');" + table("powers text", "powers power"), "", storage.ErrSchema, []string{"powers of type power"}},
		{"none of our columns", "CREATE TABLE hero (cape text)", "", storage.ErrSchema, []string{"no column id", "no column name", "no column level", "no column powers"}},
		{"an index with the table's name", "CREATE TABLE other (id int); CREATE INDEX hero ON other (id)", "", storage.ErrSchema, []string{"hero"}},
		{"no permission", table("", ""), "limited", storage.ErrSchema, []string{"permission denied for table hero"}},
		{"no permission to create", "", "limited", storage.ErrSchema, []string{"permission denied for schema public"}},
		{"wrong password", "", come(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "x@y") }), storage.ErrSchema, []string{"password authentication failed"}},
		{"unknown user", "", come(func(u *url.URL) { u.User = url.UserPassword("nobody", "x@y") }), storage.ErrSchema, []string{"password authentication failed"}},
		{"no such database", "", come(func(u *url.URL) { u.Path += "x" }), storage.ErrUnavailable, []string{"does not exist"}},
		{"no such file", "", come(func(u *url.URL) { u.RawQuery = "sslmode=verify-full&sslrootcert=/nowhere/ca.pem" }), storage.ErrSchema, []string{"/nowhere/ca.pem"}},
		{"connection refused", "", come(func(u *url.URL) { u.Host = "127.0.0.1:1" }), storage.ErrUnavailable, []string{"refused"}},
		{"unknown setting", "", come(func(u *url.URL) { u.RawQuery = "sslmode=unheard-of" }), storage.ErrSchema, []string{"must look like"}},
		{"not a URL", "", "postgres://user:x@y@[::1:bad/%zz", storage.ErrSchema, []string{"must look like"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, db, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "GRANT USAGE ON SCHEMA public TO PUBLIC", c.create)
			at := at
			switch c.at {
			case "":
			case "limited":
				at = limited(t, at)
			default:
				at = c.at
			}
			s, err := open(t.Context(), at, rows)
			if err == nil {
				_ = s.Close()
				t.Fatal("opened")
			}
			if !errors.Is(err, c.kind) {
				t.Errorf("got %v, want %v", err, c.kind)
			}
			for _, word := range c.words {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("the error doesn't contain %q: %q", word, err)
				}
			}
			secret := "x@y"
			if u, err := url.Parse(at); err == nil {
				secret, _ = u.User.Password()
			}
			for _, secret := range []string{secret, url.PathEscape(secret)} {
				if text := fmt.Sprintf("%v %+v", err, err); strings.Contains(text, secret) {
					t.Errorf("the error reveals the password: %s", text)
				}
			}
		})
	}
}

// TestReadsWithoutWriting checks that the store works for a user who has only read permission: reads succeed, and
// changes fail because permission is denied.
func TestReadsWithoutWriting(t *testing.T) {
	at := engines.Postgres(t)
	_ = opened(t, at).Close()
	wants{write: storage.ErrSchema}.check(t, opened(t, limited(t, at, "SELECT ON hero", "USAGE ON SCHEMA public")))
}

// TestRowsOutsideTheContract checks that the error for an unreadable row contains its id, that all other rows are
// served, and that the store stays ready.
func TestRowsOutsideTheContract(t *testing.T) {
	at := engines.Postgres(t)
	db := other(t, at)
	exec(t, db, "CREATE TABLE hero (id int4 PRIMARY KEY, name text, othername text, level numeric, picture text, powers text)",
		"INSERT INTO hero (id, name, level) VALUES (1, 'one', 1), (2, 'two', 5000000000), (3, 'three', 1.5), (4, 'four', -1), (5, repeat('é', 51), 5), (6, NULL, NULL)")
	s := opened(t, at)
	for id, column := range map[int64]string{2: "level", 3: "level", 4: "level", 5: "name"} {
		var row *storage.RowError
		if got, err := s.Get(t.Context(), id); !errors.As(err, &row) || row.ID != fmt.Sprint(id) || row.What != "hero" || !strings.Contains(err.Error(), column) {
			t.Errorf("reading row %d: got %v and %v, want an error with its id and %s", id, got, err, column)
		}
	}
	var row *storage.RowError
	if _, err := s.Page(t.Context(), 0, 10); !errors.As(err, &row) || row.ID != "2" {
		t.Errorf("listing rows: got %v, want an error about row 2", err)
	}
	if page, err := s.Page(t.Context(), 5, 10); len(page) != 1 || err != nil {
		t.Errorf("the page after the unreadable rows: got %v and %v", page, err)
	}
	if _, err := s.Get(t.Context(), 1<<40); !errors.Is(err, catalog.ErrNotFound) {
		t.Errorf("reading an id that doesn't fit its column: got %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the store is not ready because of unreadable rows: %v", err)
	}
	exec(t, db, "DELETE FROM hero WHERE id = 1")
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("the store is not ready if the first row is unreadable: %v", err)
	}
	written, err := s.Write(t.Context(), 6, func(old *character.Character) (*character.Character, error) { old.Name = "six"; return old, nil })
	if err != nil || written.Name != "six" {
		t.Errorf("changing a valid row: got %v and %v", written, err)
	}
	written, err = s.Write(t.Context(), 4, func(old *character.Character) (*character.Character, error) { old.Level = 4; return old, nil })
	if err != nil || written.Level != 4 {
		t.Errorf("repairing an unreadable row: got %v and %v", written, err)
	}
	if _, err := s.Write(t.Context(), 5, to(nil)); err != nil {
		t.Errorf("deleting an unreadable row: got %v", err)
	}
}

// TestIdentityAlways checks that the store can assign ids even if the column is GENERATED ALWAYS, concurrently with
// clients that let the server generate ids.
func TestIdentityAlways(t *testing.T) {
	at := engines.Postgres(t)
	db := other(t, at)
	exec(t, db, `CREATE TABLE hero (id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name varchar(50), othername varchar(255), level int4, picture varchar(255), powers text)`,
		"INSERT INTO hero (name) VALUES ('theirs')")
	s := opened(t, at)
	for want := int64(2); want < 6; want += 2 {
		got, err := s.Write(t.Context(), 0, to(&character.Character{Name: "ours"}))
		if err != nil || got.ID != want {
			t.Fatalf("adding a row: got %v and %v, want the id %d", got, err, want)
		}
		exec(t, db, "INSERT INTO hero (name) VALUES ('theirs')")
	}
	got, err := s.Write(t.Context(), 2, to(&character.Character{Name: "changed"}))
	if err != nil || got.ID != 2 {
		t.Errorf("changing a row: got %v and %v", got, err)
	}
	err = s.Import(t.Context(), false, func(put func(character.Character) error) error {
		return errors.Join(put(character.Character{Name: "next"}), put(character.Character{ID: 40, Name: "forty"}), put(character.Character{ID: 1, Name: "one"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, db, "INSERT INTO hero (name) VALUES ('theirs')")
	found, _, err := s.IDs(t.Context(), "")
	if want := []int64{1, 2, 3, 4, 5, 6, 40, 41}; fmt.Sprint(found) != fmt.Sprint(want) || err != nil {
		t.Errorf("the table has the ids %v (%v), want %v", found, err, want)
	}
}

// TestAlteredTable checks that no request fails after an ALTER TABLE that makes the query plans of all connections
// stale.
func TestAlteredTable(t *testing.T) {
	for _, mode := range []string{"cache_statement", "cache_describe"} {
		t.Run(mode, func(t *testing.T) {
			at := engines.Postgres(t)
			s, db := opened(t, with(t, at, "default_query_exec_mode="+mode)), other(t, at)
			for _, to := range []string{"level TYPE bigint", "id TYPE int4", "name TYPE text", "level TYPE numeric", "id TYPE int8"} {
				busy(8, func() { wants{}.check(t, s) })
				exec(t, db, "ALTER TABLE hero ALTER "+to)
			}
			busy(8, func() { wants{}.check(t, s) })
		})
	}
}

// busy runs do in n goroutines at once, so that every connection in a pool is used.
func busy(n int, do func()) {
	var group sync.WaitGroup
	for range n {
		group.Go(do)
	}
	group.Wait()
}

// TestServerRestarts checks that no request fails because a server restart has broken the idle connections.
func TestServerRestarts(t *testing.T) {
	server := engines.PostgresServer(t)
	s := opened(t, server.URL)
	busy(8, func() { wants{}.check(t, s) })
	server.Stop(t)
	sameFor(storage.ErrUnavailable).check(t, s)
	server.Start(t)
	wants{}.check(t, s)
	busy(8, func() { wants{}.check(t, s) })
	server.Stop(t)
	server.Start(t)
	busy(8, func() { wants{}.check(t, s) })
}

// TestHastyClients checks that clients that give up on a hanging server don't cost connections, and that requests
// succeed as soon as the server recovers.
func TestHastyClients(t *testing.T) {
	opens := &counter{}
	location := mustParse(t, with(t, engines.Postgres(t), "sslmode=disable"))
	proxy := tcpproxy.Start(t, location.Host, opens.relays)
	location.Host = proxy.Addr()
	const most = 8
	s, err := postgres.Open(t.Context(), character.Heroes().Table,
		postgres.Config{URL: location.String(), PoolMin: most, PoolMax: most, Schema: database.PostgreSQL}, rows)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for opens.Load() < most { // the pool opens its connections in the background
		time.Sleep(time.Millisecond)
	}
	busy(most, func() { wants{}.check(t, s) })
	proxy.Become(tcpproxy.Hangs)
	busy(100, func() {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := s.Get(ctx, 1); !errors.Is(err, errDeadline) {
			t.Errorf("got %v", err)
		}
	})
	proxy.Become(tcpproxy.Passes)
	busy(most, func() { wants{}.check(t, s) })
	if n := opens.Load(); n != most {
		t.Errorf("the store opened %d connections, want only the pool's %d", n, most)
	}
}

// TestSettingsOfTheDatabase checks that session settings of the database or user affect neither the store nor the
// encoding of its strings.
func TestSettingsOfTheDatabase(t *testing.T) {
	at := engines.Postgres(t)
	db, name := other(t, at), strings.TrimPrefix(mustParse(t, at).Path, "/")
	for _, setting := range []string{"client_encoding = 'LATIN1'", "client_encoding = 'SQL_ASCII'", "standard_conforming_strings = off"} {
		t.Run(setting, func(t *testing.T) {
			exec(t, db, "ALTER DATABASE "+name+" RESET ALL", "ALTER DATABASE "+name+" SET "+setting)
			s, err := openFor(t.Context(), at, time.Hour, rows)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			const text = `Éß \'`
			_, err = s.Write(t.Context(), 1, func(old *character.Character) (*character.Character, error) {
				old.Name = text
				return old, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			var stored []byte
			if err := other(t, at).QueryRow("SELECT convert_to(name, 'UTF8') FROM hero WHERE id = 1").Scan(&stored); err != nil || string(stored) != text {
				t.Errorf("%q is stored: %v", stored, err)
			}
			if got, err := s.Get(t.Context(), 1); err != nil || got.Name != text {
				t.Errorf("got %q, %v", got.Name, err)
			}
		})
	}
}

// TestServerSilentAfterItsGreeting checks that connections don't stay in the pool if the server accepts them but then
// never responds.
func TestServerSilentAfterItsGreeting(t *testing.T) {
	location := mustParse(t, with(t, engines.Postgres(t), "sslmode=disable"))
	greets := &silent{}
	proxy := tcpproxy.Start(t, location.Host, greets.relays)
	location.Host = proxy.Addr()
	s, err := openFor(t.Context(), location.String(), time.Hour, rows)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	greets.Store(true)
	proxy.Cut()
	for range 3 { // more concurrent reads than the pool has connections
		busy(8, func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := s.Get(ctx, 1); err == nil {
				t.Error("the server responded")
			}
		})
	}
	greets.Store(false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for err = errDeadline; err != nil && ctx.Err() == nil; {
		_, err = s.Get(ctx, 1)
	}
	if err != nil {
		t.Errorf("the store did not recover within a minute after the server responded again: %v", err)
	}
}

// TestClosedWhileItHangs checks that a store can be closed while its server hangs, even if the store is still being
// opened.
func TestClosedWhileItHangs(t *testing.T) {
	location := mustParse(t, engines.Postgres(t))
	proxy := tcpproxy.Start(t, location.Host, tcpproxy.All)
	location.Host = proxy.Addr()
	s := opened(t, location.String())
	proxy.Become(tcpproxy.Hangs)
	wants{errDeadline, errDeadline, errDeadline, errDeadline}.check(t, s)
	begin := time.Now()
	_ = s.Close()
	closed := time.Since(begin)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	begin = time.Now()
	if s, err := open(ctx, location.String(), rows); !errors.Is(err, errDeadline) {
		_ = s.Close()
		t.Errorf("got %v", err)
	}
	t.Logf("closing the store took %s, and opening another store failed after %s", closed, time.Since(begin))
}

// counter counts the connections that are opened through a proxy.
type counter struct{ atomic.Int64 }

func (c *counter) relays() (up, down tcpproxy.Relay) {
	c.Add(1)
	return tcpproxy.All()
}

// through returns the URL of a proxy in front of the server. The proxy counts the connections that it accepts.
func through(t *testing.T, at string, opens *counter) string {
	t.Helper()
	location := mustParse(t, at)
	location.Host = tcpproxy.Start(t, location.Host, opens.relays).Addr()
	return location.String()
}

// silent makes a proxy discard everything after the first statement on each connection.
type silent struct{ atomic.Bool }

func (s *silent) relays() (up, down tcpproxy.Relay) {
	_, all := tcpproxy.All()
	if !s.Load() {
		return all, all
	}
	const query = 'Q'
	return func(to io.Writer, from io.Reader) {
		message := make([]byte, 4096)
		for {
			n, err := from.Read(message)
			if n > 0 && message[0] == query {
				_, _ = io.Copy(io.Discard, from)
			}
			if _, failed := to.Write(message[:n]); err != nil || failed != nil {
				return
			}
		}
	}, all
}
