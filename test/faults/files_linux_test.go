package faults

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
	"superheroes/test/smalldisk"
	"superheroes/test/system"
)

// TestFiles harms the files of the embedded store under the real program, and checks its behaviour and messages.
func TestFiles(t *testing.T) {
	program := system.Build(t)
	for name, test := range map[string]func(*testing.T, string){
		"harm under load": testHarmUnderLoad, "removed while a list is read": testRemovedWhileRead, "full disk": testFullDisk,
		"read-only disk": testReadOnlyDisk, "locked": testLocked, "renamed column": testRenamedColumn, "refusing trigger": testRefusingTrigger,
		"damaged at the start": testDamagedAtStart,
	} {
		t.Run(name, func(t *testing.T) { test(t, program) })
	}
}

// fightBody is the body of a posted fight.
const fightBody = `{"hero":` + fakepeer.Hero + `,"villain":` + fakepeer.Villain + `}`

// clients post fights until they are stopped, and record the responses.
type clients struct {
	group    sync.WaitGroup
	stopped  atomic.Bool
	harmed   atomic.Bool // a request that begins from now on must not be acknowledged
	asked    atomic.Int64
	mu       sync.Mutex
	stored   map[string]bool // acknowledged ids
	late     int             // number of fights acknowledged although sent after the harm
	refusals map[string]int  // by detail
}

func send(t *testing.T, fights string, number int) *clients {
	t.Helper()
	c := &clients{stored: map[string]bool{}, refusals: map[string]int{}}
	for range number {
		c.group.Go(func() {
			for !c.stopped.Load() {
				harmed := c.harmed.Load()
				got, err := try(t, http.MethodPost, fights+"/api/fights", fightBody)
				if err == nil {
					c.note(got, harmed)
				}
				c.asked.Add(1)
			}
		})
	}
	t.Cleanup(c.stop)
	return c
}

func (c *clients) stop() {
	c.stopped.Store(true)
	c.group.Wait()
}

func (c *clients) note(got answer, harmed bool) {
	var body struct{ ID, Detail string }
	_ = json.Unmarshal([]byte(got.body), &body) // anything but JSON has neither
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case got.status != http.StatusOK:
		c.refusals[fmt.Sprint(got.status, " ", body.Detail)]++
	case harmed:
		c.late++
		fallthrough
	default:
		c.stored[body.ID] = true
	}
}

// acknowledged returns the number of acknowledged fights.
func (c *clients) acknowledged() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.stored)
}

// fightsFile returns the path of up's database of fights in a folder.
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

// From the moment its files are missing or damaged, no fight is acknowledged, even under load, in either profile. The
// other services continue. After a kill -9, a restart yields a working service or one helpful line.
func testHarmUnderLoad(t *testing.T, program string) {
	for name, harm := range map[string]func(t *testing.T, db string){
		"all files removed":         func(t *testing.T, db string) { remove(t, db, db+"-wal", db+"-shm") },
		"database removed":          func(t *testing.T, db string) { remove(t, db) },
		"log and its index removed": func(t *testing.T, db string) { remove(t, db+"-wal", db+"-shm") },
		"database replaced":         func(t *testing.T, db string) { replace(t, db) },
		"database truncated":        func(t *testing.T, db string) { truncate(t, db, func(size int64) int64 { return size / 2 }) },
		"log emptied":               func(t *testing.T, db string) { truncate(t, db+"-wal", func(int64) int64 { return 0 }) },
		"log truncated":             func(t *testing.T, db string) { truncate(t, db+"-wal", func(size int64) int64 { return size / 2 }) },
	} {
		for _, profile := range []string{"eco", "strict"} {
			t.Run(name+", "+profile, func(t *testing.T) {
				dir := t.TempDir()
				s := system.Up(t, program, dir, "--profile="+profile)
				c := send(t, s.Fights, 8)
				await.True(t, "fights are stored", func() bool { return c.acknowledged() > 50 })
				harm(t, fightsFile(dir))
				c.harmed.Store(true)
				asked := c.asked.Load()
				await.True(t, "it was asked after that", func() bool { return c.asked.Load() > asked+50 })
				c.stop()
				if c.late > 0 {
					t.Errorf("%d fights sent after the harm were acknowledged", c.late)
				}
				t.Log(c.refusals)
				for _, path := range []string{"/readyz", "/api/fights", "/api/fights/count"} {
					get(t, s.Fights+path).wantProblem(t, http.StatusServiceUnavailable, "the store is damaged")
				}
				get(t, s.Heroes+"/readyz").want(t, http.StatusOK)
				get(t, s.Heroes+"/api/heroes/random_hero").want(t, http.StatusOK)
				log := s.Processes["fights"].Stderr.String()
				if !strings.Contains(log, fightsFile(dir)) || !strings.Contains(log, "restore a backup") {
					t.Errorf("the log doesn't name the file and what to do:\n%s", log)
				}
				s.Processes["fights"].Kill()
				startsOrSays(t, program, fightsFile(dir))
			})
		}
	}
}

// startsOrSays starts the fights service on a file. Either it becomes ready and readable, or it exits with a line
// that names the file and the remedy.
func startsOrSays(t *testing.T, program, file string) {
	t.Helper()
	s := start(t, program, "fights", append(newCatalogs(t).env(), "MONGODB_URL=sqlite:"+file))
	ended := false
	await.True(t, "it is ready or has ended", func() bool {
		got, err := try(t, http.MethodGet, s.url+"/readyz", "")
		ended = strings.Contains(s.Stderr.String(), "restore a backup")
		return err == nil && got.status == http.StatusOK || ended
	})
	if ended {
		wantOneLine(t, s.Process, file, "restore a backup")
		return
	}
	get(t, s.url+"/api/fights?limit=100").want(t, http.StatusOK)
	ask(t, http.MethodPost, s.url+"/api/fights", fightBody).want(t, http.StatusOK)
}

// A list whose file disappears while it is sent doesn't look complete.
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
	await.True(t, "it is noticed", func() bool { return get(t, s.Heroes+"/readyz").status == http.StatusServiceUnavailable })
	if _, err := io.Copy(io.Discard, response.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the list ended with %v", err)
	}
	get(t, s.Heroes+"/api/heroes").wantProblem(t, http.StatusServiceUnavailable, "the store is damaged")
	await.True(t, "picks fail as well", func() bool { // they may be a second old
		return get(t, s.Heroes+"/api/heroes/random_hero").status == http.StatusServiceUnavailable
	})
	get(t, s.Villains+"/api/villains/random_villain").want(t, http.StatusOK)
}

// wantReadOnly checks a system that can be read but accepts no fights.
func wantReadOnly(t *testing.T, s *system.System, stored int) {
	t.Helper()
	for _, url := range []string{s.Heroes + "/readyz", s.Heroes + "/api/heroes", s.Locations + "/api/locations/random_location", s.Statistics + "/readyz", s.Fights + "/api/fights"} {
		get(t, url).want(t, http.StatusOK)
	}
	if got := get(t, s.Fights+"/api/fights/count").want(t, http.StatusOK); !strings.Contains(got.body, fmt.Sprint(stored)) {
		t.Errorf("%d fights were acknowledged, and the count is %s", stored, got.body)
	}
	ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody).wantProblem(t, http.StatusServiceUnavailable, "the fight was not stored")
	get(t, s.Fights+"/readyz").wantProblem(t, http.StatusServiceUnavailable, "takes no writes")
	got := ask(t, http.MethodPost, s.Heroes+"/api/heroes", `{"name":"Ada","powers":"`+strings.Repeat("x", 20000)+`"}`, "Authorization", "Bearer "+system.AdminToken)
	got.wantProblem(t, http.StatusServiceUnavailable, "takes no writes")
	if strings.Contains(got.body, "may have") {
		t.Errorf("a change is in doubt: %s", got.body)
	}
}

// On a full disk no fight is in doubt, everything can be read, and when there is room again everything works, even
// after a start on the full disk.
func testFullDisk(t *testing.T, program string) {
	for _, profile := range []string{"eco", "strict"} {
		for name, end := range map[string]func(*system.Process){
			"stopped": func(p *system.Process) { p.Signal(t, syscall.SIGTERM); p.Wait(t, hang) },
			"killed":  func(p *system.Process) { p.Kill() },
		} {
			t.Run(profile+", "+name, func(t *testing.T) {
				dir := smalldisk.Mount(t, "4m")
				// Nothing may be in doubt because of a busy machine.
				args := []string{"--profile=" + profile, "--deadline=2m", "--write-timeout=3m"}
				s := system.Up(t, program, dir, args...)
				c := send(t, s.Fights, 8)
				await.True(t, "the disk is full", func() bool {
					c.mu.Lock()
					defer c.mu.Unlock()
					return len(c.refusals) > 0
				})
				asked := c.asked.Load()
				await.True(t, "more was sent", func() bool { return c.asked.Load() > asked+100 })
				c.stop()
				filler := smalldisk.Fill(t, dir)
				for refusal := range c.refusals {
					if !strings.HasPrefix(refusal, "503 ") || !strings.HasSuffix(refusal, "the fight was not stored") {
						t.Errorf("%d times: %s", c.refusals[refusal], refusal)
					}
				}
				// SQLite's log may have room in it for a few fights more, and readiness tells of the last write.
				await.True(t, "no fight is stored any more", func() bool {
					got := ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody)
					c.note(got, false)
					return got.status == http.StatusServiceUnavailable
				})
				wantReadOnly(t, s, len(c.stored))

				end(s.Processes["fights"])
				remove(t, filler)
				filler = smalldisk.Fill(t, dir) // refill what the exit of the process has freed
				full := func() *system.System {
					t.Helper()
					return upAlive(t, program, dir, args...)
				}
				s = full()
				wantReadOnly(t, s, len(c.stored))
				if log := s.Processes["fights"].Stderr.String(); strings.Count(log, "fights - WARN - the store can be read but takes no writes now") != 1 || !strings.Contains(log, fightsFile(dir)) {
					t.Errorf("the start says:\n%s", log)
				}

				remove(t, filler)
				if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
					t.Fatal(err)
				}
				await.True(t, "it is ready again", func() bool { return get(t, s.Fights+"/readyz").status == http.StatusOK })
				got := ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody).want(t, http.StatusOK)
				c.note(got, false)
				checkStored(t, s.Fights, c)
				s.Processes["fights"].Kill()
				s = system.Up(t, program, dir, "--profile="+profile)
				checkStored(t, s.Fights, c)
			})
		}
	}
}

// upAlive starts all services; fights need not become ready.
func upAlive(t *testing.T, program, dir string, args ...string) *system.System {
	t.Helper()
	s, env := &system.System{}, []string{"DATA_DIR=" + dir, "ADMIN_TOKEN=" + system.AdminToken}
	for _, service := range []struct {
		name string
		base *string
	}{{"HEROES", &s.Heroes}, {"VILLAINS", &s.Villains}, {"LOCATIONS", &s.Locations}, {"FIGHTS", &s.Fights}, {"STATISTICS", &s.Statistics}, {"ARENA", &s.Arena}} {
		addr := system.FreeAddr(t)
		env = append(env, service.name+"_ADDR="+addr)
		*service.base = "http://" + addr
	}
	up := system.Start(t, program, env, append([]string{"up"}, args...)...)
	up.Ready(t, s.Heroes+"/readyz")
	service{up, s.Fights}.lives(t)
	s.Processes = map[string]*system.Process{"fights": up}
	return s
}

// checkStored checks that exactly the acknowledged fights are stored.
func checkStored(t *testing.T, fights string, c *clients) {
	t.Helper()
	found := map[string]bool{}
	for _, id := range stored(t, fights) {
		found[id] = true
		if !c.stored[id] {
			t.Errorf("%s is stored and was not acknowledged", id)
		}
	}
	for id := range c.stored {
		if !found[id] {
			t.Errorf("%s was acknowledged and is not stored", id)
		}
	}
}

// Data on a read-only disk can be read; fights work again when the disk is writable.
func testReadOnlyDisk(t *testing.T, program string) {
	for name, end := range map[string]func(*system.Process){
		"stopped": func(p *system.Process) { p.Signal(t, syscall.SIGTERM); p.Wait(t, hang) },
		"killed":  func(p *system.Process) { p.Kill() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := smalldisk.Mount(t, "4m")
			s := system.Up(t, program, dir)
			ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody).want(t, http.StatusOK)
			end(s.Processes["fights"])
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
				t.Fatal(err)
			}
			s = upAlive(t, program, dir)
			wantReadOnly(t, s, 1)
			if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, ""); err != nil {
				t.Fatal(err)
			}
			await.True(t, "it is ready again", func() bool { return get(t, s.Fights+"/readyz").status == http.StatusOK })
			ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody).want(t, http.StatusOK)
			if ids := stored(t, s.Fights); len(ids) != 2 {
				t.Errorf("%d fights are there, want 2", len(ids))
			}
		})
	}
}

// elsewhere opens a file like another program.
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

// While another program holds the lock, fights are refused but can be read, and readiness says so.
func testLocked(t *testing.T, program string) {
	for _, profile := range []string{"eco", "strict"} {
		t.Run(profile, func(t *testing.T) {
			dir := t.TempDir()
			s := system.Up(t, program, dir, "--profile="+profile, "--deadline=6s")
			other := elsewhere(t, fightsFile(dir))
			execSQL(t, other, "BEGIN EXCLUSIVE")
			ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody).wantProblem(t, http.StatusServiceUnavailable, "the store is locked; the fight was not stored")
			get(t, s.Fights+"/readyz").wantProblem(t, http.StatusServiceUnavailable, "the store is locked")
			get(t, s.Fights+"/api/fights").want(t, http.StatusOK)
			get(t, s.Heroes+"/readyz").want(t, http.StatusOK)
			execSQL(t, other, "ROLLBACK")
			await.True(t, "it is ready again", func() bool { return get(t, s.Fights+"/readyz").status == http.StatusOK })
			ask(t, http.MethodPost, s.Fights+"/api/fights", fightBody).want(t, http.StatusOK)
		})
	}
	t.Run("at the start", func(t *testing.T) {
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
		get(t, s.url+"/readyz").wantProblem(t, http.StatusServiceUnavailable, "starting")
		execSQL(t, other, "ROLLBACK")
		_ = other.Close()
		s.Ready(t, s.url+"/readyz")
		ask(t, http.MethodPost, s.url+"/api/fights", fightBody).want(t, http.StatusOK)
		s.Kill()
		for _, statement := range []string{"PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE"} {
			execSQL(t, again, statement)
		}
		wantOneLine(t, start(t, program, "fights", env, "--store-wait=1s").Process, file, "is locked by another program")
	})
}

// A renamed column is reported by readiness and requests, until it is back.
func testRenamedColumn(t *testing.T, program string) {
	dir := t.TempDir()
	s := system.Up(t, program, dir)
	for _, c := range []struct{ file, there, back, base, read string }{
		{"fights.db", "ALTER TABLE fight RENAME COLUMN document TO text", "ALTER TABLE fight RENAME COLUMN text TO document", s.Fights, "/api/fights"},
		{"heroes.db", "ALTER TABLE hero RENAME TO champion", "ALTER TABLE champion RENAME TO hero", s.Heroes, "/api/heroes"},
		{"fights.db", "ALTER TABLE statistics_place RENAME TO places", "ALTER TABLE places RENAME TO statistics_place", s.Statistics, "/api/statistics"},
	} {
		other := elsewhere(t, filepath.Join(dir, c.file))
		execSQL(t, other, c.there)
		get(t, c.base+"/readyz").wantProblem(t, http.StatusServiceUnavailable, "schema")
		get(t, c.base+c.read).wantProblem(t, http.StatusInternalServerError, "schema")
		execSQL(t, other, c.back)
		get(t, c.base+"/readyz").want(t, http.StatusOK)
		get(t, c.base+c.read).want(t, http.StatusOK)
	}
}

// A table that accepts no fights makes the service unready; one that refuses a single fight doesn't.
func testRefusingTrigger(t *testing.T, program string) {
	for _, c := range []struct{ profile, action string }{
		{"eco", "ABORT, 'no'"}, {"strict", "ABORT, 'no'"}, {"eco", "IGNORE"}, {"strict", "IGNORE"},
	} {
		t.Run(c.profile+" "+c.action, func(t *testing.T) {
			dir := t.TempDir()
			s := system.Up(t, program, dir, "--profile="+c.profile)
			other := elsewhere(t, fightsFile(dir))
			fight := func(body string) answer { return ask(t, http.MethodPost, s.Fights+"/api/fights", body) }
			trigger := "CREATE TRIGGER refuse BEFORE INSERT ON fight %s BEGIN SELECT RAISE(" + c.action + "); END"
			execSQL(t, other, fmt.Sprintf(trigger, "WHEN instr(NEW.document, CAST('Mallory' AS BLOB))"))
			fight(strings.Replace(fightBody, fakepeer.Hero, `{"name":"Mallory"}`, 1)).wantProblem(t, http.StatusInternalServerError, "schema")
			get(t, s.Fights+"/readyz").want(t, http.StatusOK)
			fight(fightBody).want(t, http.StatusOK)
			execSQL(t, other, "DROP TRIGGER refuse")
			execSQL(t, other, fmt.Sprintf(trigger, ""))
			for range 2 {
				fight(fightBody).wantProblem(t, http.StatusInternalServerError, "was not stored")
				get(t, s.Fights+"/readyz").wantProblem(t, http.StatusServiceUnavailable, "schema")
			}
			get(t, s.Fights+"/api/fights").want(t, http.StatusOK)
			get(t, s.Heroes+"/readyz").want(t, http.StatusOK)
			execSQL(t, other, "DROP TRIGGER refuse")
			get(t, s.Fights+"/readyz").want(t, http.StatusOK)
			fight(fightBody).want(t, http.StatusOK)
			if got := get(t, s.Fights+"/api/fights/count").want(t, http.StatusOK).body; got != `{"count":2}` {
				t.Errorf("after attempts that were rolled back, the count is %s", got)
			}
		})
	}
}

// A file that is damaged at startup is named along with the remedy, whichever service finds it.
func testDamagedAtStart(t *testing.T, program string) {
	dir := t.TempDir()
	s := system.Up(t, program, dir)
	for range 20 {
		get(t, s.Fights+execute).want(t, http.StatusOK)
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
			wantOneLine(t, start(t, program, c.service, append(newCatalogs(t).env(), c.variable+"=sqlite:"+path)).Process, path, "restore a backup")
		})
	}
}
