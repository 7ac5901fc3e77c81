package sqlite

import (
	"bufio"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
)

// lockElsewhere has another process take the write lock, and returns what gives it back.
func lockElsewhere(t *testing.T, path string) (release func()) {
	t.Helper()
	child := as(t, "hold the lock", path)
	input, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatalf("the other process said %q: %v", line, err)
	}
	return func() {
		_ = input.Close()
		if err := child.Wait(); err != nil {
			t.Errorf("the other process: %v", err)
		}
	}
}

func TestInsertWhileAnotherProcessHoldsTheLock(t *testing.T) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	store := openFights(t, path)
	release := lockElsewhere(t, path)

	const writers = 3 // one waits for the lock, the others for the one
	refused, said := make([]fight.Fight, writers), make(chan error, writers)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for i := range refused {
		refused[i] = fighttest.NewFight(ids)
		go func() { said <- store.Insert(ctx, refused[i], refused[i].AppendJSON(nil)) }()
	}
	for range refused {
		// The lock is still held: only the deadline can have ended the wait.
		if err := <-said; !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fight.ErrMaybeStored) {
			t.Errorf("got %v, want that the deadline passed and nothing was stored", err)
		}
	}

	if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("while it is locked, readiness says %v", err)
	}

	waiting := fighttest.NewFight(ids)
	go func() { said <- store.Insert(t.Context(), waiting, waiting.AppendJSON(nil)) }()
	select {
	case err := <-said:
		t.Fatalf("inserted beside the lock of another process: %v", err)
	case <-time.After(50 * time.Millisecond): // it may not have begun to wait: then the case is an easier one
	}
	release()
	if err := <-said; err != nil {
		t.Errorf("after the lock was given back: %v", err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("after the lock was given back, readiness says %v", err)
	}
	if all := fighttest.Everything(t, store); len(all) != 1 || all[0].ID != waiting.ID {
		t.Errorf("stored %v, want the one that waited", all)
	}
}

// In a group the first one's batch waits for the lock, and only the others' time can run out before their write begins.
func TestGroupWhileAnotherProcessHoldsTheLock(t *testing.T) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	store := openFights(t, path, Grouped(true))
	release := lockElsewhere(t, path)
	insert := func() (fight.Fight, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // in which the first one's batch surely begins
		defer cancel()
		f := fighttest.NewFight(ids)
		return f, store.Insert(ctx, f, f.AppendJSON(nil))
	}
	first, said := insert()
	if !errors.Is(said, context.DeadlineExceeded) || !errors.Is(said, fight.ErrMaybeStored) {
		t.Errorf("the first: %v, want that the deadline passed and that is open", said)
	}
	second, said := insert()
	if !errors.Is(said, context.DeadlineExceeded) || errors.Is(said, fight.ErrMaybeStored) {
		t.Errorf("the second: %v, want that the deadline passed and nothing was stored", said)
	}
	release()
	third := fighttest.NewFight(ids)
	if err := store.Insert(t.Context(), third, third.AppendJSON(nil)); err != nil {
		t.Errorf("after the lock was given back: %v", err)
	}
	fighttest.Truthful(t, store, second, said)
	fighttest.Truthful(t, store, third, nil)
	for _, f := range fighttest.Everything(t, store) {
		if f.ID != first.ID && f.ID != third.ID {
			t.Errorf("%s is stored", f.ID)
		}
	}
}
