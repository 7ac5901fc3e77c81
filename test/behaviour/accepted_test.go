package behaviour

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/system"
)

// testAccepted posts what the contract takes at its edges, and reads it back: the text is kept as it was sent.
func testAccepted(t *testing.T, s *system.System, answers answers) {
	for _, c := range accepted() {
		t.Run(c.name, func(t *testing.T) {
			received := do(t, s.Fights, c.call)
			if received.status != http.StatusOK {
				t.Fatalf("got %d %s", received.status, received.body)
			}
			got := read[fight](t, received.body)
			want := fight{Hero: character{Name: "H"}, Villain: character{Name: "V"}}
			c.change(&want)
			want = want.decided()
			want.ID, want.Date = got.ID, got.Date
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("fight (-want +got):\n%s", diff)
			}
			if stored := get(t, s.Fights, "/api/fights/"+got.ID).body; stored != received.body {
				t.Errorf("answered %s, stored %s", received.body, stored)
			}
			if listed := elements(t, get(t, s.Fights, "/api/fights?limit=1").body); listed[0] != received.body {
				t.Errorf("answered %s, listed %s", received.body, listed[0])
			}
			answers.add("accepted "+c.name, received)
		})
	}
}

type acceptance struct {
	name string
	call
	change func(*fight) // makes what is expected from a fight between H and V
}

func accepted() []acceptance {
	var cases []acceptance
	add := func(name, header, text string, change func(*fight)) {
		cases = append(cases, acceptance{name, call{method: "POST", target: "/api/fights", header: header, body: text}, change})
	}
	same := func(*fight) {}
	for name, text := range texts {
		quoted, _ := json.Marshal(text) // a string always can be
		add("text: "+name, "", with("hero", "name", string(quoted)), func(f *fight) { f.Hero.Name, f.Location = text, &location{Name: "L"} })
	}
	add("escapes", "", named(`\ud83d\ude00\/\\\u00e9\t`), func(f *fight) { f.Hero.Name = "😀/\\é\t" })
	add("blanks everywhere", "", " { \"hero\" :\t{ \"name\" : \"H\" } ,\r\n\"villain\":{\"name\":\"V\"} } \n", same)
	add("unknown fields are dropped", "", `{"x":[{"y":null}],"hero":{"name":"H","colour":"red"},"villain":{"name":"V"},"":1}`, same)
	add("another letter case is unknown", "", `{"HERO":5,"hero":{"name":"H","NAME":7,"othername":"o","Level":9},"villain":{"name":"V"}}`, same)
	add("what the server sets is not taken", "", `{"id":"x","fight_date":5,"winner_name":"Me","winner_team":"heroes","winner_level":9,"loser_team":[],`+plainFight[1:], same)
	add("null is missing", "", `{"hero":{"name":"H","id":null,"otherName":null,"level":null,"picture":null,"powers":null},"villain":{"name":"V"},"location":null}`, same)
	add("a location with nulls", "", placed(`{"name":"L","id":null,"description":null,"picture":null,"type":null}`), func(f *fight) { f.Location = &location{Name: "L"} })
	add("a location with an empty type", "", placed(`{"name":"L","type":""}`), func(f *fight) { f.Location = &location{Name: "L"} })
	add("everything", "", `{"hero":{"id":9223372036854775807,"name":"H","otherName":"O","level":2147483647,"picture":"p","powers":"a, b"},"villain":{"id":9007199254740993,"name":"V"},`+
		`"location":{"id":1,"name":"L","description":"d","picture":"p","type":"MOON"}}`, func(f *fight) {
		f.Hero = character{number(9223372036854775807), "H", "O", 2147483647, "p", "a, b"}
		f.Villain.ID = number(9007199254740993)
		f.Location = &location{number(1), "L", "d", "p", "MOON"}
	})
	for side, part := range map[string]func(*fight) *character{"hero": func(f *fight) *character { return &f.Hero }, "villain": func(f *fight) *character { return &f.Villain }} {
		long := strings.Repeat("😀", 255)
		add(side+": 255 emoji", "", with(side, "otherName", `"`+long+`"`), func(f *fight) {
			*part(f), f.Location = character{Name: "N", OtherName: long}, &location{Name: "L"}
		})
		add(side+": a picture of 255", "", with(side, "picture", `"`+long+`"`), func(f *fight) {
			*part(f), f.Location = character{Name: "N", Picture: long}, &location{Name: "L"}
		})
	}
	add("31 arrays in the body", "", `{"x":`+strings.Repeat("[", 31)+strings.Repeat("]", 31)+","+plainFight[1:], same)
	add("brackets in a string", "", `{"x":"`+strings.Repeat("[{", 500)+`",`+plainFight[1:], same)
	powers := func(f *fight) { f.Hero.Powers = filler(maxBody) }
	add("64 KiB", "", filled(maxBody), powers)
	add("64 KiB in chunks", inChunks, chunked(filled(maxBody)), powers)
	add("asking first", "Expect: 100-continue\r\n", plainFight, same)
	for _, contentType := range []string{
		"application/json", "application/json; charset=utf-8", "application/json;charset=UTF-8", `application/json; charset="utf-8"`, "APPLICATION/JSON", "application/vnd.fight+json", "application/json; v=1",
	} {
		add("content type "+contentType, "Content-Type: "+contentType+"\r\n", plainFight, same)
	}
	add("the identity coding", "Content-Encoding: identity\r\n", plainFight, same)
	return cases
}

func number(n int64) *int64 { return &n }

// texts are names that some store or encoder might change.
var texts = map[string]string{
	"50 emoji": strings.Repeat("🦸", 50), "50 letters": strings.Repeat("n", 50), "blanks at both ends": "  a  ", "only a blank": " ", "a tab and a line feed": "a\tb\r\nc",
	"composed": "Caf\u00e9", "decomposed": "Cafe\u0301", "a family of four": "👨\u200d👩\u200d👧\u200d👦", "right to left": "\u202eabc \u05d0\u05d1", "a soft hyphen": "a\u00adb",
	"a byte order mark": "\ufeffa", "line separators": "a\u2028b\u2029c", "control characters": "\u0001\u001f\u007f\u0085", "noncharacters": "\ufffe\uffff\U0010ffff", "the replacement character": "\ufffd",
	"HTML": "<b>&amp;</b>\"'", "SQL": "Robert'); DROP TABLE hero;--", "backslashes": `\ \\ \n`, "operators": "$gt.a", "a format": "%s%n%d", "an empty array": "[]", "null": "null",
}
