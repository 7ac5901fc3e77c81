// Package suite holds the clauses of the contract and scores a running system against them, over HTTP only.
package suite

import (
	"cmp"
	"fmt"
	"slices"
)

// Group is a set of clauses that a run can select.
type Group string

// The groups. A run of Full always includes Core. It also includes Writes if a token is given, and Statistics and Arena
// if the respective service's address is given.
const (
	Core       Group = "core"       // what every member of the family promises
	Full       Group = "full"       // what this application promises in addition
	Writes     Group = "writes"     // editing the catalogs, which needs the administrator's token
	Statistics Group = "statistics" // the statistics service
	Arena      Group = "arena"      // the battle page
)

// Result is the result of checking a clause.
type Result string

// The results. Unchecked counts as skipped: the member offers no way to observe whether the clause holds.
const (
	Pass      Result = "pass"
	Fail      Result = "fail"
	Skipped   Result = "skipped"
	Unchecked Result = "cannot be checked"
)

// Clause is one requirement of the contract.
type Clause struct {
	ID      string // stable
	Service string
	Group   Group
	Text    string // one line; quotation marks enclose the contract's own words
	hold    func(*check)
}

// serviceClauses joins lists of clauses, prefixes the clauses' ids with the service name, and sets the group of each
// clause that has none.
func serviceClauses(service string, group Group, lists ...[]Clause) []Clause {
	clauses := slices.Concat(lists...)
	for i := range clauses {
		c := &clauses[i]
		c.ID, c.Service, c.Group = service+"."+c.ID, service, cmp.Or(c.Group, group)
	}
	return clauses
}

// Outcome is a clause and its result.
type Outcome struct {
	Clause
	Result Result
	Detail string   // why the clause failed or was skipped; if it passed, what the run learned about the member
	Failed *Failure // the failure that Detail describes, or nil if the clause didn't fail
}

// Failure describes how a clause was violated.
type Failure struct{ Sent, Got, Expected string }

func (f Failure) String() string {
	return fmt.Sprintf("sent: %s\ngot: %s\nexpected: %s", f.Sent, f.Got, f.Expected)
}

// Score counts results; Unchecked counts as skipped.
type Score struct{ Passed, Failed, Skipped int }

func (s Score) String() string {
	return fmt.Sprintf("passed %d, failed %d, skipped %d", s.Passed, s.Failed, s.Skipped)
}

// ScoreOf counts the outcomes of one group, or of all groups if group is "".
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

// Clauses returns every clause of the four services, grouped by service.
func Clauses() []Clause {
	var all []Clause
	for _, r := range rooms() {
		all = append(all, catalogClauses(r)...)
		all = append(all, serverClauses(r.service, Full, r.randomPath(), r.path()+"/1e3")...)
		all = append(all, protocolClauses(r.service, Full, r.path())...)
		all = append(all, writeClauses(r)...)
	}
	all = append(all, fightClauses()...)
	all = append(all, serverClauses("fights", Full, "/api/fights/execute_fight", "/api/fights/1e3")...)
	return append(all, protocolClauses("fights", Full, "/api/fights")...)
}
