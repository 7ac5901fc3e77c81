package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
)

// The test binary runs itself as a child process; this variable selects its role.
const roleVariable = "FIGHT_SQLITE_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(path string) error{
		"hold the lock": holdLock, "insert": insertAll, "insert until it fails": insertUntilFailure, "insert at once": insertAtOnce,
	}
	role, given := os.LookupEnv(roleVariable)
	if !given {
		goleak.VerifyTestMain(m)
		return
	}
	if err := roles[role](os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// as returns a command that runs this binary in the role.
func as(t *testing.T, role, path string, before ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := slices.Concat(before, []string{self, path})
	child := exec.CommandContext(t.Context(), command[0], command[1:]...)
	child.Env = append(os.Environ(), roleVariable+"="+role)
	child.Stderr = os.Stderr
	return child
}

// holdLock holds the write lock until its standard input ends.
func holdLock(path string) error {
	db, err := Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	tx, err := db.Writes.Begin()
	if err != nil {
		return err
	}
	fmt.Println("locked")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return tx.Rollback()
}

// insertions is how many fights a child process inserts.
const insertions = 12

// insertAll inserts fights one by one and prints each result with its own write.
func insertAll(path string) error { return insertEach(path, func(error) {}) }

// insertUntilFailure is like insertAll, but exits at the first failure without closing the store.
func insertUntilFailure(path string) error {
	return insertEach(path, func(err error) {
		if err != nil {
			os.Exit(0)
		}
	})
}

func insertEach(path string, then func(error)) error {
	runtime.LockOSThread() // strace counts calls per thread
	ctx, ids := context.Background(), fight.NewIDs(fight.ID{})
	store, err := OpenFights(ctx, path, database.SQLiteFight)
	if err != nil {
		return err
	}
	for range insertions {
		then(insertOne(ctx, store, ids))
	}
	return store.Close()
}

// insertOne inserts a fight and prints the result.
func insertOne(ctx context.Context, store *Fights, ids *fight.IDs) error {
	f := fighttest.NewFight(ids)
	answer, err := "stored", store.Insert(ctx, f, f.AppendJSON(nil))
	switch {
	case errors.Is(err, fight.ErrMaybeStored):
		answer = "perhaps"
	case err != nil:
		answer = "refused"
	}
	fmt.Println(answer, f.ID)
	return err
}

// atOnce is the number of concurrent callers in insertAtOnce, each of which makes insertions inserts.
const atOnce = 16

// insertAtOnce is like insertAll with many callers of a grouped store.
func insertAtOnce(path string) error {
	ctx, ids := context.Background(), fight.NewIDs(fight.ID{})
	store, err := OpenFights(ctx, path, database.SQLiteFight, Grouped(true))
	if err != nil {
		return err
	}
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for range insertions {
				_ = insertOne(ctx, store, ids)
			}
		})
	}
	group.Wait()
	return store.Close()
}
