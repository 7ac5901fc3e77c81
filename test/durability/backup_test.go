package durability

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/test/history"
	"superheroes/test/system"
)

// ending is the time limit for a command, generous enough for a busy machine.
const ending = 10 * time.Minute

// TestBackup checks that a backup taken under load contains every fight acknowledged before the backup began, exactly
// as acknowledged, and that its statistics match these fights.
func TestBackup(t *testing.T) {
	t.Parallel()
	program := system.Build(t)
	for _, profile := range []string{"strict", "eco"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "backup")
			s := system.Up(t, program, dir, append(patience(), "--profile="+profile)...)
			load := (&load{ledger: newLedger(true), base: s.Fights}).start(t.Context(), 8)
			defer load.end()
			load.await(t, 300)
			before := load.known()
			code, said, complaint := command(t, program, "backup", folder, "--data-dir="+dir)
			if code != 0 {
				t.Fatalf("exit code %d: %s", code, complaint)
			}
			load.await(t, len(before)+100) // the load continues
			load.end()
			var names []string
			for _, name := range []string{"fights.db", "heroes.db", "locations.db", "villains.db"} {
				if names = append(names, name); !strings.Contains(said, filepath.Join(folder, name)) {
					t.Errorf("%s is missing from the output:\n%s", name, said)
				}
			}
			checkNames(t, folder, names...)

			restored := system.Up(t, program, folder, patience()...)
			found, number, err := history.Settled(t.Context(), restored.Fights, "", 0)
			if err != nil || number != len(found) {
				t.Errorf("the backup's fight count is %d, but %d fights are listed (error %v)", number, len(found), err)
			}
			if verdict := history.Check(load.known(), found); verdict.Changed+verdict.Duplicated+verdict.Unasked > 0 {
				t.Errorf("differences: %+v", verdict)
			}
			if verdict := history.Check(before, found); verdict.Lost > 0 || verdict.OK == 0 {
				t.Errorf("%d of the %d fights acknowledged before the backup are missing", verdict.Lost, verdict.OK)
			}
			counted, _, err := history.Get(t.Context(), restored.Statistics+"/api/statistics")
			if want := expected(t, restored.Fights); err != nil || string(counted) != string(want) {
				t.Errorf("the statistics are wrong: want %s\ngot %s (%v)", want, counted, err)
			}
			if len(load.faults) > 0 {
				t.Error(load.faults[0])
			}
		})
	}
}

// command runs the program to completion.
func command(t *testing.T, program string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := system.Start(t, program, nil, args...)
	code = p.Wait(t, ending)
	return code, p.Stdout.String(), p.Stderr.String()
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
		t.Errorf("the folder contains %v, want %v", names, want)
	}
}

// TestBackupThatFails checks that if a backup fails, the program explains the failure in one line and leaves no files
// behind.
func TestBackupThatFails(t *testing.T) {
	program := system.Build(t)
	dir, damaged, at := t.TempDir(), t.TempDir(), t.TempDir()
	for _, folder := range []string{dir, damaged} {
		if code, _, complaint := command(t, program, "migrate", "--data-dir="+folder); code != 0 {
			t.Fatal(complaint)
		}
	}
	full, villains := filepath.Join(at, "full"), filepath.Join(damaged, "villains.db")
	err := errors.Join(os.Truncate(villains, 8192), os.Mkdir(full, 0o750), os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, to, want string
	}{
		"the target is not empty": {dir, full, full + " is not empty"},
		"no store":                {t.TempDir(), filepath.Join(at, "a"), "there is no embedded store"},
		"the parent is missing":   {dir, filepath.Join(at, "b", "c"), "b"},
		"a damaged file":          {damaged, filepath.Join(at, "d"), villains},
	} {
		t.Run(name, func(t *testing.T) {
			code, _, complaint := command(t, program, "backup", c.to, "--data-dir="+c.from)
			if code != 1 || strings.Count(complaint, "\n") != 1 || !strings.Contains(complaint, c.want) {
				t.Errorf("exit code %d: %s", code, complaint)
			}
		})
	}
	checkNames(t, full, "mine")
	checkNames(t, at, "full")
}

// TestBackupThatIsStopped checks that an interrupted backup leaves no files behind, unless the backup had already
// completed.
func TestBackupThatIsStopped(t *testing.T) {
	t.Parallel()
	program := system.Build(t)
	dir, folder := t.TempDir(), filepath.Join(t.TempDir(), "backup")
	if code, _, complaint := command(t, program, "seed", "heroes", "--count=200000", "--data-dir="+dir); code != 0 {
		t.Fatal(complaint)
	}
	backup := system.Start(t, program, nil, "backup", folder, "--data-dir="+dir)
	for end := time.Now().Add(ending); ; time.Sleep(time.Millisecond) { // wait until the program is copying
		info, err := os.Stat(filepath.Join(folder, "heroes.db.part"))
		if err == nil && info.Size() > 1<<20 || time.Now().After(end) {
			break
		}
	}
	backup.Signal(t, syscall.SIGINT)
	if code := backup.Wait(t, ending); code == 0 {
		checkNames(t, folder, "heroes.db") // the backup had already finished
		return
	}
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder of the interrupted backup still exists: %v", err)
	}
}
