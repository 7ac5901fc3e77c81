package behaviour

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/test/system"
)

var services = []string{"heroes", "villains", "locations", "fights"}

// TestContract goes through the contract, on both ways to run; what does not hang on chance must be answered alike.
func TestContract(t *testing.T) {
	answers := answers{}
	system.Each(t, func(t *testing.T, s *system.System) {
		t.Run("the shipped roster", func(t *testing.T) { testShippedRoster(t, s) })
		t.Run("fights", func(t *testing.T) { testFights(t, s) })
		t.Run("methods", func(t *testing.T) { testMethods(t, s) })
		t.Run("accepted", func(t *testing.T) { testAccepted(t, s, answers) })
		t.Run("edits", func(t *testing.T) { testEdits(t, s, answers) })
		t.Run("edits refused", func(t *testing.T) { testEditRefusals(t, s, answers) })
		t.Run("refused", func(t *testing.T) { testRefusals(t, s, answers) })
		t.Run("refused by the HTTP library", func(t *testing.T) { testBelow(t, s) })
		t.Run("whole lists", func(t *testing.T) {
			for _, r := range rooms {
				answers.add(r.service, get(t, s.URL(r.service), r.path()))
			}
		})
	})
	answers.compare(t)
}

// answers are what each way to run has answered, by case.
type answers map[string][]string

func (a answers) add(name string, received answer) {
	text := fmt.Sprintln(received.status, received.header.Get("Content-Type"), received.header.Get("Allow"),
		received.header.Get("Cache-Control"), received.header.Get("Link"), received.body)
	a[name] = append(a[name], idAndDate.ReplaceAllString(text, ""))
}

// idAndDate are the two fields of a fight that differ from one answer to the next.
var idAndDate = regexp.MustCompile(`"id":"[^"]*","fight_date":"[^"]*",`)

// compare holds the two ways to run against each other, where both ran.
func (a answers) compare(t *testing.T) {
	t.Helper()
	compared := 0
	for name, both := range a {
		if len(both) != 2 {
			continue
		}
		compared++
		if both[0] != both[1] {
			t.Errorf("%s (-one process +four):\n%s", name, cmp.Diff(both[0], both[1]))
		}
	}
	t.Logf("%d answers of one process and of four were compared", compared)
}
