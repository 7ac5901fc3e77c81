package sqlite

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
)

// underStrace runs this binary in a role under strace. It returns the lines that both of them printed.
func underStrace(t *testing.T, role, path string, options ...string) (said, seen []string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace, which is not installed (apt-get install strace)")
	}
	if complaint, err := exec.CommandContext(t.Context(), strace, "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("needs to trace processes, which is forbidden here: %s", bytes.TrimSpace(complaint))
	}
	trace := filepath.Join(t.TempDir(), "trace")
	command := append([]string{strace, "-f", "-o", trace, "-e", "trace=fsync,fdatasync,write"}, options...)
	output, err := as(t, role, path, command...).Output()
	if err != nil {
		t.Fatal(err)
	}
	traced, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(output)), "\n"), strings.Split(string(traced), "\n")
}

// Every acknowledgement follows a successful sync of its own.
func TestEachInsertSyncs(t *testing.T) {
	synced := regexp.MustCompile(`(fsync|fdatasync)(\(| resumed).*= 0$`)
	said, seen := underStrace(t, "insert", filepath.Join(t.TempDir(), "fights.db"))
	acknowledged, syncs, all := 0, 0, 0
	for _, call := range seen {
		switch {
		case synced.MatchString(call):
			syncs++
			all++
		case strings.Contains(call, `write(1, "stored `):
			acknowledged++
			if syncs == 0 {
				t.Errorf("acknowledgement %d came without a sync", acknowledged)
			}
			syncs = 0
		}
	}
	t.Logf("%d acknowledged, %d syncs", acknowledged, all)
	if acknowledged != insertions || len(said) != insertions {
		t.Errorf("%d of %d acknowledged: %v", acknowledged, insertions, said)
	}
}

// A failed sync is never acknowledged. The store continues with a new connection. If the process dies instead, the next
// one may still find the fight, since it was written but not synced.
func TestFailedSync(t *testing.T) {
	for _, test := range []struct {
		name, role string
		last       string // the last line printed
	}{
		{"the store continues", "insert", "stored"},
		{"the process dies", "insert until it fails", "perhaps"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fights.db")
			said, seen := underStrace(t, test.role, path, "-e", "inject=fsync,fdatasync:error=EIO:when=8")
			if !strings.Contains(strings.Join(seen, "\n"), "INJECTED") {
				t.Fatal("no sync failed")
			}
			store, failures := openFights(t, path), 0
			for _, line := range said {
				answer, text, _ := strings.Cut(line, " ")
				id, err := fight.ParseID(text)
				if err != nil {
					t.Fatalf("the child printed %q", line)
				}
				if answer != "stored" {
					failures++
				}
				errs := map[string]error{"stored": nil, "perhaps": fight.ErrMaybeStored, "refused": errors.New("refused")}
				fighttest.Truthful(t, store, fight.Fight{ID: id}, errs[answer])
			}
			if failures != 1 || !strings.HasPrefix(said[len(said)-1], test.last) {
				t.Errorf("%d inserts failed, want 1, and the last to be %s: %v", failures, test.last, said)
			}
		})
	}
}

// limitFiles simulates a full disk: until restore is called, no file of this process can grow beyond size.
func limitFiles(t *testing.T, size int64) (restore func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
		signal.Reset(syscall.SIGXFSZ)
	}
}

// A failed write is never acknowledged and certainly not stored, and its connection is dropped. Once there is space
// again, the store is ready and works.
func TestFailedWrite(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) { testFailedWrite(t, Grouped(grouped)) })
	}
}

func testFailedWrite(t *testing.T, kind Option) {
	path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
	store := openFights(t, path, kind)
	said := map[fight.ID]error{}
	insert := func() error {
		f := fighttest.NewFight(ids)
		said[f.ID] = store.Insert(t.Context(), f, f.AppendJSON(nil))
		return said[f.ID]
	}
	for range 3 {
		if err := insert(); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	first := writer(t, store)
	restore := limitFiles(t, log.Size()+100) // a part of the next write fits
	for range 3 {
		if err := insert(); !errors.Is(err, storage.ErrFull) || errors.Is(err, fight.ErrMaybeStored) {
			t.Errorf("got %v, want storage.ErrFull without fight.ErrMaybeStored", err)
		}
		if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrFull) {
			t.Errorf("Ping with a full disk: %v", err)
		}
		if all := fighttest.Everything(t, store); len(all) != 3 {
			t.Errorf("%d fights can be read", len(all))
		}
		if next := writer(t, store); next == first {
			t.Error("the connection whose write failed is used again")
		}
	}
	restore()
	if err := store.Ping(t.Context()); err != nil {
		t.Errorf("Ping with space again: %v", err)
	}
	for range 3 {
		if err := insert(); err != nil {
			t.Errorf("with space again: %v", err)
		}
	}
	check := func(store *Fights) {
		t.Helper()
		for id, err := range said {
			fighttest.Truthful(t, store, fight.Fight{ID: id}, err)
		}
	}
	check(store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	check(openFights(t, path))
}
