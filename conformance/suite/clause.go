// Package suite holds the clauses of the contract and scores a running system by them, over HTTP only.
package suite

import "fmt"

// Group tells which members of the family a clause is for.
type Group string

// The groups. A run of Full takes the clauses of Core too and, where there is a token, those of Writes; where the
// address of statistics or of the page is known, those of Statistics and Arena.
const (
	Core       Group = "core"       // what every member of the family has
	Full       Group = "full"       // what ours promises beyond that
	Writes     Group = "writes"     // what takes the administrator's token
	Statistics Group = "statistics" // the service of statistics
	Arena      Group = "arena"      // the battle page
)

// Result is what became of a clause.
type Result string

// The results. Unchecked counts as skipped: the member offers no way to see whether it does what it should.
const (
	Pass      Result = "pass"
	Fail      Result = "fail"
	Skipped   Result = "skipped"
	Unchecked Result = "cannot be checked"
)

// Clause is one demand of the contract.
type Clause struct {
	ID      string // stable
	Service string
	Group   Group
	Text    string // one line, with the contract's own words in quotation marks
	hold    func(*check)
}

// Outcome is a clause and what became of it.
type Outcome struct {
	Clause
	Result Result
	Detail string   // why, unless it passed; what the run learned there, if it did
	Failed *Failure // what Detail tells, when it failed
}

// Failure tells how a clause was broken.
type Failure struct{ Sent, Got, Expected string }

func (f Failure) String() string {
	return fmt.Sprintf("sent: %s\ngot: %s\nexpected: %s", f.Sent, f.Got, f.Expected)
}

// Score counts results; Unchecked is among the skipped.
type Score struct{ Passed, Failed, Skipped int }

func (s Score) String() string {
	return fmt.Sprintf("passed %d, failed %d, skipped %d", s.Passed, s.Failed, s.Skipped)
}

// ScoreOf counts the outcomes of one group, of all of them when it is "".
func ScoreOf(outcomes []Outcome, group Group) Score {
	var score Score
	for _, o := range outcomes {
		switch {
		case group != "" && o.Group != group:
		case o.Result == Pass:
			score.Passed++
		case o.Result == Fail:
			score.Failed++
		default:
			score.Skipped++
		}
	}
	return score
}

// Clauses returns every clause of the four services, service by service.
func Clauses() []Clause {
	var all []Clause
	for _, r := range rooms() {
		all = append(all, catalogClauses(r)...)
		all = append(all, serverClauses(r.service, r.randomPath(), r.path()+"/1e3")...)
		all = append(all, protocolClauses(r.service, r.path())...)
		all = append(all, writeClauses(r)...)
	}
	all = append(all, fightClauses()...)
	all = append(all, serverClauses("fights", "/api/fights/execute_fight", "/api/fights/1e3")...)
	return append(all, protocolClauses("fights", "/api/fights")...)
}
