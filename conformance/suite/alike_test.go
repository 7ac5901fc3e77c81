package suite

import (
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/conformance/rawhttp"
)

// answers records a system's responses during a run, but only to requests that always get the same
// response.
type answers struct {
	mu      sync.Mutex
	got     map[asked]string
	unalike map[asked]bool
}

type asked struct {
	service string
	call    rawhttp.Call
}

func newAnswers() *answers { return &answers{got: map[asked]string{}, unalike: map[asked]bool{}} }

var (
	// byChance matches the targets whose responses differ between any two systems: random picks and stored fights.
	byChance = regexp.MustCompile(`random|/picks|^/api/fights([/?]|$)`)
	// madeUp matches the name of an entry that a run has created.
	madeUp = regexp.MustCompile(`contract [A-Z2-7]{26}`)
	// idAndDate matches the fields that differ between any two fights.
	idAndDate = regexp.MustCompile(`"id":"[^"]*","fight_date":"[^"]*",`)
)

// take records a response; a run calls take for every response.
func (a *answers) take(service string, got rawhttp.Answer) {
	read := got.Status == http.StatusOK && got.Call.Method != http.MethodPost
	if read && (service == "statistics" || service == arena || got.Call.Target == "/healthz" ||
		byChance.MatchString(got.Call.Target)) || madeUp.Match(got.Body) {
		return
	}
	text := fmt.Sprintln(got.Status, got.Header.Get("Content-Type"), got.Header.Get("Allow"),
		got.Header.Get("Cache-Control"), got.Header.Get("Link"), string(got.Body))
	text = idAndDate.ReplaceAllString(text, "")
	a.mu.Lock()
	defer a.mu.Unlock()
	key := asked{service, got.Call}
	if before, again := a.got[key]; again && before != text {
		a.unalike[key] = true
	}
	a.got[key] = text
}

// compare compares the responses of two systems to the same requests, byte for byte.
func (a *answers) compare(t *testing.T, other *answers) {
	t.Helper()
	compared := 0
	for key, got := range a.got {
		want, both := other.got[key]
		if !both || a.unalike[key] || other.unalike[key] {
			continue
		}
		if compared++; got != want {
			t.Errorf("responses to %s from %s differ (-want +got):\n%s", key.call, key.service, cmp.Diff(want, got))
		}
	}
	if compared < 900 {
		t.Errorf("only %d responses were compared", compared)
	}
	t.Logf("%d responses were compared", compared)
}
