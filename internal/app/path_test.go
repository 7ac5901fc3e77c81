package app_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"

	"superheroes/internal/app"
	"superheroes/internal/catalog"
	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/location"
)

// path records the functions of this module that are on the stack, outermost first.
type path struct {
	mu        sync.Mutex
	functions []string
	files     []string
}

func (p *path) record(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	callers := make([]uintptr, 200)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	p.functions, p.files = nil, nil
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if name, ours := strings.CutPrefix(frame.Function, "superheroes/internal/"); ours && !strings.HasSuffix(frame.File, "_test.go") {
			p.functions = append(p.functions, strings.Replace(name, "[...]", "", 1))
			p.files = append(p.files, frame.File)
		}
	}
	slices.Reverse(p.functions)
	return nil, nil
}

// TestPathOfAFight compares the list of functions in ARCHITECTURE.md with the functions of this module that run for a
// fight, in `up` with the eco profile. It records the call stack while an item is picked and while the fight is stored.
func TestPathOfAFight(t *testing.T) {
	write, pick := pathOfWrite(t), pathOfPick(t)
	functions := slices.Concat(write.functions[:4], pick.functions, write.functions[4:])
	files := slices.Concat(write.files, pick.files)
	slices.Sort(files)
	const most, mostFiles = 12, 9
	if n := len(functions); n > most {
		t.Errorf("the path of a fight includes %d functions, want at most %d", n, most)
	}
	if n := len(slices.Compact(files)); n > mostFiles {
		t.Errorf("the path of a fight spans %d files, want at most %d", n, mostFiles)
	}
	const document, begin, end = "../../ARCHITECTURE.md", "```\nhttpserver.", "\n```\n"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, list, found := strings.Cut(string(text), begin)
	list, after, ended := strings.Cut(list, end)
	if !found || !ended {
		t.Fatal("ARCHITECTURE.md has no list of the functions on the path of a fight")
	}
	want, got := strings.TrimPrefix(begin, "```\n")+list, strings.Join(functions, "\n")
	if *update {
		err := os.WriteFile(document, []byte(before+"```\n"+got+end+after), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("the recorded path is\n%s\nbut ARCHITECTURE.md lists\n%s", got, want)
	}
}

// pathOfWrite returns the functions on the stack when a fight is stored.
func pathOfWrite(t *testing.T) *path {
	t.Helper()
	var p path
	function := fmt.Sprintf("record_path_%d", time.Now().UnixNano()) // unique, for -count=2
	if err := sqlite.RegisterScalarFunction(function, 0, p.record); err != nil {
		t.Fatal(err)
	}
	cfg := upConfig(t)
	cfg.AdminAddr = "127.0.0.1:0" // metrics add nothing to the path
	for range 2 {                 // the second start uses a database that records the path
		a := app.New("test", new(bytes.Buffer))
		if err := a.Up(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		if status, body := fetch(t, "http://"+a.Endpoints()[3].Addr+"/api/fights/execute_fight"); status != http.StatusOK {
			t.Errorf("got %d %s", status, body)
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		db, err := sql.Open("sqlite", filepath.Join(cfg.DataDir, "fights.db"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.Exec("CREATE TRIGGER IF NOT EXISTS path BEFORE INSERT ON fight BEGIN SELECT " + function + "(); END")
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(p.functions) < 4 {
		t.Fatalf("the recorded path of a write is only %q", p.functions)
	}
	return &p
}

// pathOfPick returns the functions on the stack when a row in memory is picked. It obtains the stack by provoking a
// panic in a catalog that has no picker.
func pathOfPick(t *testing.T) (p *path) {
	t.Helper()
	service, err := fight.NewService(t.Context(), fight.Sources{
		Heroes: &catalog.Service[character.Character]{}, Villains: &catalog.Service[character.Character]{},
		Locations: &catalog.Service[location.Location]{},
	}, emptyFights{})
	if err != nil {
		t.Fatal(err)
	}
	p = &path{}
	defer func() {
		if recover() == nil {
			t.Error("a pick from a catalog without a picker did not panic")
		}
		_, _ = p.record(nil, nil)
	}()
	_, _ = service.Pick(t.Context(), true)
	return p
}

// emptyFights is a fight store without fights.
type emptyFights struct{ fight.Store }

func (emptyFights) Last(context.Context) (fight.ID, error) { return fight.ID{}, nil }
