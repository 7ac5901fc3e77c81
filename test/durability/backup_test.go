package durability

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"superheroes/test/history"
	"superheroes/test/system"
)

// ending is longer than a command takes on a busy machine.
const ending = 10 * time.Minute

// A backup taken under load contains every fight acknowledged before it began, exactly as acknowledged, and its
// statistics match.
func TestBackup(t *testing.T) {
	program := system.Build(t)
	for _, profile := range []string{"strict", "eco"} {
		t.Run(profile, func(t *testing.T) {
			dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "backup")
			s := system.Up(t, program, dir, append(patience(), "--profile="+profile)...)
			clients, stop := newLedger(), atomic.Bool{}
			var group sync.WaitGroup
			defer group.Wait()
			defer stop.Store(true)
			for range 8 {
				group.Go(func() {
					for !stop.Load() {
						if got := clients.once(t.Context(), s.Fights, ""); got.Outcome != history.OK {
							t.Errorf("%+v", got)
						}
					}
				})
			}
			clients.await(t, 300)
			before := clients.known()
			backup := system.Start(t, program, nil, "backup", folder, "--data-dir="+dir)
			if code := backup.Wait(t, ending); code != 0 {
				t.Fatalf("exit code %d: %s", code, backup.Stderr.String())
			}
			clients.await(t, len(before)+100) // the load continues
			stop.Store(true)
			group.Wait()
			for _, name := range []string{"heroes", "villains", "locations", "fights"} {
				if file := filepath.Join(folder, name+".db"); !strings.Contains(backup.Stdout.String(), file) {
					t.Errorf("%s is not reported in:\n%s", file, backup.Stdout.String())
				}
			}
			checkNames(t, folder, "fights.db", "heroes.db", "locations.db", "villains.db")

			restored := system.Up(t, program, folder, patience()...)
			found, number, err := history.Settled(t.Context(), restored.Fights, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			if number != len(found) || len(found) < len(before) {
				t.Errorf("%d fights are counted, %d listed, %d were acknowledged before the backup", number, len(found), len(before))
			}
			texts := map[string]string{}
			for _, one := range found {
				texts[one.ID] = one.Text
			}
			for id, answer := range before {
				if texts[id] != answer {
					t.Errorf("acknowledged before the backup: %s\nin the backup: %s", answer, texts[id])
				}
			}
			said, _, err := history.Get(t.Context(), restored.Statistics+"/api/statistics")
			if want := expected(t, restored.Fights); err != nil || string(said) != string(want) {
				t.Errorf("stored %s\ncounted %s (%v)", want, said, err)
			}
			t.Logf("%d acknowledged before the backup, %d in it, %d at the end", len(before), len(found), len(clients.known()))
		})
	}
}

// known returns the fights acknowledged so far, by id.
func (l *ledger) known() map[string]string {
	copied := map[string]string{}
	l.note(func() {
		for id, answer := range l.acknowledged {
			copied[id] = answer
		}
	})
	return copied
}

// await waits until the given number of fights was acknowledged.
func (l *ledger) await(t *testing.T, number int) {
	t.Helper()
	for end := time.Now().Add(ending); len(l.known()) < number; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d fights were acknowledged, want %d", len(l.known()), number)
		}
	}
}

func checkNames(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("the folder has %v, want %v", names, want)
	}
}

// A failed backup says why in one line, and leaves nothing behind.
func TestBackupThatFails(t *testing.T) {
	program := system.Build(t)
	dir, at := t.TempDir(), t.TempDir()
	migrate := system.Start(t, program, nil, "migrate", "--data-dir="+dir)
	if code := migrate.Wait(t, ending); code != 0 {
		t.Fatal(migrate.Stderr.String())
	}
	full := filepath.Join(at, "full")
	damaged := t.TempDir()
	for _, name := range []string{"heroes", "villains", "locations", "fights"} {
		contents, err := os.ReadFile(filepath.Join(dir, name+".db"))
		if err == nil && name == "villains" {
			contents = contents[:len(contents)/2]
		}
		if err := errors.Join(err, os.WriteFile(filepath.Join(damaged, name+".db"), contents, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(full, 0o750), os.WriteFile(filepath.Join(full, "mine"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to, want string
	}{
		"a folder with something in it": {dir, full, full + " is not empty"},
		"no store":                      {t.TempDir(), filepath.Join(at, "a"), "there is no embedded store"},
		"nowhere to make the folder":    {dir, filepath.Join(at, "b", "c"), "b"},
		"a damaged file":                {damaged, filepath.Join(at, "d"), filepath.Join(damaged, "villains.db")},
	} {
		t.Run(name, func(t *testing.T) {
			backup := system.Start(t, program, nil, "backup", c.to, "--data-dir="+c.from)
			code, said := backup.Wait(t, ending), backup.Stderr.String()
			if code != 1 || strings.Count(said, "\n") != 1 || !strings.Contains(said, c.want) {
				t.Errorf("exit code %d: %s", code, said)
			}
		})
	}
	checkNames(t, full, "mine")
	checkNames(t, at, "full")
}

// A backup that is interrupted leaves nothing behind; otherwise it is complete.
func TestBackupThatIsStopped(t *testing.T) {
	program := system.Build(t)
	dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	seed := system.Start(t, program, nil, "seed", "heroes", "--count=200000", "--data-dir="+dir)
	if code := seed.Wait(t, ending); code != 0 {
		t.Fatal(seed.Stderr.String())
	}
	backup := system.Start(t, program, nil, "backup", folder, "--data-dir="+dir)
	for end := time.Now().Add(ending); ; time.Sleep(time.Millisecond) { // copying
		if info, err := os.Stat(filepath.Join(folder, "heroes.db.part")); err == nil && info.Size() > 1<<20 || time.Now().After(end) {
			break
		}
	}
	backup.Signal(t, syscall.SIGINT)
	if code := backup.Wait(t, ending); code == 0 {
		checkNames(t, folder, "heroes.db") // it had finished before
		return
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder still exists: %v", err)
	}
}
