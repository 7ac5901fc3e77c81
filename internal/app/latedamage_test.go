package app_test

import (
	"bytes"
	"database/sql"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/internal/app"
)

// If the file of fights opens, but is damaged where only statistics read it, fights and statistics respond with 503,
// and the others work.
func TestUpBesideLateDamage(t *testing.T) {
	cfg := upConfig(t)
	startStop(t, cfg)
	path := filepath.Join(cfg.DataDir, "fights.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	var page int64
	if err := db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'statistics'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	const size = 8192
	if _, err := file.WriteAt(bytes.Repeat([]byte("no page "), size/8), (page-1)*size); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a := app.New("test", &log)
	if err := a.Up(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	at := a.Endpoints()
	for i, want := range []int{200, 200, 200, 503, 503} {
		if status, body := fetch(t, "http://"+at[i].Addr+"/readyz"); status != want {
			t.Errorf("%s: got %d %s, want %d", at[i].Service, status, body, want)
		}
	}
	if status, body := fetch(t, "http://"+at[3].Addr+"/api/fights/execute_fight"); status != http.StatusServiceUnavailable {
		t.Errorf("a fight: got %d %s", status, body)
	}
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "fights.db") {
		t.Errorf("the file isn't named in: %s", log.String())
	}
}
