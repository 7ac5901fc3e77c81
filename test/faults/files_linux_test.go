package faults

import (
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
	"superheroes/test/smalldisk"
	"superheroes/test/system"
)

// linuxTests returns tests that need Linux features to damage the embedded store's files, or to limit or observe the
// program.
func linuxTests() tests {
	all := tests{
		"file removed while a list is read": testRemovedWhileRead,
		"files locked":                      testLocked,
		"files locked at startup":           testLockedAtStart,
		"columns and tables renamed":        testRenamedColumn,
		"files damaged at startup":          testDamagedAtStart,
		"memory limit":                      testMemoryLimit,
		"network":                           testNetwork,
	}
	maps.Copy(all, repeatTests())
	for name, test := range map[string]func(t *testing.T, program, profile string){
		"disk full": testFullDisk, "trigger that refuses fights": testRefusingTrigger,
	} {
		for _, profile := range []string{"eco", "strict"} {
			all[name+", "+profile] = func(t *testing.T, program string) { test(t, program, profile) }
		}
	}
	for name, harm := range harms() {
		all[name+" under load"] = func(t *testing.T, program string) { testHarmUnderLoad(t, program, harm) }
	}
	for name, end := range ends() {
		all["disk read-only, "+name] = func(t *testing.T, program string) { testReadOnlyDisk(t, program, end) }
	}
	return all
}

// ends returns functions that end a process in different ways, keyed by name.
func ends() map[string]func(*testing.T, *system.Process) {
	return map[string]func(*testing.T, *system.Process){
		"stopped": stop,
		"killed":  func(_ *testing.T, p *system.Process) { p.Kill() },
	}
}

// fightsFile returns the path of the fights database that `up` creates in a folder.
func fightsFile(dir string) string { return filepath.Join(dir, "fights.db") }

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// replace replaces a file with a copy.
func replace(t *testing.T, path string) {
	t.Helper()
	contents, err := os.ReadFile(path)
	if err := errors.Join(err, os.WriteFile(path+".copy", contents, 0o600), os.Rename(path+".copy", path)); err != nil {
		t.Error(err)
	}
}

func truncate(t *testing.T, path string, size func(int64) int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, size(info.Size()))
	}
	if err != nil {
		t.Error(err)
	}
}

// harms returns functions that damage the files of the fights database, keyed by the kind of damage.
func harms() map[string]func(t *testing.T, db string) {
	half := func(size int64) int64 { return size / 2 }
	return map[string]func(t *testing.T, db string){
		"all files removed":     func(t *testing.T, db string) { remove(t, db, db+"-wal", db+"-shm") },
		"database removed":      func(t *testing.T, db string) { remove(t, db) },
		"log and index removed": func(t *testing.T, db string) { remove(t, db+"-wal", db+"-shm") },
		"database replaced":     replace,
		"database truncated":    func(t *testing.T, db string) { truncate(t, db, half) },
		"log emptied":           func(t *testing.T, db string) { truncate(t, db+"-wal", func(int64) int64 { return 0 }) },
		"log truncated":         func(t *testing.T, db string) { truncate(t, db+"-wal", half) },
	}
}

// testHarmUnderLoad checks that once the database files are missing or damaged, no fight is acknowledged, even under
// load, in either profile. The other services must continue to work. After a kill -9 and a restart, the fights service
// must either work again or exit with a helpful error.
func testHarmUnderLoad(t *testing.T, program string, harm func(t *testing.T, db string)) {
	for _, profile := range []string{"eco", "strict"} {
		t.Run(profile, func(t *testing.T) {
			dir := t.TempDir()
			s := system.Up(t, program, dir, "--profile="+profile)
			c := send(t, request{http.MethodPost, s.Fights + "/api/fights", fightBody})
			await.True(t, "fights are stored", func() bool { return c.acknowledged() > 50 })
			harm(t, fightsFile(dir))
			c.harmed.Store(true)
			c.awaitMore(t, 50)
			c.stop()
			if c.late > 0 {
				t.Errorf("%d fights requested after the files had been damaged were acknowledged", c.late)
			}
			for _, path := range []string{"/readyz", "/api/fights", "/api/fights/count"} {
				get(t, s.Fights+path).wantProblem(t, http.StatusServiceUnavailable, "the store is damaged")
			}
			wantOK(t, s.Heroes+"/readyz")
			wantOK(t, s.Heroes+"/api/heroes/random_hero")
			log := s.Processes["fights"].Stderr.String()
			if !strings.Contains(log, fightsFile(dir)) || !strings.Contains(log, "restore a backup") {
				t.Errorf("the log doesn't name the file and the remedy:\n%s", log)
			}
			s.Processes["fights"].Kill()
			startsOrSays(t, program, fightsFile(dir))
		})
	}
}

// startsOrSays starts the fights service with an SQLite file, and checks that the service either becomes ready and
// works, or exits with a line that names the file and the remedy.
func startsOrSays(t *testing.T, program, file string) {
	t.Helper()
	s := start(t, program, "fights", append(newCatalogs(t).env(), "MONGODB_URL=sqlite:"+file))
	ended := false
	await.True(t, "the service is ready or has exited", func() bool {
		got, err := try(t, http.MethodGet, s.url+"/readyz", "")
		ended = strings.Contains(s.Stderr.String(), "restore a backup")
		return err == nil && got.status == http.StatusOK || ended
	})
	if ended {
		wantOneLine(t, s.Process, file, "restore a backup")
		return
	}
	wantOK(t, s.url+"/api/fights?limit=100")
	post(t, s.url).want(t, http.StatusOK)
}

// testRemovedWhileRead checks that if the database file is removed while a list is being sent, clients can tell that
// the list is incomplete.
func testRemovedWhileRead(t *testing.T, program string) {
	dir := t.TempDir()
	seed := system.Start(t, program, nil, "seed", "heroes", "--count=50000", "--data-dir="+dir)
	if code := seed.Wait(t, 2*hang); code != 0 {
		t.Fatal(seed.Stderr.String())
	}
	s := system.Up(t, program, dir)
	response, err := system.Client().Get(s.Heroes + "/api/heroes")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.CopyN(io.Discard, response.Body, 1000); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, "heroes.db"))
	await.True(t, "not ready", func() bool { return get(t, s.Heroes+"/readyz").status == http.StatusServiceUnavailable })
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading the list ended with the error %v, want an unexpected EOF", err)
	}
	get(t, s.Heroes+"/api/heroes").wantProblem(t, http.StatusServiceUnavailable, "the store is damaged")
	await.True(t, "picks fail as well", func() bool { // picks may come from memory for up to a second
		return get(t, s.Heroes+"/api/heroes/random_hero").status == http.StatusServiceUnavailable
	})
	wantOK(t, s.Villains+"/api/villains/random_villain")
}

// wantReadOnly checks that the system serves reads but accepts no writes.
func wantReadOnly(t *testing.T, s *system.System, stored int) {
	t.Helper()
	for _, url := range []string{
		s.Heroes + "/readyz", s.Heroes + "/api/heroes", s.Locations + "/api/locations/random", s.Statistics + "/readyz", s.Fights + "/api/fights",
	} {
		wantOK(t, url)
	}
	if got := wantOK(t, s.Fights+"/api/fights/count"); !strings.Contains(got.body, fmt.Sprint(stored)) {
		t.Errorf("%d fights were acknowledged, but the count is %s", stored, got.body)
	}
	post(t, s.Fights).wantProblem(t, http.StatusServiceUnavailable, "the fight was not stored")
	wantUnready(t, s.Fights, "accepts no writes")
	ada := `{"name":"Ada","powers":"` + strings.Repeat("x", 20000) + `"}`
	got := ask(t, http.MethodPost, s.Heroes+"/api/heroes", ada, "Authorization", "Bearer "+system.AdminToken)
	got.wantProblem(t, http.StatusServiceUnavailable, "accepts no writes")
	if strings.Contains(got.body, "may have") {
		t.Errorf("the outcome of a refused change is reported as uncertain: %s", got.body)
	}
}

// testFullDisk checks that on a full disk, reads succeed and no fight has an uncertain outcome. Once space is available
// again, everything must work, even if the service was started while the disk was full.
func testFullDisk(t *testing.T, program, profile string) {
	for name, end := range ends() {
		t.Run(name, func(t *testing.T) {
			dir := smalldisk.Mount(t, "4m")
			// The time limits are long, so that a busy machine doesn't make any outcome uncertain.
			args := []string{"--profile=" + profile, "--deadline=2m", "--write-timeout=3m"}
			s := system.Up(t, program, dir, args...)
			c := fillUp(t, s, dir)
			wantReadOnly(t, s, len(c.stored))

			end(t, s.Processes["fights"])
			remove(t, filler(dir))
			smalldisk.Fill(t, dir) // fill the space that was freed when the process exited
			s = upAlive(t, program, dir, args...)
			wantReadOnly(t, s, len(c.stored))
			const warning = "fights - WARN - the store can be read but accepts no writes now"
			if log := s.Processes["fights"].Stderr.String(); strings.Count(log, warning) != 1 || !strings.Contains(log, fightsFile(dir)) {
				t.Errorf("the startup log doesn't contain exactly one warning, or doesn't name the file:\n%s", log)
			}

			remove(t, filler(dir))
			remount(t, dir, 0, "size=64m")
			fightAgain(t, s, c)
			checkStored(t, s.Fights, c)
			s.Processes["fights"].Kill()
			checkStored(t, system.Up(t, program, dir, "--profile="+profile).Fights, c)
		})
	}
}

// fillUp posts fights until the disk is full, and checks that each refusal says that the fight was not stored.
func fillUp(t *testing.T, s *system.System, dir string) *clients {
	t.Helper()
	fight := request{http.MethodPost, s.Fights + "/api/fights", fightBody}
	c := send(t, fight)
	await.True(t, "the disk is full", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.refusals) > 0
	})
	c.awaitMore(t, 100)
	c.stop()
	smalldisk.Fill(t, dir)
	for refusal := range c.refusals {
		if !strings.HasPrefix(refusal, "503 ") || !strings.HasSuffix(refusal, "the fight was not stored") {
			t.Errorf("%d times: %s", c.refusals[refusal], refusal)
		}
	}
	// SQLite's write-ahead log may have space for a few more fights. Because readiness reflects the last write, the
	// test posts fights until a write fails.
	await.True(t, "a fight is refused", func() bool {
		got := ask(t, fight.method, fight.path, fight.body)
		c.note(got, false)
		return got.status == http.StatusServiceUnavailable
	})
	return c
}

// filler returns the path of the file that uses up the space on a small disk.
func filler(dir string) string { return filepath.Join(dir, "filler") }

// remount changes the mount options of a small disk.
func remount(t *testing.T, dir string, flags uintptr, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, options); err != nil {
		t.Fatal(err)
	}
}

// fightAgain waits until the fights service is ready again, and then stores a fight.
func fightAgain(t *testing.T, s *system.System, c *clients) {
	t.Helper()
	awaitOK(t, s.Fights+"/readyz")
	c.note(post(t, s.Fights).want(t, http.StatusOK), false)
}

// upAlive starts all services, without waiting until the fights service is ready.
func upAlive(t *testing.T, program, dir string, args ...string) *system.System {
	t.Helper()
	s, env := system.FreeUp(t)
	env = append(env, "DATA_DIR="+dir, "ADMIN_TOKEN="+system.AdminToken)
	up := system.Start(t, program, env, append([]string{"up"}, args...)...)
	up.Ready(t, s.Heroes+"/readyz")
	await.True(t, "fights serves", func() bool { // later than the catalogs
		got, err := try(t, http.MethodGet, s.Fights+"/readyz", "")
		return err == nil && !strings.Contains(got.body, "the service is starting")
	})
	s.Processes = map[string]*system.Process{"fights": up}
	return s
}

// testReadOnlyDisk checks that data on a read-only disk can be read, and that new fights are stored once the disk is
// writable again.
func testReadOnlyDisk(t *testing.T, program string, end func(*testing.T, *system.Process)) {
	dir := smalldisk.Mount(t, "4m")
	s := system.Up(t, program, dir)
	c := newClients()
	fightAgain(t, s, c)
	end(t, s.Processes["fights"])
	remount(t, dir, syscall.MS_RDONLY, "")
	s = upAlive(t, program, dir)
	wantReadOnly(t, s, 1)
	remount(t, dir, 0, "")
	fightAgain(t, s, c)
	checkStored(t, s.Fights, c)
}

// elsewhere opens a database file the way another program would.
func elsewhere(t *testing.T, file string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", file+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func execSQL(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// testLocked checks that while another program holds the database lock, the fights service is not ready and refuses new
// fights, but still serves stored fights.
func testLocked(t *testing.T, program string) {
	for _, profile := range []string{"eco", "strict"} {
		t.Run(profile, func(t *testing.T) {
			dir := t.TempDir()
			s := system.Up(t, program, dir, "--profile="+profile, "--deadline=6s")
			other := elsewhere(t, fightsFile(dir))
			execSQL(t, other, "BEGIN EXCLUSIVE")
			const refusal = "the store is locked; the fight was not stored"
			post(t, s.Fights).wantProblem(t, http.StatusServiceUnavailable, refusal)
			wantUnready(t, s.Fights, "the store is locked")
			wantOK(t, s.Fights+"/api/fights")
			wantOK(t, s.Heroes+"/readyz")
			execSQL(t, other, "ROLLBACK")
			awaitOK(t, s.Fights+"/readyz")
			post(t, s.Fights).want(t, http.StatusOK)
		})
	}
}

// testLockedAtStart checks that if the database file is locked at startup, a service waits for it, and exits after the
// time limit with an error that mentions the lock.
func testLockedAtStart(t *testing.T, program string) {
	file := fightsFile(t.TempDir())
	env := append(newCatalogs(t).env(), "MONGODB_URL=sqlite:"+file)
	first := start(t, program, "fights", env)
	first.Ready(t, first.url+"/readyz")
	first.Kill()
	other, again := elsewhere(t, file), elsewhere(t, file)
	execSQL(t, other, "PRAGMA locking_mode = EXCLUSIVE")
	execSQL(t, other, "BEGIN EXCLUSIVE")
	s := start(t, program, "fights", env, "--store-wait=10m")
	s.lives(t)
	wantUnready(t, s.url, "starting")
	execSQL(t, other, "ROLLBACK")
	_ = other.Close()
	s.Ready(t, s.url+"/readyz")
	post(t, s.url).want(t, http.StatusOK)
	s.Kill()
	for _, statement := range []string{"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"} {
		execSQL(t, again, statement)
	}
	wantOneLine(t, start(t, program, "fights", env, "--store-wait=1s").Process, file, "is locked by another program")
}

// testRenamedColumn checks that readiness and requests report a schema error while a column or table has the wrong
// name.
func testRenamedColumn(t *testing.T, program string) {
	dir := t.TempDir()
	s := system.Up(t, program, dir)
	for _, c := range []struct{ file, rename, back, base, read string }{
		{"fights.db", "fight RENAME document TO text", "fight RENAME text TO document", s.Fights, "/api/fights"},
		{"heroes.db", "hero RENAME TO champion", "champion RENAME TO hero", s.Heroes, "/api/heroes"},
		{"fights.db", "statistics_place RENAME TO places", "places RENAME TO statistics_place", s.Statistics, "/api/statistics"},
	} {
		other := elsewhere(t, filepath.Join(dir, c.file))
		execSQL(t, other, "ALTER TABLE "+c.rename)
		wantUnready(t, c.base, "schema")
		get(t, c.base+c.read).wantProblem(t, http.StatusInternalServerError, "schema")
		execSQL(t, other, "ALTER TABLE "+c.back)
		wantOK(t, c.base+"/readyz")
		wantOK(t, c.base+c.read)
	}
}

// testRefusingTrigger checks that a trigger that rejects all fights makes the service report "not ready", but a trigger
// that rejects a single fight doesn't.
func testRefusingTrigger(t *testing.T, program, profile string) {
	for _, action := range []string{"ABORT, 'no'", "IGNORE"} {
		t.Run(action, func(t *testing.T) {
			dir := t.TempDir()
			s := system.Up(t, program, dir, "--profile="+profile)
			other := elsewhere(t, fightsFile(dir))
			fight := func(body string) answer { return ask(t, http.MethodPost, s.Fights+"/api/fights", body) }
			trigger := "CREATE TRIGGER refuse BEFORE INSERT ON fight %s BEGIN SELECT RAISE(" + action + "); END"
			execSQL(t, other, fmt.Sprintf(trigger, "WHEN instr(NEW.document, CAST('Mallory' AS BLOB))"))
			mallory := strings.Replace(fightBody, fakepeer.Hero, `{"name":"Mallory"}`, 1)
			fight(mallory).wantProblem(t, http.StatusInternalServerError, "schema")
			wantOK(t, s.Fights+"/readyz")
			fight(fightBody).want(t, http.StatusOK)
			execSQL(t, other, "DROP TRIGGER refuse")
			execSQL(t, other, fmt.Sprintf(trigger, ""))
			for range 2 {
				fight(fightBody).wantProblem(t, http.StatusInternalServerError, "was not stored")
				wantUnready(t, s.Fights, "schema")
			}
			wantOK(t, s.Fights+"/api/fights")
			wantOK(t, s.Heroes+"/readyz")
			execSQL(t, other, "DROP TRIGGER refuse")
			wantOK(t, s.Fights+"/readyz")
			fight(fightBody).want(t, http.StatusOK)
			if got := wantOK(t, s.Fights+"/api/fights/count").body; got != `{"count":2}` {
				t.Errorf("after fights were rolled back, the count is %s, want 2", got)
			}
		})
	}
}

// testDamagedAtStart checks that if a service's database file is damaged at startup, the service exits with an error
// that names the file and the remedy.
func testDamagedAtStart(t *testing.T, program string) {
	dir := t.TempDir()
	s := system.Up(t, program, dir)
	for range 20 {
		wantOK(t, s.Fights+execute)
	}
	s.Processes["fights"].Signal(t, syscall.SIGTERM)
	s.Processes["fights"].Wait(t, hang)
	for _, c := range []struct {
		service, variable, file string
		damage                  func(path string) error
	}{
		{"heroes", "DATABASE_URL", "heroes.db", func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600)
		}},
		{"fights", "MONGODB_URL", "fights.db", func(path string) error { return os.Truncate(path, 20000) }},
		{"statistics", "MONGODB_URL", "fights.db", func(path string) error { return os.Truncate(path, 20000) }},
		{"locations", "MYSQL_URL", "locations.db", func(path string) error { return os.Truncate(path, 10000) }},
	} {
		t.Run(c.service, func(t *testing.T) {
			path := filepath.Join(dir, c.file)
			if err := c.damage(path); err != nil {
				t.Fatal(err)
			}
			refused := start(t, program, c.service, append(newCatalogs(t).env(), c.variable+"=sqlite:"+path))
			wantOneLine(t, refused.Process, path, "restore a backup")
		})
	}
}
