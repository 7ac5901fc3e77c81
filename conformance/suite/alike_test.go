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

// answers are what a system answered during a run to requests that it always answers alike.
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
	// byChance are the targets of which two systems answer differently: what is picked, or which fights there are.
	byChance = regexp.MustCompile(`random|/picks|^/api/fights([/?]|$)`)
	// madeUp is the name of an entry that a run has added.
	madeUp = regexp.MustCompile(`contract [A-Z2-7]{26}`)
	// idAndDate are the fields of a fight that no two have alike.
	idAndDate = regexp.MustCompile(`"id":"[^"]*","fight_date":"[^"]*",`)
)

// take is the watch of a run.
func (a *answers) take(service string, got rawhttp.Answer) {
	read := got.Status == http.StatusOK && got.Call.Method != http.MethodPost
	if read && (service == "statistics" || service == arena || got.Call.Target == "/healthz" || byChance.MatchString(got.Call.Target)) || madeUp.Match(got.Body) {
		return
	}
	text := fmt.Sprintln(got.Status, got.Header.Get("Content-Type"), got.Header.Get("Allow"), got.Header.Get("Cache-Control"), got.Header.Get("Link"), string(got.Body))
	text = idAndDate.ReplaceAllString(text, "")
	a.mu.Lock()
	defer a.mu.Unlock()
	key := asked{service, got.Call}
	if before, again := a.got[key]; again && before != text {
		a.unalike[key] = true
	}
	a.got[key] = text
}

// compare holds what two systems answered to the same requests against each other, byte for byte.
func (a *answers) compare(t *testing.T, other *answers) {
	t.Helper()
	compared := 0
	for key, got := range a.got {
		want, both := other.got[key]
		if !both || a.unalike[key] || other.unalike[key] {
			continue
		}
		if compared++; got != want {
			t.Errorf("%s of %s (-want +got):\n%s", key.call, key.service, cmp.Diff(want, got))
		}
	}
	if compared < 900 {
		t.Errorf("only %d answers were compared", compared)
	}
	t.Logf("%d answers were compared", compared)
}
