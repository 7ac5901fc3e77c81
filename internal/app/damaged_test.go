package app_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/internal/app"
)

// With some damaged files in the folder, their services respond with 503 and say so, the others work, and one log
// line names each file.
func TestUpBesideDamage(t *testing.T) {
	const heroes, villains, fights, statistics = 0, 1, 3, 4 // indexes of the endpoints
	for _, c := range []struct {
		name    string
		files   []string
		damaged map[int]string // request to each service that lost its store
		working map[int]string
	}{
		{"one catalog", []string{"heroes.db"},
			map[int]string{heroes: "/api/heroes/random_hero"},
			map[int]string{villains: "/api/villains/random_villain", fights: "/api/fights", statistics: "/api/statistics"}},
		{"the fights, which are counted in the same file", []string{"fights.db"},
			map[int]string{fights: "/api/fights/execute_fight", statistics: "/api/statistics"},
			map[int]string{heroes: "/api/heroes/random_hero"}},
		{"a catalog and the fights", []string{"heroes.db", "fights.db"},
			map[int]string{heroes: "/api/heroes/random_hero", fights: "/api/fights/count", statistics: "/api/statistics"},
			map[int]string{villains: "/api/villains/random_villain"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := upConfig(t)
			startStop(t, cfg)
			for _, file := range c.files {
				damage(t, filepath.Join(cfg.DataDir, file))
			}
			var log bytes.Buffer
			a := app.New("test", &log)
			if err := a.Up(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			at := a.Endpoints()
			for service, path := range c.working {
				if status, body := fetch(t, "http://"+at[service].Addr+path); status != http.StatusOK {
					t.Errorf("%s of a healthy service: got %d %s", path, status, body)
				}
			}
			for service, path := range c.damaged {
				for _, path := range []string{path, "/readyz"} {
					if status, body := fetch(t, "http://"+at[service].Addr+path); status != http.StatusServiceUnavailable || !strings.Contains(body, "damaged") {
						t.Errorf("%s of a damaged service: got %d %s", path, status, body)
					}
				}
			}
			if err := a.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			for _, file := range c.files {
				if !strings.Contains(log.String(), file) {
					t.Errorf("%s isn't named in: %s", file, log.String())
				}
			}
		})
	}
	t.Run("nothing is left", func(t *testing.T) {
		cfg := upConfig(t)
		startStop(t, cfg)
		for _, name := range []string{"heroes", "villains", "locations", "fights"} {
			damage(t, filepath.Join(cfg.DataDir, name+".db"))
		}
		if err := app.New("test", io.Discard).Up(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "fights.db") {
			t.Errorf("got %v", err)
		}
	})
}

// damage overwrites the file, as a failed copy would.
func damage(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
}
