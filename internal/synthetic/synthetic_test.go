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

// sum returns the hash of the first n entries of two seeds.
func sum[T catalog.Item](entries func(seed uint64) iter.Seq[T], n int) string {
	hash := sha256.New()
	for _, seed := range []uint64{1, 1 << 63} {
		left := n
		for entry := range entries(seed) {
			hash.Write(entry.AppendJSON(nil))
			if left--; left == 0 {
				break
			}
		}
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// The hashes are the same on every platform and with every version of Go. A deliberate change of the words changes
// them.
func TestSameEverywhere(t *testing.T) {
	for name, c := range map[string]struct{ got, want string }{
		"heroes":    {sum(Heroes, 2000), "cd03f654124efcdc"},
		"villains":  {sum(Villains, 2000), "9b1264f0446750ff"},
		"locations": {sum(Locations, 2000), "c1e191b7d03fe758"},
	} {
		if c.got != c.want {
			t.Errorf("%s: the sum is %s, want %s", name, c.got, c.want)
		}
	}
	if sum(Heroes, 100) == sum(Villains, 100) {
		t.Error("heroes and villains are the same")
	}
}

func TestEntriesKeepTheLimits(t *testing.T) {
	t.Run("heroes", func(t *testing.T) { checkEntries(t, Heroes) })
	t.Run("villains", func(t *testing.T) { checkEntries(t, Villains) })
	t.Run("locations", func(t *testing.T) { checkEntries(t, Locations) })
}

func checkEntries[T catalog.Item](t *testing.T, entries func(seed uint64) iter.Seq[T]) {
	left, shortest, longest := 20_000, maxName, 0
	for entry := range entries(7) {
		if entry.Key() != 0 {
			t.Fatalf("%v has an id", entry)
		}
		entry.Check(func(field, message string) { t.Errorf("%v: %s %s", entry, field, message) })
		if strings.TrimSpace(entry.Label()) != entry.Label() || strings.Contains(entry.Label(), "  ") {
			t.Errorf("the name %q", entry.Label())
		}
		length := utf8.RuneCountInString(entry.Label())
		shortest, longest = min(shortest, length), max(longest, length)
		if left--; left == 0 {
			break
		}
	}
	t.Logf("names have %d to %d code points", shortest, longest)
}

func TestCharacters(t *testing.T) {
	left, names, lengths := 20_000, map[string]bool{}, map[int]bool{}
	for hero := range Heroes(1) {
		names[hero.Name] = true
		lengths[utf8.RuneCountInString(hero.Name)] = true
		powers := map[string]bool{}
		for power := range strings.SplitSeq(hero.Powers, ", ") {
			if powers[power] || power == "" {
				t.Fatalf("%s has the powers %q", hero.Name, hero.Powers)
			}
			powers[power] = true
		}
		if left--; left == 0 {
			break
		}
	}
	if len(names) < 10_000 || !lengths[1] || !lengths[maxName] {
		t.Errorf("%d names; of one code point: %t, of %d: %t", len(names), lengths[1], maxName, lengths[maxName])
	}
}

// TestLocationsAreUnique continues until names get a number.
func TestLocationsAreUnique(t *testing.T) {
	const n = 1_000_000
	seen := make(map[[16]byte]bool, n)
	left, numbered := n, 0
	for place := range Locations(3) {
		sum := sha256.Sum256([]byte(place.Name))
		key := [16]byte(sum[:16])
		if seen[key] {
			t.Fatalf("%s comes twice", place.Name)
		}
		seen[key] = true
		if strings.ContainsAny(place.Name, "0123456789") {
			numbered++
		}
		if left--; left == 0 {
			break
		}
	}
	if numbered == 0 {
		t.Error("no name has a number: the test is too short")
	}
}

func TestSeedsDiffer(t *testing.T) {
	same := 0
	next, stop := iter.Pull(Locations(2))
	defer stop()
	left := 1000
	for place := range Locations(1) {
		if other, _ := next(); other == place {
			same++
		}
		if left--; left == 0 {
			break
		}
	}
	if same > 10 {
		t.Errorf("%d of 1000 are the same", same)
	}
}
