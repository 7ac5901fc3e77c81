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

// lockElsewhere makes another process take the write lock, and returns a function that releases it.
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
		t.Fatalf("the other process printed %q: %v", line, err)
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

	const writers = 3 // one waits for the lock, the others for that one
	refused, said := make([]fight.Fight, writers), make(chan error, writers)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for i := range refused {
		refused[i] = fighttest.NewFight(ids)
		go func() { said <- store.Insert(ctx, refused[i], refused[i].AppendJSON(nil)) }()
	}
	for range refused {
		// The lock is still held, so only the deadline can have ended the wait.
		if err := <-said; !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fight.ErrMaybeStored) {
			t.Errorf("got %v, want context.DeadlineExceeded without fight.ErrMaybeStored", err)
		}
	}

	if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("while locked, Ping returns %v", err)
	}

	waiting := fighttest.NewFight(ids)
	go func() { said <- store.Insert(t.Context(), waiting, waiting.AppendJSON(nil)) }()
	select {
	case err := <-said:
		t.Fatalf("inserted despite another process's lock: %v", err)
	case <-time.After(50 * time.Millisecond): // it may not be waiting yet, which makes the case easier
	}
	release()
	if err := <-said; err != nil {
		t.Errorf("after the lock was released: %v", err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("after the lock was released, Ping returns %v", err)
	}
	if all := fighttest.Everything(t, store); len(all) != 1 || all[0].ID != waiting.ID {
		t.Errorf("stored %v, want only the one that waited", all)
	}
}

// In a group, the first caller's batch waits for the lock; only the others can time out before their write begins.
func TestGroupWhileAnotherProcessHoldsTheLock(t *testing.T) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	store := openFights(t, path, Grouped(true))
	release := lockElsewhere(t, path)
	insert := func() (fight.Fight, error) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // enough for the first caller's batch to begin
		defer cancel()
		f := fighttest.NewFight(ids)
		return f, store.Insert(ctx, f, f.AppendJSON(nil))
	}
	first, said := insert()
	if !errors.Is(said, context.DeadlineExceeded) || !errors.Is(said, fight.ErrMaybeStored) {
		t.Errorf("the first: %v, want context.DeadlineExceeded with fight.ErrMaybeStored", said)
	}
	second, said := insert()
	if !errors.Is(said, context.DeadlineExceeded) || errors.Is(said, fight.ErrMaybeStored) {
		t.Errorf("the second: %v, want context.DeadlineExceeded without fight.ErrMaybeStored", said)
	}
	release()
	third := fighttest.NewFight(ids)
	if err := store.Insert(t.Context(), third, third.AppendJSON(nil)); err != nil {
		t.Errorf("after the lock was released: %v", err)
	}
	fighttest.Truthful(t, store, second, said)
	fighttest.Truthful(t, store, third, nil)
	for _, f := range fighttest.Everything(t, store) {
		if f.ID != first.ID && f.ID != third.ID {
			t.Errorf("%s is stored", f.ID)
		}
	}
}
