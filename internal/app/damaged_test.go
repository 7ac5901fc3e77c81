package app_test

import (
	"bytes"
	"database/sql"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/internal/app"
)

// If some files in the data folder are damaged, their services respond with 503 and report the damage, all other
// services work, and a log line names each damaged file.
func TestUpBesideDamage(t *testing.T) {
	for _, c := range []struct {
		name    string
		files   []string
		damage  func(t *testing.T, path string)
		damaged map[string]string // a request to each service whose store is damaged
		working map[string]string
	}{
		{"one catalog", []string{"heroes.db"}, overwrite,
			map[string]string{"heroes": "/api/heroes/random_hero"},
			map[string]string{"villains": "/api/villains/random_villain", "fights": "/api/fights", "statistics": "/api/statistics"}},
		{"the file with fights and statistics", []string{"fights.db"}, overwrite,
			map[string]string{"fights": "/api/fights/execute_fight", "statistics": "/api/statistics"},
			map[string]string{"heroes": "/api/heroes/random_hero"}},
		{"only the statistics table", []string{"fights.db"}, overwriteStatistics,
			map[string]string{"fights": "/api/fights/execute_fight", "statistics": "/api/statistics"},
			map[string]string{"heroes": "/api/heroes/random_hero"}},
		{"a catalog and the fights", []string{"heroes.db", "fights.db"}, overwrite,
			map[string]string{"heroes": "/api/heroes/random_hero", "fights": "/api/fights/count", "statistics": "/api/statistics"},
			map[string]string{"villains": "/api/villains/random_villain"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := upConfig(t)
			startStop(t, cfg)
			for _, file := range c.files {
				c.damage(t, filepath.Join(cfg.DataDir, file))
			}
			var log bytes.Buffer
			a, reported := app.New("test", &log), map[string]bool{}
			a.OnServing = func(at app.Endpoint) { reported[at.Service] = true }
			if err := a.Up(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			bases := basesOf(a)
			for service := range bases {
				if _, damaged := c.damaged[service]; reported[service] == damaged {
					t.Errorf("%s, damaged: %t, is reported as serving: %t", service, damaged, reported[service])
				}
			}
			for service, path := range c.working {
				for _, path := range []string{path, "/readyz"} {
					if status, body := fetch(t, bases[service]+path); status != http.StatusOK {
						t.Errorf("GET %s from %s, whose store is intact: got %d %s", path, service, status, body)
					}
				}
			}
			for service, path := range c.damaged {
				for _, path := range []string{path, "/readyz"} {
					if status, body := fetch(t, bases[service]+path); status != http.StatusServiceUnavailable || !strings.Contains(body, "damaged") {
						t.Errorf("GET %s from %s, whose store is damaged: got %d %s", path, service, status, body)
					}
				}
			}
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			for _, file := range c.files {
				if !strings.Contains(log.String(), file) {
					t.Errorf("the log doesn't name %s: %s", file, log.String())
				}
			}
		})
	}
	t.Run("nothing is left", func(t *testing.T) {
		cfg := upConfig(t)
		startStop(t, cfg)
		for _, name := range []string{"heroes", "villains", "locations", "fights"} {
			overwrite(t, filepath.Join(cfg.DataDir, name+".db"))
		}
		if err := app.New("test", io.Discard).Up(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "fights.db") {
			t.Errorf("got %v", err)
		}
	})
}

// overwrite overwrites a database file, as a failed copy would.
func overwrite(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
}

// overwriteStatistics overwrites the first page of the statistics table in a database file.
func overwriteStatistics(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var page int64
	if err := db.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_master WHERE name = 'statistics'").Scan(&page); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	const size = 8192
	if _, err := file.WriteAt(bytes.Repeat([]byte("no page "), size/8), (page-1)*size); err != nil {
		t.Fatal(err)
	}
}
