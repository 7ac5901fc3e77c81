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

// underStrace runs this test binary in a role under strace. It returns the output of the binary and of strace, split
// into lines.
func underStrace(t *testing.T, role, path string, options ...string) (said, seen []string) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed (apt-get install strace)")
	}
	if complaint, err := exec.CommandContext(t.Context(), strace, "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		t.Skipf("this system doesn't allow tracing processes: %s", bytes.TrimSpace(complaint))
	}
	trace := filepath.Join(t.TempDir(), "trace")
	command := []string{strace, "-f", "-o", trace, "-s", "20000", "-e", "trace=fsync,fdatasync,write,pwrite64"}
	command = append(command, options...)
	output, err := as(t, role, path, command...).Output()
	must(t, err)
	traced, err := os.ReadFile(trace)
	must(t, err)
	return strings.Split(strings.TrimSpace(string(output)), "\n"), strings.Split(string(traced), "\n")
}

// call is a system call in strace's output, with the numbers of the lines in which it begins and ends. The line numbers
// differ if strace printed another thread's call in between.
type call struct {
	text       string // begins with the call's name
	begin, end int
	failed     bool
}

// calls parses strace's output and returns the calls of all threads, in the order in which they began.
func calls(seen []string) (all []*call) {
	unfinished := map[string]*call{} // unfinished calls by thread
	for i, line := range seen {
		thread, text, _ := strings.Cut(line, " ")
		text = strings.TrimLeft(text, " ")
		if !strings.HasPrefix(text, "<... ") {
			unfinished[thread] = &call{text: text, begin: i}
			all = append(all, unfinished[thread])
		}
		if c := unfinished[thread]; c != nil && !strings.HasSuffix(text, "<unfinished ...>") {
			c.end, c.failed = i, strings.Contains(text, " = -1 ")
			delete(unfinished, thread)
		}
	}
	return all
}

// A fight is acknowledged only after a successful sync that began after the fight was written. The fights of a group
// share one sync.
func TestSyncs(t *testing.T) {
	for role, want := range map[string]struct{ fights, least, most int }{
		"insert":         {insertions, insertions, 2 * insertions}, // the maximum includes the syncs that create the file
		"insert at once": {callers * insertions, 1, callers * insertions / 2},
	} {
		t.Run(role, func(t *testing.T) {
			said, seen := underStrace(t, role, filepath.Join(t.TempDir(), "fights.db"))
			idOf := regexp.MustCompile(`\\"id\\":\\"([-0-9a-f]{36})\\",\\"fight_date`)
			written, acknowledged := map[string]*call{}, map[string]*call{}
			var syncs []*call
			for _, c := range calls(seen) {
				switch {
				case strings.HasPrefix(c.text, "pwrite64("):
					for _, id := range idOf.FindAllStringSubmatch(c.text, -1) {
						if written[id[1]] == nil { // a later write of the same page contains the fight as well
							written[id[1]] = c
						}
					}
				case strings.HasPrefix(c.text, `write(1, "stored `):
					acknowledged[strings.TrimPrefix(c.text, `write(1, "stored `)[:36]] = c
				case strings.Contains(c.text, "sync(") && !c.failed:
					syncs = append(syncs, c)
				}
			}
			if len(acknowledged) != want.fights || len(said) != want.fights {
				t.Errorf("%d of %d acknowledged", len(acknowledged), want.fights)
			}
			if len(syncs) < want.least || len(syncs) > want.most {
				t.Errorf("strace shows %d syncs for %d fights", len(syncs), want.fights)
			}
			for id, answer := range acknowledged {
				if !syncedBetween(written[id], answer, syncs) {
					t.Errorf("fight %s was acknowledged without a sync after its write", id)
				}
			}
		})
	}
}

func syncedBetween(write, answer *call, syncs []*call) bool {
	for _, sync := range syncs {
		if write != nil && write.end < sync.begin && 0 < sync.end && sync.end < answer.begin {
			return true
		}
	}
	return false
}

// If a sync fails, no fight of the transaction is acknowledged, and the store continues with a new connection. If the
// process dies instead, the next process may still find the fight, since it was written but not synced.
func TestFailedSync(t *testing.T) {
	for name, c := range map[string]struct {
		role, nth, last string // the last line printed
		perhaps         int    // maximum number of uncertain results
	}{
		"the store continues": {"insert", "8", "stored", 1},
		"the process dies":    {"insert until it fails", "8", "perhaps", 1},
		"a group":             {"insert at once", "2", "", callers * insertions / 2}, // strace counts calls per thread
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fights.db")
			must(t, openFights(t, path, false).Close()) // creates the file, which takes many syncs
			said, seen := underStrace(t, c.role, path, "-e", "inject=fsync,fdatasync:error=EIO:when="+c.nth)
			if !strings.Contains(strings.Join(seen, "\n"), "INJECTED") {
				t.Fatal("no sync failed")
			}
			store, counts := openFights(t, path, false), map[string]int{}
			for _, line := range said {
				answer, text, _ := strings.Cut(line, " ")
				id, err := fight.ParseID(text)
				if err != nil {
					t.Fatalf("the child printed %q", line)
				}
				counts[answer]++
				errs := map[string]error{"stored": nil, "perhaps": fight.ErrMaybeStored, "refused": errors.New("refused")}
				fighttest.Truthful(t, store, fight.Fight{ID: id}, errs[answer])
			}
			if counts["perhaps"] == 0 || counts["perhaps"] > c.perhaps || counts["stored"] == 0 || counts["refused"] > 0 {
				t.Errorf("got the results %v, want some stored and some uncertain", counts)
			}
			if !strings.HasPrefix(said[len(said)-1], c.last) {
				t.Errorf("the last result of %v is not %q", said, c.last)
			}
		})
	}
}

// padding is the file size at which the limit starts to apply. The padding must exceed the size of any log that the
// test binary writes.
const padding = 4 << 20

// limitFiles simulates a full disk: until restore is called, this process can't make any file larger than size.
func limitFiles(t *testing.T, size int64) (restore func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before),
		syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(size), Max: before.Max}))
	return func() {
		must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before))
		signal.Reset(syscall.SIGXFSZ)
	}
}

// A write that fails on a full disk is neither acknowledged nor stored, and its connection is dropped. Once there is
// space again, the store is ready and accepts writes.
func TestFailedWrite(t *testing.T) {
	for name, grouped := range kinds() {
		t.Run(name, func(t *testing.T) {
			path, ids := filepath.Join(t.TempDir(), "fights.db"), fight.NewIDs(fight.ID{})
			store, said := openFights(t, path, grouped), map[fight.ID]error{}
			insert := func() error {
				f := fighttest.NewFight(ids)
				said[f.ID] = store.Insert(t.Context(), f, f.AppendJSON(nil))
				return said[f.ID]
			}
			run(t, store.db.Writes, "CREATE TABLE padding AS SELECT zeroblob(?)", padding)
			must(t, insert(), insert(), insert())
			first := writer(t, store)
			restore := limitFiles(t, size(t, path+"-wal")+100) // leaves room for only part of the next write
			for range 3 {
				if err := insert(); !errors.Is(err, storage.ErrFull) || errors.Is(err, fight.ErrMaybeStored) {
					t.Errorf("inserting with a full disk: got %v, want storage.ErrFull without fight.ErrMaybeStored", err)
				}
				if err := store.Ping(t.Context()); !errors.Is(err, storage.ErrFull) {
					t.Errorf("Ping with a full disk: %v", err)
				}
				if all := fighttest.Everything(t, store); len(all) != 3 {
					t.Errorf("with a full disk, %d fights can be read", len(all))
				}
				if next := writer(t, store); next == first {
					t.Error("the store still uses the connection whose write failed")
				}
			}
			restore()
			if err := errors.Join(store.Ping(t.Context()), insert(), insert(), insert()); err != nil {
				t.Errorf("with space again: %v", err)
			}
			check := func(store *Fights) {
				t.Helper()
				for id, err := range said {
					fighttest.Truthful(t, store, fight.Fight{ID: id}, err)
				}
			}
			check(store)
			must(t, store.Close())
			check(openFights(t, path, false))
		})
	}
}

// A backup that runs out of disk space fails, and leaves no file behind.
func TestBackupWithoutRoom(t *testing.T) {
	db, path := filled(t)
	run(t, db.Writes, "INSERT INTO t VALUES (zeroblob(?))", 2*padding)
	restore, to := limitFiles(t, padding), filepath.Join(t.TempDir(), "copy.db")
	err := Backup(t.Context(), path, to)
	restore()
	if !errors.Is(err, storage.ErrFull) {
		t.Errorf("got %v, want storage.ErrFull", err)
	}
	if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the failed backup left a file behind: %v", err)
	}
	must(t, Backup(t.Context(), path, to))
}
