package exchange_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"superheroes/internal/character"
	"superheroes/internal/exchange"
	"superheroes/internal/location"
)

// TestFamilyFiles reads the SQL files of the Quarkus application, if they are available. All rows in the files must be
// valid and have no id.
func TestFamilyFiles(t *testing.T) {
	locations := schema(location.Locations())
	locations.MySQL = true
	for _, c := range []struct {
		file    string
		listing func(text []byte) string
		rows    int
		spots   []string // substrings that the listing must contain
	}{
		{"all-heroes.sql", func(text []byte) string { return listing(bytes.NewReader(text), exchange.SQL, heroes()) }, 3458, []string{
			`4 next name="Zacama"`, `676 next name="Ghost Rider (Zarathos' Power)" otherName="Johnny Blaze"`,
			`716 next name="Martian Manhunter" otherName="J'onn J'onzz"`,
		}},
		{"all-villains.sql", func(text []byte) string {
			return listing(bytes.NewReader(text), exchange.SQL, schema(character.Villains()))
		}, 1797, []string{`4 next name="Dark Nebula"`, `214 next name="Widowmaker" otherName="Am�lie Lacroix"`}},
		{"all-locations.sql", func(text []byte) string { return listing(bytes.NewReader(text), exchange.SQL, locations) }, 31, []string{
			`2 next name="Gotham City"`, `58 next name="K'un-Lun"`, `62 next name="Wakanda"`, `type="COUNTRY"`,
		}},
	} {
		t.Run(c.file, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "data", "quarkus", c.file))
			if os.IsNotExist(err) {
				t.Skip("the files of the Quarkus application are not available")
			}
			if err != nil {
				t.Fatal(err)
			}
			got := c.listing(text)
			if n := strings.Count(got, " next "); n != c.rows || n != strings.Count(got, "\n") {
				t.Errorf("%d of %d rows are valid and have no id, want %d", n, strings.Count(got, "\n"), c.rows)
			}
			for _, spot := range c.spots {
				if !strings.Contains(got, spot) {
					t.Errorf("%s is missing", spot)
				}
			}
		})
	}
}
