package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/engines"
)

func TestSeed(t *testing.T) {
	for _, catalog := range []string{"heroes", "villains", "locations"} {
		t.Run(catalog, func(t *testing.T) {
			store := seeded(t)
			before := exported(t, catalog, store)
			invoke("seed", catalog, "--count=1234", store).check(t, exitOK, "1234 "+catalog+" generated in ")
			after := exported(t, catalog, store)
			if added, found := strings.CutPrefix(after, before); !found || strings.Count(added, "\n") != 1234 {
				t.Errorf("%d lines were there, %d are, and the old ones are first: %t", strings.Count(before, "\n"), strings.Count(after, "\n"), found)
			}
			if again := seeded(t); !invokeSeed(t, catalog, again) || exported(t, catalog, again) != after {
				t.Error("the same seed generated other entries")
			}
			invoke("seed", catalog, "--count=5", "--seed=2", "--replace", store).check(t, exitOK)
			if left := exported(t, catalog, store); strings.Count(left, "\n") != 5 || strings.Contains(after, strings.Split(left, "\n")[0]) {
				t.Errorf("after a replacement from another seed there is:\n%s", left)
			}
		})
	}
}

func invokeSeed(t *testing.T, catalog, store string) bool {
	t.Helper()
	return invoke("seed", catalog, "--count=1234", "--seed=1", store).code == exitOK
}

// Names of locations are unique, so seeding again with the same seed continues where it left off.
func TestSeedTwice(t *testing.T) {
	store, once := seeded(t), seeded(t)
	for range 2 {
		invoke("seed", "locations", "--count=300", store).check(t, exitOK)
	}
	invoke("seed", "locations", "--count=600", once).check(t, exitOK)
	names := func(store string) []string {
		var all []string
		for line := range strings.Lines(exported(t, "locations", store)) {
			_, name, _ := strings.Cut(line, `"name":"`)
			name, _, _ = strings.Cut(name, `"`)
			all = append(all, name)
		}
		return all
	}
	if diff := cmp.Diff(names(once), names(store)); diff != "" {
		t.Errorf("300 twice are not 600 (-600 +300 twice):\n%s", diff)
	}
}

func TestSeedOnServers(t *testing.T) {
	for _, c := range []struct {
		catalog, flag string
		fresh         func(testing.TB) string
	}{{"villains", "--database-url=", engines.Postgres}, {"locations", "--mysql-url=", engines.MySQL}} {
		t.Run(c.catalog, func(t *testing.T) {
			store, embedded := c.flag+c.fresh(t), seeded(t)
			for _, at := range []string{store, embedded} {
				invoke("seed", c.catalog, "--count=700", at).check(t, exitOK, "700 "+c.catalog)
			}
			if diff := cmp.Diff(exported(t, c.catalog, embedded), exported(t, c.catalog, store)); diff != "" {
				t.Errorf("the server has something else (-embedded +server):\n%s", diff)
			}
		})
	}
}

func TestSeedFails(t *testing.T) {
	invoke("seed", "heroes", "--data-dir=/dev/null/nowhere").check(t, exitError, "/dev/null/nowhere")
}
