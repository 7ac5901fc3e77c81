package history

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Verdict is the result of a check. Lost, Changed, Duplicated and Unasked are numbers of faults.
type Verdict struct {
	OK, Refused, Indeterminate, Stored int

	Lost       int // acknowledged but not stored
	Changed    int // stored with content that differs from the acknowledged fight
	Duplicated int // requested once, but stored or acknowledged more than once
	Unasked    int // refused or never requested, but stored

	Faults []string // descriptions of the first faults found
}

// manyFaults is the maximum number of fault descriptions in a verdict.
const manyFaults = 10

func (v *Verdict) fault(count *int, format string, args ...any) {
	*count++
	if len(v.Faults) < manyFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// Sound reports whether no fault was found.
func (v *Verdict) Sound() bool { return v.Lost+v.Changed+v.Duplicated+v.Unasked == 0 }

// Add merges the result of another check into v.
func (v *Verdict) Add(other Verdict) {
	v.OK, v.Refused, v.Indeterminate, v.Stored = v.OK+other.OK, v.Refused+other.Refused, v.Indeterminate+other.Indeterminate, v.Stored+other.Stored
	v.Lost, v.Changed, v.Duplicated, v.Unasked = v.Lost+other.Lost, v.Changed+other.Changed, v.Duplicated+other.Duplicated, v.Unasked+other.Unasked
	v.Faults = append(v.Faults, other.Faults...)
}

// Check compares operations with the stored fights: the fight of every OK operation must be stored, and every stored
// fight must belong to exactly one OK or Indeterminate operation.
//
// If the server picked the fighters, only the id identifies the fight. Indeterminate operations of this kind have no
// known id, so the number of stored fights with an unknown id must not exceed the number of these operations.
func Check(operations []Operation, stored []Fight) Verdict {
	v := Verdict{Stored: len(stored)}
	byID, byHero, open := v.index(operations)
	v.compare(byID, stored)

	unclaimed, copies := 0, map[string]int{}
	for _, fight := range stored {
		operation, sent := byHero[fight.Hero.Name]
		switch {
		case sent:
			if copies[fight.Hero.Name]++; operation.Outcome == Refused {
				v.fault(&v.Unasked, "stored although refused with %d %q: %s", operation.Status, operation.Detail, fight.Text)
			}
		case byID[fight.ID] == nil:
			unclaimed++
		}
	}
	for hero, times := range copies {
		for range times - 1 {
			v.fault(&v.Duplicated, "the fight with the hero %q was requested once, but is stored %d times", hero, times)
		}
	}
	for range unclaimed - open {
		v.fault(&v.Unasked, "%d stored fights are in no response, but only %d operations are indeterminate", unclaimed, open)
	}
	return v
}

// index counts the operations by outcome. index returns two maps of the operations, one by acknowledged id and one by
// the hero's name in the request, and the number of indeterminate operations that are in neither map.
func (v *Verdict) index(operations []Operation) (byID, byHero map[string]*Operation, open int) {
	byID, byHero = map[string]*Operation{}, map[string]*Operation{}
	for i := range operations {
		operation := &operations[i]
		if operation.Hero != "" {
			byHero[operation.Hero] = operation
		}
		switch operation.Outcome {
		case OK:
			v.OK++
			if byID[operation.ID] != nil {
				v.fault(&v.Duplicated, "%s was acknowledged twice", operation.ID)
			}
			byID[operation.ID] = operation
		case Refused:
			v.Refused++
		case Indeterminate:
			v.Indeterminate++
			if operation.Hero == "" {
				open++
			}
		}
	}
	return byID, byHero, open
}

// compare records acknowledged fights that are missing or changed, and fights that are listed twice.
func (v *Verdict) compare(acknowledged map[string]*Operation, stored []Fight) {
	found := make(map[string]Fight, len(stored))
	for _, fight := range stored {
		if _, twice := found[fight.ID]; twice {
			v.fault(&v.Duplicated, "%s is listed twice", fight.ID)
		}
		found[fight.ID] = fight
	}
	for id, operation := range acknowledged {
		switch fight, there := found[id]; {
		case !there:
			v.fault(&v.Lost, "lost: acknowledged %s after the start: %s", operation.Ended.Round(time.Millisecond), operation.Answer)
		case fight.Text != operation.Answer:
			v.fault(&v.Changed, "acknowledged as %s\nbut stored as  %s", operation.Answer, fight.Text)
		}
	}
}

// Disordered returns the number of fights whose id isn't greater than every id acknowledged before the request. A
// process issues ids in ascending order, even across restarts.
func Disordered(operations []Operation) (n int) {
	began := slices.DeleteFunc(slices.Clone(operations), func(o Operation) bool { return o.Outcome != OK })
	ended := slices.Clone(began)
	slices.SortFunc(began, func(a, b Operation) int { return cmp.Compare(a.Began, b.Began) })
	slices.SortFunc(ended, func(a, b Operation) int { return cmp.Compare(a.Ended, b.Ended) })
	highest, next := "", 0
	for _, operation := range began {
		for ; ended[next].Ended < operation.Began; next++ {
			highest = max(highest, ended[next].ID)
		}
		if operation.ID <= highest {
			n++
		}
	}
	return n
}

// Longest returns the longest time that any client waited for a response, regardless of the outcome.
func Longest(operations []Operation) (longest time.Duration) {
	for i := range operations {
		if operations[i].Answered {
			longest = max(longest, operations[i].Took())
		}
	}
	return longest
}
