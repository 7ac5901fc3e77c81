package suite

import (
	"bytes"
	"net/http"

	"superheroes/conformance/rawhttp"
)

// attempts is the maximum number of tries for a check that other clients' fights can disturb.
const attempts = 10

// besideOthers wraps the check hold so that hold is retried if it fails while another client is creating fights.
func besideOthers(hold func(*check)) func(*check) { return undisturbed(hold, hold) }

// undisturbed repeats a check until it passes, or until it fails while no other client is creating fights. If other
// clients create fights during every attempt, undisturbed runs fallback, a weaker check that new fights can't disturb.
func undisturbed(hold, fallback func(*check)) func(*check) {
	return func(c *check) {
		for range attempts - 1 {
			before, ours := c.storedFights(), c.fought.Load()
			failure := c.failure(hold)
			if failure == nil {
				return
			}
			if after := c.storedFights(); after < 0 || after-before == c.fought.Load()-ours {
				panic(*failure)
			}
		}
		fallback(c)
	}
}

// failure runs a check and returns its failure, or nil if it passed.
func (c *check) failure(hold func(*check)) (failure *Failure) {
	defer func() {
		switch end := recover().(type) {
		case nil:
		case Failure:
			failure = &end
		default:
			panic(end)
		}
	}()
	hold(c)
	return nil
}

// storedFights returns the number of stored fights, or -1 if the member doesn't report it.
func (c *check) storedFights() int64 {
	return counted(c.do("fights", rawhttp.Call{Target: countPath}))
}

// counted returns the fight count in a response, or -1 if the response has none.
func counted(a rawhttp.Answer) int64 {
	o, _ := read(a).(object)
	n, ok := number(o, "count")
	if !ok {
		return -1
	}
	return n
}

// note increments the number of fights that this run has created if the response contains a new fight.
func (s *session) note(service string, a rawhttp.Answer) {
	target := a.Call.Target
	if service == "fights" && a.Status == http.StatusOK && (target == executePath || target == "/api/fights" && a.Call.Method == http.MethodPost) {
		s.fought.Add(1)
	}
}

// passedOn requires that the arena returns the same response as the service. If the service's response changes during
// every attempt, only the status must match.
func (c *check) passedOn(service, target string) {
	same := func(a, b rawhttp.Answer) bool { return a.Status == b.Status && bytes.Equal(a.Body, b.Body) }
	for attempt := 1; ; attempt++ {
		call := rawhttp.Call{Target: target}
		before, passed, after := c.do(service, call), c.do(arena, call), c.do(service, call)
		good := same(passed, before) || same(passed, after)
		if good || same(before, after) {
			c.require(good, passed, "the response of %s: %s", service, after)
			return
		}
		if attempt == attempts {
			c.require(passed.Status == after.Status, passed, "the status of %s: %s", service, after)
			return
		}
	}
}

// listed walks the whole list of fights and returns their ids, newest first.
func (c *check) listed() (ids []string, last rawhttp.Answer) {
	above := "g" // greater than any id
	for next := "/api/fights?limit=100"; next != ""; next = c.next(last) {
		last = c.get("fights", next)
		for _, o := range c.objects(last) {
			id := text(o, "id")
			c.require(id != "" && id < above, last, "an id less than %s", above)
			above = id
			ids = append(ids, id)
		}
	}
	return ids, last
}

// countedAndListed requires that the number of fights in the list equals the count. Other clients may create fights
// during the check.
func countedAndListed(c *check) {
	c.fight(plainFight)
	before, _ := c.count()
	ids, a := c.listed()
	after, _ := c.count()
	n := int64(len(ids))
	c.require(before <= n && n <= after, a, "%d to %d fights in the list (the counts before and after), not %d", before, after, n)
}
