package emblem

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"hash/fnv"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"superheroes/database"
)

// picture is the parsed content of a document.
type picture struct {
	title    string
	role     string
	viewBox  string
	elements int
}

// parse parses a document, and fails the test if a strict content security policy would block a part of it or if it
// is malformed.
func parse(t testing.TB, document []byte) picture {
	t.Helper()
	if len(document) >= MaxSize {
		t.Fatalf("%d bytes, limit %d", len(document), MaxSize)
	}
	var p picture
	inTitle := false
	decoder := xml.NewDecoder(bytes.NewReader(document))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, document)
		}
		switch token := token.(type) {
		case xml.StartElement:
			p.elements++
			inTitle = token.Name.Local == "title"
			checkElement(t, token)
			if token.Name.Local == "svg" {
				p.role, p.viewBox = attribute(token, "role"), attribute(token, "viewBox")
			}
		case xml.EndElement:
			inTitle = false
		case xml.CharData:
			if inTitle {
				p.title += string(token)
			}
		case xml.ProcInst, xml.Directive:
			t.Fatalf("unexpected %T", token)
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == name })
	if i < 0 {
		return ""
	}
	return e.Attr[i].Value
}

func checkElement(t testing.TB, e xml.StartElement) {
	t.Helper()
	drawing := []string{"svg", "title", "clipPath", "g", "rect", "circle", "ellipse", "path", "text"}
	if !slices.Contains(drawing, e.Name.Local) {
		t.Fatalf("element %s", e.Name.Local)
	}
	for _, a := range e.Attr {
		switch {
		case a.Name.Local == "style", strings.HasPrefix(a.Name.Local, "on"), strings.HasSuffix(a.Name.Local, "href"):
			t.Fatalf("attribute %s on %s", a.Name.Local, e.Name.Local)
		case strings.Contains(a.Value, "url(") && a.Value != "url(#card)":
			t.Fatalf("reference %s", a.Value)
		case strings.Contains(a.Value, "%!"):
			t.Fatalf("badly formatted %s=%q", a.Name.Local, a.Value)
		}
	}
}

type drawn struct {
	name string
	svg  func() []byte
}

// roster returns all entries in the rosters shipped with the program.
func roster(t testing.TB) []drawn {
	t.Helper()
	type entry struct {
		ID     int64
		Name   string
		Powers string
		Level  int32
		Type   string
	}
	var all []drawn
	add := func(lines []byte, draw func(entry) func() []byte) {
		for line := range bytes.Lines(lines) {
			var e entry
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatal(err)
			}
			all = append(all, drawn{e.Name, draw(e)})
		}
	}
	add(database.Heroes(), func(e entry) func() []byte { return Character{Hero, e.ID, e.Name, e.Powers, e.Level}.SVG })
	add(database.Villains(), func(e entry) func() []byte { return Character{Villain, e.ID, e.Name, e.Powers, e.Level}.SVG })
	add(database.Locations(), func(e entry) func() []byte { return Place{e.ID, e.Name, e.Type}.SVG })
	return all
}

// untitled returns the drawing without the title. Even without titles, the drawings of different entries must differ.
func untitled(t testing.TB, document []byte) string {
	t.Helper()
	_, drawing, ok := bytes.Cut(document, []byte("</title>"))
	if !ok {
		t.Fatal("no title")
	}
	return string(drawing)
}

func TestRoster(t *testing.T) {
	seen := make(map[string]string)
	for _, entry := range roster(t) {
		document := entry.svg()
		p := parse(t, document)
		if p.title != entry.name || p.role != "img" || p.viewBox != "0 0 240 240" {
			t.Errorf("%s: the title is %q, the role %q and the viewBox %q", entry.name, p.title, p.role, p.viewBox)
		}
		if p.elements < 15 {
			t.Errorf("%s: only %d elements", entry.name, p.elements)
		}
		if !bytes.Equal(document, entry.svg()) {
			t.Errorf("%s: two drawings differ", entry.name)
		}
		drawing := untitled(t, document)
		if other, twice := seen[drawing]; twice {
			t.Errorf("%s and %s have the same drawing", entry.name, other)
		}
		seen[drawing] = entry.name
	}
	if len(seen) < 250 {
		t.Errorf("only %d pictures", len(seen))
	}
}

// The hash of many pictures must be the same on every platform and with every version of Go. Update the hash after
// an intentional change to the pictures.
func TestSameBytesEverywhere(t *testing.T) {
	h := fnv.New64a()
	for id := range int64(200) {
		for _, kind := range []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON"} {
			h.Write(Place{id, "Nowhere", kind}.SVG())
		}
		h.Write(Character{Hero, id, "Ada", "Flight, Zzyzx", 100}.SVG())
		h.Write(Character{Villain, id, "Ida", "Fire, Qwerty", 100}.SVG())
	}
	const want = "5cee6a3dc3ec16bf"
	if got := strconv.FormatUint(h.Sum64(), 16); got != want {
		t.Errorf("sum %s, want %s", got, want)
	}
}

func TestTitle(t *testing.T) {
	long := strings.Repeat("&", 50)
	tests := []struct{ name, in, want string }{
		{"markup", `<img src=x onerror=alert(1)>`, `<img src=x onerror=alert(1)>`},
		{"end of title", `</title><script>`, `</title><script>`},
		{"CDATA end", `]]>&amp;`, `]]>&amp;`},
		{"quotes", `"O'Malley"`, `"O'Malley"`},
		{"NUL and escape", "a\x00b\x1bc", "abc"},
		{"white space", "a\tb\nc\rd", "a\tb\nc\rd"},
		{"invalid UTF-8", "a\xffb\xed\xa0\x80c", "abc"},
		{"not a character", "a\uFFFEb\uFFFFc", "abc"},
		{"emoji", "🦸🏽‍♀️", "🦸🏽‍♀️"},
		{"combining", "Z\u0351\u036Bo", "Z\u0351\u036Bo"},
		{"right to left", "ظلال", "ظلال"},
		{"50 code points", long, long},
		{"50 wide code points", strings.Repeat("𠮷", 50), strings.Repeat("𠮷", 50)},
		{"longer than the maximum", long + "more", long},
		{"empty", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, document := range [][]byte{
				Character{Team: Hero, Name: test.in, Powers: test.in}.SVG(),
				Character{Team: Villain, Name: test.in, Level: math.MaxInt32}.SVG(),
				Place{Name: test.in, Type: test.in}.SVG(),
			} {
				if got := parse(t, document).title; got != test.want {
					t.Errorf("title %q, want %q", got, test.want)
				}
			}
		})
	}
}

func TestInitial(t *testing.T) {
	tests := []struct {
		name, in string
		want     string // "" for none
	}{
		{"plain", "yoda", "Y"},
		{"after a quote", `"zorro`, "Z"},
		{"accent", "éclair", "É"},
		{"digit", "8-Ball", "8"},
		{"Cyrillic", "илья", "И"},
		{"Chinese", "孫悟空", "孫"},
		{"emoji first", "🦸 Ann", "A"},
		{"emoji only", "🦸", ""},
		{"invalid", "\xff\xfe", ""},
		{"empty", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := initial(test.in)
			if ok != (test.want != "") || ok && string(got) != test.want {
				t.Errorf("initial(%q) = %q, %t, want %q", test.in, got, ok, test.want)
			}
		})
	}
}

func TestRank(t *testing.T) {
	tests := []struct {
		level int32
		want  int
	}{{math.MinInt32, 0}, {-1, 0}, {0, 0}, {1, 1}, {20, 2}, {63, 2}, {64, 3}, {511, 3}, {512, 4}, {math.MaxInt32, 11}}
	for _, test := range tests {
		if got := rank(test.level); got != test.want {
			t.Errorf("rank(%d) = %d, want %d", test.level, got, test.want)
		}
	}
}

// A higher level adds rank marks and leaves the rest of the picture unchanged.
func TestLevelKeepsTheFace(t *testing.T) {
	low := Character{ID: 7, Name: "Ada", Powers: "Flight", Level: 0}.SVG()
	high := Character{ID: 7, Name: "Ada", Powers: "Flight", Level: 9000}.SVG()
	face, _, _ := bytes.Cut(low, []byte(`</g><rect x="3"`))
	if !bytes.HasPrefix(high, face) {
		t.Error("the face changed with the level")
	}
	if bytes.Equal(low, high) {
		t.Error("the level has no effect on the picture")
	}
}

func TestEachFieldChangesThePicture(t *testing.T) {
	base := Character{Team: Hero, ID: 1, Name: "Ada", Powers: "Flight", Level: 100}
	tests := []struct {
		name  string
		other Character
	}{
		{"team", Character{Villain, 1, "Ada", "Flight", 100}},
		{"id", Character{Hero, 2, "Ada", "Flight", 100}},
		{"name", Character{Hero, 1, "Abe", "Flight", 100}},
		{"powers", Character{Hero, 1, "Ada", "Telepathy", 100}},
		{"level", Character{Hero, 1, "Ada", "Flight", 1000}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if untitled(t, base.SVG()) == untitled(t, test.other.SVG()) {
				t.Error("both characters have the same drawing")
			}
		})
	}
}

func TestPlaceTypes(t *testing.T) {
	seen := make(map[string]string)
	for _, kind := range []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON"} {
		drawing := untitled(t, Place{1, "Nowhere", kind}.SVG())
		if other, twice := seen[drawing]; twice {
			t.Errorf("%s looks like %s", kind, other)
		}
		seen[drawing] = kind
	}
	if !bytes.Equal(Place{1, "Nowhere", "PUB"}.SVG(), Place{1, "Nowhere", "PLACE"}.SVG()) {
		t.Error("an unknown type is not drawn as a PLACE")
	}
}

func TestAnyEntry(t *testing.T) {
	types := []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON", ""}
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
		id := rapid.Int64().Draw(r, "id")
		name := text.Draw(r, "name")
		c := Character{Team(rapid.IntRange(0, 1).Draw(r, "team")), id, name, text.Draw(r, "powers"), rapid.Int32().Draw(r, "level")}
		p := Place{id, name, rapid.SampledFrom(types).Draw(r, "type")}
		for _, svg := range []func() []byte{c.SVG, p.SVG} {
			document := svg()
			if got := parse(t, document).title; got != printable(name) {
				r.Fatalf("the title is %q for the name %q", got, name)
			}
			if !bytes.Equal(document, svg()) {
				r.Fatal("two drawings differ")
			}
		}
	})
}

// Even the largest of many pictures, with the longest title, all signs and all rank marks, must stay well below the
// size limit.
func TestSizeIsWellBelowTheLimit(t *testing.T) {
	var powers strings.Builder
	for _, sign := range parts()["power"] {
		powers.WriteString(strings.Fields(sign.Words)[0] + ",")
	}
	quotes := strings.Repeat(`"`, 50)
	largest, whose := 0, ""
	check := func(name string, svg func() []byte) {
		if n := len(svg()); n > largest {
			largest, whose = n, name
		}
	}
	both := func(id int64, name string) {
		check(name, Character{Hero, id, name, powers.String(), math.MaxInt32}.SVG)
		check(name, Character{Villain, id, name, powers.String(), math.MaxInt32}.SVG)
	}
	for id := range int64(500) {
		for _, kind := range []string{"CITY", "PLANET", "PLACE", "ISLAND", "COUNTRY", "MOON"} {
			check(kind, Place{id, quotes, kind}.SVG)
		}
		both(id, quotes)
	}
	for name := range looks() {
		for id := range int64(30) {
			both(id, name+quotes)
		}
	}
	t.Logf("the largest picture, of %s, is %d bytes long", whose, largest)
	if largest > MaxSize*15/16 {
		t.Errorf("the picture of %s is %d bytes long; the limit is %d", whose, largest, MaxSize)
	}
}

func FuzzName(f *testing.F) {
	for _, name := range []string{"Yoda", "Ra's al Ghul", "孫悟空", "<img onerror=x>", "]]>", "a\x00b", "\xff", "🦸", "\uFFFE", "\r\n"} {
		f.Add(name, int64(1), int32(100))
	}
	f.Fuzz(func(t *testing.T, name string, id int64, level int32) {
		for _, document := range [][]byte{
			Character{Hero, id, name, name, level}.SVG(),
			Character{Villain, id, name, name, level}.SVG(),
			Place{id, name, "CITY"}.SVG(),
			Place{id, name, "PLACE"}.SVG(),
		} {
			if got := parse(t, document).title; got != printable(name) {
				t.Errorf("the title is %q for the name %q", got, name)
			}
		}
	})
}

func BenchmarkCharacter(b *testing.B) {
	c := Character{Hero, 1, "Yoda", "The Force, Telekinesis, Foresight, Lightsaber Duelling, Great Leaps", 9150}
	for b.Loop() {
		c.SVG()
	}
}

func BenchmarkCity(b *testing.B) {
	p := Place{1, "Gotham City", "CITY"}
	for b.Loop() {
		p.SVG()
	}
}
