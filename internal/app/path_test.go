package app_test

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"modernc.org/sqlite"

	"superheroes/internal/app"
)

// path records which functions of ours are on the stack, deepest last.
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
	var own []runtime.Frame
	for {
		frame, more := frames.Next()
		if strings.HasPrefix(frame.Function, "superheroes/internal/") && !strings.HasSuffix(frame.File, "_test.go") {
			own = append(own, frame)
		}
		if !more {
			break
		}
	}
	for _, frame := range slices.Backward(own) {
		if name := strings.TrimPrefix(frame.Function, "superheroes/internal/"); !slices.Contains(p.functions, name) {
			p.functions = append(p.functions, name)
		}
		if !slices.Contains(p.files, frame.File) {
			p.files = append(p.files, frame.File)
		}
	}
	return nil, nil
}

// TestPathOfAFight lists the functions of ours on the stack when a fight is stored, in `up` and eco. The list may only get shorter.
func TestPathOfAFight(t *testing.T) {
	var p path
	function := fmt.Sprintf("record_path_%d", time.Now().UnixNano()) // a name can't be registered again with -count=2
	if err := sqlite.RegisterScalarFunction(function, 0, p.record); err != nil {
		t.Fatal(err)
	}
	cfg := upConfig(t)
	for range 2 { // the second time with a database that records the path
		a := app.New("test", new(bytes.Buffer))
		if err := a.Up(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		p.functions, p.files = nil, nil
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
	const limit = 21
	if n := len(p.functions); n == 0 || n > limit {
		t.Errorf("the path has %d functions, want at most %d", n, limit)
	}
	t.Logf("%d functions in %d files:\n%s\n%s", len(p.functions), len(p.files), strings.Join(p.functions, "\n"), strings.Join(p.files, "\n"))
}
