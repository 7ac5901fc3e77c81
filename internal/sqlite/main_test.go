package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
)

// The test binary starts itself as a child process; this environment variable selects the role of the child.
const roleVariable = "FIGHT_SQLITE_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(path string) error{
		"hold the lock": holdLock, "insert at once": insertAtOnce,
		"insert": insertAll, "insert until it fails": insertUntilFailure,
	}
	role, given := os.LookupEnv(roleVariable)
	if !given {
		_ = flag.Set("test.parallel", "12") // the tests that run in parallel spend most of their time waiting
		goleak.VerifyTestMain(m)
		return
	}
	if err := roles[role](os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// as returns a command that runs this test binary in the given role.
func as(t *testing.T, role, path string, before ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	command := slices.Concat(before, []string{self, path})
	child := exec.CommandContext(t.Context(), command[0], command[1:]...)
	child.Env = append(os.Environ(), roleVariable+"="+role)
	child.Stderr = os.Stderr
	return child
}

// holdLock holds the write lock of a database until standard input is closed.
func holdLock(path string) error {
	db, err := Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Writes.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return nil
}

// lockElsewhere makes another process take the write lock of a database, and returns a function that releases the lock.
func lockElsewhere(t *testing.T, path string) (release func()) {
	t.Helper()
	child := as(t, "hold the lock", path)
	input, err := child.StdinPipe()
	must(t, err)
	output, err := child.StdoutPipe()
	must(t, err, child.Start())
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatalf("the process that takes the lock printed %q: %v", line, err)
	}
	return func() {
		_ = input.Close()
		if err := child.Wait(); err != nil {
			t.Errorf("the other process: %v", err)
		}
	}
}

// insertions is the number of fights that each caller in a child process inserts; insertAtOnce runs several callers
// concurrently.
const (
	insertions = 12
	callers    = 16
)

// insertAll inserts fights one by one, and prints each result with a separate write call.
func insertAll(path string) error { return insertEach(path, false) }

// insertUntilFailure is like insertAll, but exits at the first failure without closing the store.
func insertUntilFailure(path string) error { return insertEach(path, true) }

func insertEach(path string, exit bool) error {
	runtime.LockOSThread() // pins the goroutine to one thread, since strace counts calls per thread
	store, err := OpenFights(context.Background(), path, database.SQLiteFight, false)
	if err != nil {
		return err
	}
	ids := fight.NewIDs(fight.ID{})
	for range insertions {
		if insertOne(store, ids) != nil && exit {
			os.Exit(0)
		}
	}
	return store.Close()
}

// insertAtOnce is like insertAll, but inserts into a grouped store from many goroutines.
func insertAtOnce(path string) error {
	store, err := OpenFights(context.Background(), path, database.SQLiteFight, true)
	if err != nil {
		return err
	}
	ids := fight.NewIDs(fight.ID{})
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range insertions {
				_ = insertOne(store, ids)
			}
		})
	}
	group.Wait()
	return store.Close()
}

// insertOne inserts a fight, and prints its id and result.
func insertOne(store *Fights, ids *fight.IDs) error {
	f := fighttest.NewFight(ids)
	answer, err := "stored", store.Insert(context.Background(), f, f.AppendJSON(nil))
	switch {
	case errors.Is(err, fight.ErrMaybeStored):
		answer = "perhaps"
	case err != nil:
		answer = "refused"
	}
	fmt.Println(answer, f.ID)
	return err
}

func must(tb testing.TB, errs ...error) {
	tb.Helper()
	for _, err := range errs {
		if err != nil {
			tb.Fatal(err)
		}
	}
}

// opened opens a database that is closed at the end of the test.
func opened(t *testing.T, path string) *DB {
	t.Helper()
	db, err := Open(t.Context(), path)
	must(t, err)
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func openFights(tb testing.TB, path string, grouped bool) *Fights {
	tb.Helper()
	store, err := OpenFights(tb.Context(), path, database.SQLiteFight, grouped)
	must(tb, err)
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

// openNew opens a store in a new file.
func openNew(tb testing.TB, grouped bool) *Fights {
	tb.Helper()
	return openFights(tb, filepath.Join(tb.TempDir(), "fights.db"), grouped)
}

// run executes a statement on db.
func run(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// names reports whether err is of the given kind and has a message that contains all the words.
func names(err, kind error, words ...string) bool {
	if !errors.Is(err, kind) {
		return false
	}
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(err.Error(), word) })
}
