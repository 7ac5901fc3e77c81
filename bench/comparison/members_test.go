package comparison

import (
	"strings"
	"testing"
)

// TestTemplate checks that the members file that --template prints is valid, and describes each variant of this project.
func TestTemplate(t *testing.T) {
	text, err := templates.ReadFile("members.json")
	if err != nil {
		t.Fatal(err)
	}
	setup, err := parseSetup(text)
	if err != nil {
		t.Fatal(err)
	}
	roles := map[Role]int{}
	for _, m := range setup.Members {
		roles[m.Role]++
	}
	if len(roles) != 4 || roles[Strict] != 1 || roles[Eco] != 1 || roles[Up] != 1 {
		t.Errorf("the template has the roles %v", roles)
	}
}

func TestInvalidMembers(t *testing.T) {
	const about = `"what":"w","commit":"c","configuration":"o","does":[],"target":"http://127.0.0.1:1"`
	for _, c := range []struct{ name, text, says string }{
		{"not JSON", `members`, "invalid character"},
		{"an unknown field", `{"dogs":[]}`, `unknown field "dogs"`},
		{"a reference that isn't there", `{"reference":"R","members":[{"name":"A",` + about + `}]}`, `no member has the name "R"`},
		{"two members of the same name", `{"reference":"A","members":[{"name":"A",` + about + `},{"name":"A",` + about + `}]}`, `two members have the name "A"`},
		{"a member without a description", `{"reference":"A","members":[{"name":"A","target":"http://127.0.0.1:1"}]}`, "name, what, commit and configuration are required"},
		{"a store that isn't described", `{"reference":"A","members":[{"name":"A","stores":["S"],` + about + `}]}`, `unknown store "S"`},
		{"an unknown role", `{"reference":"A","members":[{"name":"A","role":"fast",` + about + `}]}`, `unknown role "fast"`},
		{"our own variant as the reference", `{"reference":"A","members":[{"name":"A","role":"eco",` + about + `}]}`, "can't be the reference"},
		{"a warm-up that is no duration", `{"reference":"A","members":[{"name":"A","warmup":"long",` + about + `}]}`, `"long"`},
		{"a target with a password", `{"reference":"A","members":[{"name":"A",` + strings.Replace(about, "127", "u:swordfish@127", 1) + `}]}`, "target:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseSetup([]byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "swordfish") {
				t.Errorf("got %v, want an error that contains %q", err, c.says)
			}
		})
	}
}
