package character_test

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"superheroes/internal/catalog"
	"superheroes/internal/character"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct {
		name string
		item character.Character
		want string
	}{
		{"nothing", character.Character{}, `{"id":null,"name":"","otherName":"","level":0,"picture":"","powers":""}`},
		{"all", character.Heroes().Example, `{"id":1,"name":"Yoda","otherName":"Minch Yoda","level":286000,"picture":"/api/heroes/1/picture.svg","powers":"Telekinesis, Foresight"}`},
		{"largest", character.Character{ID: math.MaxInt64, Level: math.MaxInt32}, `{"id":9223372036854775807,"name":"","otherName":"","level":2147483647,"picture":"","powers":""}`},
		{"unescaped letters", character.Character{ID: 1, Name: "É🦸<&>"}, `{"id":1,"name":"É🦸<&>","otherName":"","level":0,"picture":"","powers":""}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(c.item.AppendJSON([]byte("before"))); got != "before"+c.want {
				t.Errorf("got  %s\nwant before%s", got, c.want)
			}
		})
	}
}

// TestAppendJSONProperties checks that AppendJSON writes a single line from which encoding/json decodes the same
// values. Invalid UTF-8 becomes U+FFFD.
func TestAppendJSONProperties(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		want := character.Character{
			ID: rapid.Int64Min(1).Draw(t, "id"), Level: rapid.Int32Min(0).Draw(t, "level"),
			Name: text.Draw(t, "name"), OtherName: text.Draw(t, "otherName"), Picture: text.Draw(t, "picture"), Powers: text.Draw(t, "powers"),
		}
		line := want.AppendJSON(nil)
		if bytes.ContainsAny(line, "\n\r") {
			t.Errorf("the JSON has more than one line: %q", line)
		}
		var got character.Character
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for _, field := range []*string{&want.Name, &want.OtherName, &want.Picture, &want.Powers} {
			*field = string([]rune(*field))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*character.Character)
		want   []string // fields refused
	}{
		{"the example", func(*character.Character) {}, nil},
		{"without an id", func(c *character.Character) { c.ID = 0 }, nil},
		{"negative id", func(c *character.Character) { c.ID = -1 }, []string{"id"}},
		{"negative level", func(c *character.Character) { c.Level = -1 }, []string{"level"}},
		{"name of 51", func(c *character.Character) { c.Name = strings.Repeat("é", 51) }, []string{"name"}},
		{"the longest", func(c *character.Character) {
			long := strings.Repeat("🦸", 255)
			c.Name, c.OtherName, c.Picture, c.Level = strings.Repeat("é", 50), long, long, 0
		}, nil},
		{"many powers", func(c *character.Character) { c.Powers = strings.Repeat("Flight, ", 10_000) }, nil},
		{"all at once", func(c *character.Character) {
			long := strings.Repeat("x", 256)
			*c = character.Character{ID: -1, Level: -1, Name: long[:51], OtherName: long, Picture: long, Powers: "\xff"}
		}, []string{"id", "level", "name", "otherName", "picture", "powers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			item := character.Villains().Example
			c.change(&item)
			var got []string
			item.Check(func(field, _ string) { got = append(got, field) })
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	for _, kind := range []catalog.Kind[character.Character]{character.Heroes(), character.Villains()} {
		t.Run(kind.Plural, func(t *testing.T) {
			if kind.Table.Name != kind.Singular || kind.Table.Sequence != kind.Singular+"_seq" || kind.Table.Step != 50 {
				t.Errorf("the table is %+v", kind.Table)
			}
			kind.Example.Check(func(field, message string) { t.Errorf("the example's %s %s", field, message) })
			checkInverse(t, kind)
			if picture := kind.Emblem(kind.Example); !bytes.HasPrefix(picture, []byte("<svg")) {
				t.Errorf("the picture begins with %.20q", picture)
			}
		})
	}
}

// checkInverse copies the example column by column, to check that each column has its own field.
func checkInverse(t *testing.T, kind catalog.Kind[character.Character]) {
	t.Helper()
	var got character.Character
	for _, column := range kind.Table.Columns {
		if err := kind.Table.Set(&got, column, kind.Table.Value(kind.Example, column)); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(kind.Example, got); diff != "" {
		t.Error(diff)
	}
}
