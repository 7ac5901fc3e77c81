package history

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"
)

// acknowledged returns an acknowledged operation and the corresponding stored fight.
func acknowledged(n int, hero string) (Operation, Fight) {
	id := fmt.Sprintf("id-%03d", n)
	text := fmt.Sprintf(`{"id":%q,"hero":{"name":%q}}`, id, hero)
	fight := Fight{ID: id, Text: text}
	fight.Hero.Name = hero
	return Operation{Hero: hero, Outcome: OK, ID: id, Answer: text, Answered: true,
		Began: time.Duration(n) * time.Second, Ended: time.Duration(n)*time.Second + time.Millisecond}, fight
}

// known returns a history without faults. For some fights, the client sent the fighters; for the others, the server
// picked them. The history contains every outcome, and some of the indeterminate fights are stored.
func known() (operations []Operation, stored []Fight) {
	for n, hero := range []string{"op-1", "op-2", "", "", "op-5"} {
		operation, fight := acknowledged(n, hero)
		operations, stored = append(operations, operation), append(stored, fight)
	}
	for _, hero := range []string{"op-6", "op-7", "", ""} {
		operations = append(operations, Operation{Hero: hero, Outcome: Indeterminate})
	}
	for _, hero := range []string{"op-8", ""} {
		operations = append(operations, Operation{Hero: hero, Outcome: Refused, Status: 503})
	}
	_, sent := acknowledged(6, "op-6")
	_, picked := acknowledged(7, "Yoda")
	return operations, append(stored, sent, picked)
}

func TestCheckCatches(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*[]Operation, *[]Fight)
		want   Verdict // only the fault counts are compared
	}{
		"no faults":              {func(*[]Operation, *[]Fight) {}, Verdict{}},
		"a posted fight lost":    {func(_ *[]Operation, s *[]Fight) { *s = (*s)[1:] }, Verdict{Lost: 1}},
		"a picked fight lost":    {func(_ *[]Operation, s *[]Fight) { *s = append((*s)[:2], (*s)[3:]...) }, Verdict{Lost: 1}},
		"a fight changed":        {func(_ *[]Operation, s *[]Fight) { (*s)[0].Text += " " }, Verdict{Changed: 1}},
		"all fights lost":        {func(_ *[]Operation, s *[]Fight) { *s = nil }, Verdict{Lost: 5}},
		"a fight listed twice":   {func(_ *[]Operation, s *[]Fight) { *s = append(*s, (*s)[2]) }, Verdict{Duplicated: 1}},
		"an id used twice":       {func(o *[]Operation, _ *[]Fight) { *o = append(*o, (*o)[2]) }, Verdict{Duplicated: 1}},
		"a refused fight stored": {func(_ *[]Operation, s *[]Fight) { *s = append(*s, fightOf(9, "op-8")) }, Verdict{Unasked: 1}},
		"a refused fight stored with a picked hero": {func(_ *[]Operation, s *[]Fight) {
			*s = append(*s, fightOf(8, "Ada"), fightOf(9, "Ada")) // one fight belongs to the indeterminate operation
		}, Verdict{Unasked: 1}},
		"an indeterminate fight stored twice": {func(_ *[]Operation, s *[]Fight) { *s = append(*s, fightOf(8, "op-6")) }, Verdict{Duplicated: 1}},
		"an acknowledged fight stored again with other ids": {func(_ *[]Operation, s *[]Fight) {
			*s = append(*s, fightOf(8, "op-5"), fightOf(9, "op-5"))
		}, Verdict{Duplicated: 2}},
		"an indeterminate fight not stored": {func(_ *[]Operation, s *[]Fight) { *s = (*s)[:len(*s)-1] }, Verdict{}},
	} {
		t.Run(name, func(t *testing.T) {
			operations, stored := known()
			test.change(&operations, &stored)
			got := Check(operations, stored)
			faults := Verdict{Lost: got.Lost, Changed: got.Changed, Duplicated: got.Duplicated, Unasked: got.Unasked}
			if fmt.Sprint(faults) != fmt.Sprint(test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got.Sound() != (len(got.Faults) == 0) {
				t.Errorf("Sound() is %t, but the faults are %q", got.Sound(), got.Faults)
			}
		})
	}
}

func fightOf(n int, hero string) Fight {
	_, fight := acknowledged(n, hero)
	return fight
}

func TestDisordered(t *testing.T) {
	operations, _ := known()
	if n := Disordered(operations); n != 0 {
		t.Errorf("found %d fights out of order, want 0 in an ordered history", n)
	}
	operations[4].ID = operations[2].ID + "a" // between the ids of operations 2 and 3
	if n := Disordered(operations); n != 1 {
		t.Errorf("found %d fights out of order, want only the last one", n)
	}
	operations[3].Ended = time.Hour // operation 3 wasn't acknowledged yet when operation 4 began
	if n := Disordered(operations); n != 0 {
		t.Errorf("found %d fights out of order, want 0 among concurrent operations", n)
	}
}

func TestJudge(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		err    error
		want   Outcome
	}{
		"a fight":                               {200, `{"id":"1"}`, nil, OK},
		"a truncated response":                  {200, `{"id":"1`, nil, Indeterminate},
		"a fight without an id":                 {200, `{}`, nil, Indeterminate},
		"no response":                           {0, "", context.DeadlineExceeded, Indeterminate},
		"a broken connection":                   {0, "", &net.OpError{Op: "read", Err: errors.New("reset")}, Indeterminate},
		"no connection":                         {0, "", &net.OpError{Op: "dial", Err: errors.New("refused")}, Refused},
		"a bad request":                         {422, `{"detail":"no"}`, nil, Refused},
		"a failed peer":                         {502, `{"detail":"heroes broke off"}`, nil, Refused},
		"not stored":                            {503, `{"detail":"full; the fight was not stored"}`, nil, Refused},
		"maybe stored":                          {503, `{"detail":"it did not confirm the fight, which may have been stored all the same"}`, nil, Indeterminate},
		"a crash":                               {500, `{"detail":"internal error"}`, nil, Indeterminate},
		"a schema error":                        {500, `{"detail":"no table; the fight was not stored"}`, nil, Refused},
		"a response without a problem document": {503, `<html>`, nil, Indeterminate},
	} {
		t.Run(name, func(t *testing.T) {
			var o Operation
			o.Judge(test.status, []byte(test.body), test.err)
			if o.Outcome != test.want {
				t.Errorf("got %s, want %s", o.Outcome, test.want)
			}
			if o.Answered != (test.err == nil) || o.Outcome == OK && (o.ID != "1" || o.Status != http.StatusOK) {
				t.Errorf("the recorded operation is %+v", o)
			}
		})
	}
}
