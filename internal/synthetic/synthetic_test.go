package synthetic

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"strings"
	"testing"
	"unicode/utf8"

	"superheroes/internal/catalog"
)

// first yields the first n entries.
func first[T any](n int, entries iter.Seq[T]) iter.Seq[T] {
	return func(yield func(T) bool) {
		left := n
		for entry := range entries {
			if !yield(entry) {
				return
			}
			if left--; left == 0 {
				return
			}
		}
	}
}

// sum returns a hash of the first entries for two seeds.
func sum[T catalog.Item](entries func(seed uint64) iter.Seq[T]) string {
	hash := sha256.New()
	for _, seed := range []uint64{1, 1 << 63} {
		for entry := range first(2000, entries(seed)) {
			hash.Write(entry.AppendJSON(nil))
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// The hashes are the same on every platform and with every version of Go. The hashes change only if the vocabulary
// does.
func TestSameEverywhere(t *testing.T) {
	for name, c := range map[string]struct{ got, want string }{
		"heroes":    {sum(Heroes), "cd03f654124efcdc"},
		"villains":  {sum(Villains), "9b1264f0446750ff"},
		"locations": {sum(Locations), "c1e191b7d03fe758"},
	} {
		if c.got != c.want {
			t.Errorf("%s: the hash is %s, want %s", name, c.got, c.want)
		}
	}
}

func TestEntriesKeepTheLimits(t *testing.T) {
	t.Run("heroes", func(t *testing.T) { checkEntries(t, Heroes) })
	t.Run("villains", func(t *testing.T) { checkEntries(t, Villains) })
	t.Run("locations", func(t *testing.T) { checkEntries(t, Locations) })
}

func checkEntries[T catalog.Item](t *testing.T, entries func(seed uint64) iter.Seq[T]) {
	t.Helper()
	for entry := range first(20_000, entries(7)) {
		entry.Check(func(field, message string) { t.Errorf("%v: %s %s", entry, field, message) })
		if name := entry.Label(); entry.Key() != 0 || strings.Join(strings.Fields(name), " ") != name {
			t.Errorf("%v has an id, or extra spaces in its name", entry)
		}
		if t.Failed() {
			return
		}
	}
}

// Characters have names of all lengths, with few duplicates, and distinct powers.
func TestCharacters(t *testing.T) {
	names, lengths := map[string]bool{}, map[int]bool{}
	for hero := range first(20_000, Heroes(1)) {
		names[hero.Name] = true
		lengths[utf8.RuneCountInString(hero.Name)] = true
		powers := map[string]bool{}
		for power := range strings.SplitSeq(hero.Powers, ", ") {
			if powers[power] || power == "" {
				t.Fatalf("%s has the powers %q", hero.Name, hero.Powers)
			}
			powers[power] = true
		}
	}
	if len(names) < 10_000 || !lengths[1] || !lengths[maxName] {
		t.Errorf("%d names; of one code point: %t, of %d: %t", len(names), lengths[1], maxName, lengths[maxName])
	}
}

// Location names are unique, even after all combinations of words have been used.
func TestPlaceNamesAreUnique(t *testing.T) {
	few := placeVocabulary{prefixes: words(",New "), stems: words("Ash,Elm,Fox"), endings: words("bay,ton"), tails: words(", Bay")}
	for seed := range uint64(100) {
		d := newDice(seed, 3)
		names, seen := newPlaceNames(&d, few), map[string]bool{}
		for n := range 3 * names.count {
			name := names.name(n)
			if seen[name] {
				t.Fatalf("seed %d: the name %s occurs twice", seed, name)
			}
			seen[name] = true
			if numbered := strings.ContainsAny(name, "23"); numbered != (n >= names.count) {
				t.Errorf("seed %d: name %d is wrong, since numbering starts at %d: %s", seed, n, names.count, name)
			}
		}
	}
}

// Different seeds generate mostly different entries.
func TestSeedsDiffer(t *testing.T) {
	next, stop := iter.Pull(Locations(2))
	defer stop()
	same := 0
	for place := range first(1000, Locations(1)) {
		if other, _ := next(); other == place {
			same++
		}
	}
	if same > 10 {
		t.Errorf("%d of 1000 entries are the same for both seeds", same)
	}
}
