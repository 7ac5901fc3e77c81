package suite

import (
	"bytes"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"superheroes/test/contract/openapi"
	"superheroes/test/contract/wire"
)

const (
	statisticsPath = "/api/statistics"
	streamPath     = "/api/statistics/stream"
	// soonCounted is how long a fight may take to be counted unless Options say otherwise: a second, and one for the way.
	soonCounted = 2 * time.Second
)

// StatisticsClauses returns the clauses of the group Statistics. They need fights to fight with, and nobody else who
// does.
func StatisticsClauses() []Clause {
	clauses := []Clause{
		{ID: "fields", Text: `exactly “total, heroes, villains, since, top_winners, locations”, “unreadable” where there are any, and the fields within`, hold: statisticsFields},
		{ID: "sums", Text: `every fight was won by “heroes” or “villains”, or is “unreadable”: together they are “total”`, hold: statisticsSums},
		{ID: "order", Text: `at most ten “top_winners” and “locations”, most first, then by name`, hold: statisticsOrder},
		{ID: "counted", Text: `“a fight acknowledged is a fight stored is a fight counted, once”, soon`, hold: statisticsCounted},
		{ID: "counted.team", Text: `a fight counts for its “winner_team”`, hold: statisticsTeam},
		{ID: "nowhere", Text: `a fight without a location counts in the totals, and for none of the “locations”`, hold: statisticsNowhere},
		{ID: "exact", Text: `“total” is what /api/fights/count says`, hold: statisticsExact},
		{ID: "listed", Text: `“total” is what /api/fights lists to its end, with what it names as one that can't be read, which are “unreadable”`, hold: statisticsListed},
		{ID: "stream", Text: `the stream is “text/event-stream” with “the current state at once”, which is “the JSON of the GET” on “one line”`, hold: streamFirst},
		{ID: "stream.update", Text: `“an update within 1 s of a change”`, hold: streamUpdate},
		{ID: "stream.pace", Text: `“at most 4 a second”`, hold: streamPace},
	}
	for i := range clauses {
		clauses[i].ID, clauses[i].Service = "statistics."+clauses[i].ID, "statistics"
	}
	clauses = append(clauses, serverClauses("statistics", statisticsPath, statisticsPath+"?a=%00")...)
	for i := range clauses {
		clauses[i].Group = Statistics
	}
	return clauses
}

// counts is an answer of statistics.
type counts struct {
	object
	answer wire.Answer
}

// statistics asks for them.
func (c *check) statistics() counts {
	a := c.get("statistics", statisticsPath)
	return counts{c.object(a), a}
}

// of returns a number of the answer, which must be one.
func (c *check) of(s counts, field string) int64 {
	n, ok := number(s.object, field)
	c.require(ok && n >= 0, s.answer, "an integer from 0 as %s", field)
	return n
}

// unreadable returns how many fights can't be read: the field is missing when there are none.
func (c *check) unreadable(s counts) int64 {
	if _, given := s.object["unreadable"]; !given {
		return 0
	}
	n := c.of(s, "unreadable")
	c.require(n > 0, s.answer, "no unreadable when there are none")
	return n
}

func (c *check) list(s counts, field string) []object {
	array, is := s.object[field].([]any)
	c.require(is, s.answer, "an array in %s", field)
	list := make([]object, len(array))
	for i, element := range array {
		list[i], is = element.(object)
		c.require(is, s.answer, "objects in %s", field)
	}
	return list
}

// settled waits until all is counted that was fought before: longer for many fights, which other clauses have left to a
// slow store, than for the last few, which are a fault.
func (c *check) settled() counts {
	const many, manyCounted = 20, 45 * time.Second
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		s, fights := c.statistics(), c.object(c.get("fights", "/api/fights/count"))
		n, _ := number(fights, "count")
		left, patience := n-c.of(s, "total"), c.soon
		if left > many {
			patience = manyCounted
		}
		if left == 0 || time.Since(begin) > patience {
			return s
		}
	}
}

// grown fights, and returns the statistics when they have changed.
func (c *check) grown(before counts, body string) counts {
	c.fight(body)
	for end := time.Now().Add(c.soon); ; time.Sleep(50 * time.Millisecond) {
		s := c.statistics()
		if c.of(s, "total") != c.of(before, "total") {
			return s
		}
		c.require(time.Now().Before(end), s.answer, "total %d soon after a fight", c.of(before, "total")+1)
	}
}

const (
	heroWins    = `{"hero":{"name":"H","level":2},"villain":{"name":"V","level":1},"location":{"name":"L"}}`
	villainWins = `{"hero":{"name":"H","level":1},"villain":{"name":"V","level":2},"location":{"name":"L"}}`
)

func statisticsFields(c *check) {
	s := c.grown(c.settled(), heroWins)
	fields := []string{"total", "heroes", "villains", "since", "top_winners", "locations"}
	if c.unreadable(s) > 0 {
		fields = append(fields, "unreadable")
	}
	c.fields(s.answer, s.object, fields)
	_, err := time.Parse(time.RFC3339, text(s.object, "since"))
	c.require(err == nil && strings.HasSuffix(text(s.object, "since"), "Z"), s.answer, "a date in UTC as since")
	winners, places := c.list(s, "top_winners"), c.list(s, "locations")
	c.require(len(winners) > 0 && len(places) > 0, s.answer, "winners and locations")
	for _, winner := range winners {
		c.fields(s.answer, winner, []string{"name", "team", "wins"})
		c.require(winner["team"] == "heroes" || winner["team"] == "villains", s.answer, "a team")
	}
	for _, place := range places {
		c.fields(s.answer, place, []string{"name", "fights"})
	}
}

func statisticsSums(c *check) {
	s := c.settled()
	c.require(c.of(s, "heroes")+c.of(s, "villains")+c.unreadable(s) == c.of(s, "total"), s.answer, "heroes, villains and unreadable that make total")
}

func statisticsOrder(c *check) {
	for i, name := range []string{"Zoë", "a", "B"} {
		c.fight(fmt.Sprintf(`{"hero":{"name":%q,"level":1},"villain":{"name":"V"},"location":{"name":"place %d"}}`, name, i))
	}
	s := c.settled()
	for field, of := range map[string]string{"top_winners": "wins", "locations": "fights"} {
		list := c.list(s, field)
		c.require(len(list) >= min(3, len(list)) && len(list) <= 10, s.answer, "at most ten in %s", field)
		for i := 1; i < len(list); i++ {
			above, _ := number(list[i-1], of)
			below, ok := number(list[i], of)
			inOrder := above > below || above == below && text(list[i-1], "name") <= text(list[i], "name")
			c.require(ok && inOrder, s.answer, "%s in order", field)
		}
	}
}

func statisticsCounted(c *check) {
	before := c.settled()
	after := c.grown(before, heroWins)
	c.require(c.of(after, "total") == c.of(before, "total")+1, after.answer, "total %d", c.of(before, "total")+1)
	time.Sleep(soonCounted) // it must not be counted once more
	later := c.statistics()
	c.require(c.of(later, "total") == c.of(before, "total")+1, later.answer, "total %d still", c.of(before, "total")+1)
}

func statisticsTeam(c *check) {
	before := c.settled()
	hero := c.grown(before, heroWins)
	c.require(c.of(hero, "heroes") == c.of(before, "heroes")+1, hero.answer, "heroes %d", c.of(before, "heroes")+1)
	villain := c.grown(hero, villainWins)
	c.require(c.of(villain, "villains") == c.of(before, "villains")+1, villain.answer, "villains %d", c.of(before, "villains")+1)
}

func statisticsNowhere(c *check) {
	before := c.settled()
	after := c.grown(before, plainFight)
	c.require(reflect.DeepEqual(before.object["locations"], after.object["locations"]), after.answer, "the locations as they were: %v", before.object["locations"])
}

func statisticsExact(c *check) {
	c.fight(heroWins)
	s := c.settled()
	a := c.get("fights", "/api/fights/count")
	n, _ := number(c.object(a), "count")
	c.require(c.of(s, "total") == n, s.answer, "total %d, as %s says", n, a.Call)
}

// mostListed is how many fights are listed for a clause: more would take a slow store too long.
const mostListed = 10_000

// statisticsListed holds whatever another application has left in the store.
func statisticsListed(c *check) {
	c.fight(heroWins)
	s := c.settled()
	total, unreadable := c.of(s, "total"), c.unreadable(s)
	if total > mostListed {
		c.skip(fmt.Sprintf("there are %d fights, too many to list", total))
	}
	listed, named := c.listAll()
	c.require(listed+named == total && named == unreadable, s.answer, "%d fights, as are listed, and %d more as unreadable", listed, named)
}

// listAll follows the list to its end, past the fights that a 500 names. A page fails with any fight in it, so there it
// goes on one by one.
func (c *check) listAll() (listed, unreadable int64) {
	id := regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	for before, limit := "", 100; ; {
		a := c.do("fights", wire.Call{Target: fmt.Sprintf("/api/fights?limit=%d%s", limit, before)})
		if a.Status == http.StatusInternalServerError {
			if limit > 1 {
				limit = 1
				continue
			}
			named := id.FindString(text(c.object(a), "detail"))
			c.require(named != "", a, "the id of a fight that can't be read")
			before, limit = "&before="+named, 100
			unreadable++
			continue
		}
		c.require(a.Status == http.StatusOK, a, "200")
		page := c.objects(a)
		if len(page) == 0 {
			return listed, unreadable
		}
		listed += int64(len(page))
		before = "&before=" + text(page[len(page)-1], "id")
	}
}

// events returns the data of each whole event so far.
func events(body []byte) [][]byte {
	var all [][]byte
	blocks := bytes.Split(body, []byte("\n\n"))
	for _, block := range blocks[:len(blocks)-1] {
		if data, is := bytes.CutPrefix(block, []byte("data:")); is {
			all = append(all, bytes.TrimPrefix(data, []byte(" ")))
		}
	}
	return all
}

// listen reads the stream of a service until enough says so of the events.
func (c *check) listen(service string, enough func(events [][]byte) bool) wire.Answer {
	call := wire.Call{Target: streamPath}
	a, err := c.clients[service].Listen(c.ctx, call, func(body []byte) bool { return enough(events(body)) })
	if err != nil {
		c.fail(call.String(), err.Error(), "a stream")
	}
	c.require(a.Status == http.StatusOK, a, "200")
	return a
}

func streamFirst(c *check) {
	want := c.settled()
	begin := time.Now()
	a := c.listen("statistics", func(events [][]byte) bool { return len(events) > 0 })
	c.require(strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream"), a, "content type text/event-stream")
	c.require(len(events(a.Body)) > 0 && time.Since(begin) < c.soon, a, "an event at once")
	c.require(bytes.Equal(events(a.Body)[0], want.answer.Body), a, "the JSON of the GET: %s", want.answer.Body)
	for line := range bytes.Lines(a.Body) {
		line = bytes.TrimRight(line, "\r\n")
		known := len(line) == 0 || line[0] == ':' || slices.ContainsFunc([]string{"data:", "event:", "id:", "retry:"}, func(field string) bool { return bytes.HasPrefix(line, []byte(field)) })
		c.require(known, a, "lines of events, and comments")
	}
}

func streamUpdate(c *check) { c.updated("statistics") }

// updated fights when the first event of a service's stream has come, and wants a second one soon.
func (c *check) updated(service string) {
	before := c.settled()
	fought := false
	var at time.Time
	a := c.listen(service, func(events [][]byte) bool {
		if len(events) > 0 && !fought {
			fought = true
			c.fight(heroWins)
			at = time.Now()
		}
		return len(events) > 1 || fought && time.Since(at) > c.soon
	})
	all := events(a.Body)
	c.require(len(all) > 1 && time.Since(at) <= c.soon, a, "an update soon after a fight")
	var now object
	c.require(openapi.Decode(all[1], &now) == nil, a, "JSON")
	total, _ := number(now, "total")
	c.require(total == c.of(before, "total")+1, a, "total %d", c.of(before, "total")+1)
}

// streamPace fights for two seconds, without a pause, and counts the events.
func streamPace(c *check) {
	const watched = 2 * time.Second
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = c.try("fights", post(heroWins)) // whether it is taken is another clause's
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	var begin time.Time
	watch := func() wire.Answer {
		begin = time.Time{}
		return c.listen("statistics", func(events [][]byte) bool {
			if begin.IsZero() && len(events) > 0 {
				begin = time.Now()
			}
			return !begin.IsZero() && time.Since(begin) > watched
		})
	}
	started, a := time.Now(), watch()
	for len(events(a.Body)) == 1 && time.Since(started) < c.soon {
		a = watch() // nothing was counted meanwhile
	}
	// The first one comes at once, and what was sent before may arrive together.
	n, most := len(events(a.Body)), 2+int(4*time.Since(begin)/time.Second)
	c.require(n > 1 && n <= most, a, "from 2 to %d events in %s, not %d", most, watched, n)
}
