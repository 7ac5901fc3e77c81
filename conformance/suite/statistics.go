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

	"superheroes/conformance/openapi"
	"superheroes/conformance/rawhttp"
)

const (
	statisticsPath = "/api/statistics"
	streamPath     = "/api/statistics/stream"
	// soonCounted is the default for Options.Soon. A minute is far more than the promised second, so that the clause
	// doesn't fail on a busy machine.
	soonCounted = time.Minute
)

// StatisticsClauses returns the clauses in the Statistics group. These clauses create fights; other clients may create
// fights at the same time.
func StatisticsClauses() []Clause {
	clauses := []Clause{
		{ID: "fields", Text: `the response and each entry of its lists have exactly the documented fields`, hold: statisticsFields},
		{ID: "sums", Text: `the fights won by “heroes” and those won by “villains” add up to “total”`, hold: statisticsSums},
		{ID: "order", Text: `at most ten “top_winners” and ten “locations”, most fights first, then by name`, hold: statisticsOrder},
		{ID: "counted", Text: `every acknowledged fight is counted within a minute, and only once`, hold: statisticsCounted},
		{ID: "counted.team", Text: `a fight is counted for its “winner_team”`, hold: statisticsTeam},
		{ID: "nowhere", Text: `a fight without a location is counted in the totals, but for none of the “locations”`, hold: undisturbed(statisticsNowhere, statisticsNowhereAmongOthers)},
		{ID: "exact", Text: `“total” equals /api/fights/count`, hold: statisticsExact},
		{ID: "stream", Text: `the content type of the stream is text/event-stream, and its first event is the current state, the same JSON as from GET, on one line`, hold: streamFirst},
		{ID: "stream.update", Text: `the stream sends an update within a minute of a change`, hold: func(c *check) { c.updated("statistics") }},
		{ID: "stream.pace", Text: `the stream sends at most 4 events per second`, hold: streamPace},
	}
	return slices.Concat(serviceClauses("statistics", Statistics, clauses),
		serverClauses("statistics", Statistics, statisticsPath, statisticsPath+"?a=%00"),
		protocolClauses("statistics", Statistics, statisticsPath))
}

// counts is a statistics response.
type counts struct {
	object
	answer rawhttp.Answer
}

// statistics requests the statistics.
func (c *check) statistics() counts {
	a := c.get("statistics", statisticsPath)
	return counts{c.object(a), a}
}

// integer returns a field of the response and requires that it is a non-negative integer.
func (c *check) integer(s counts, field string) int64 {
	n, ok := number(s.object, field)
	c.require(ok && n >= 0, s.answer, "a non-negative integer in the field %s", field)
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

// settled returns the statistics once every earlier fight is counted, or the current statistics if that takes too long.
func (c *check) settled() counts {
	fights, _ := c.count()
	for end := time.Now().Add(c.soon); ; time.Sleep(50 * time.Millisecond) {
		if s := c.statistics(); c.integer(s, "total") >= fights || time.Now().After(end) {
			return s
		}
	}
}

// grown creates a fight and returns the statistics once they include that fight and all earlier fights.
func (c *check) grown(body string) counts {
	c.fight(body)
	fights, _ := c.count()
	s := c.settled()
	c.require(c.integer(s, "total") >= fights, s.answer, "a total of at least %d soon after a fight", fights)
	return s
}

// notMore requires that the statistics count no more fights than are stored.
func (c *check) notMore(s counts) {
	fights, a := c.count()
	c.require(c.integer(s, "total") <= fights, s.answer, "a total of at most %d, the count from %s", fights, a.Call)
}

const (
	heroWins    = `{"hero":{"name":"H","level":2},"villain":{"name":"V","level":1},"location":{"name":"L"}}`
	villainWins = `{"hero":{"name":"H","level":1},"villain":{"name":"V","level":2},"location":{"name":"L"}}`
)

func statisticsFields(c *check) {
	s := c.grown(heroWins)
	fields := []string{"total", "heroes", "villains", "since", "top_winners", "locations"}
	if _, there := s.object["unreadable"]; there {
		c.require(c.integer(s, "unreadable") > 0, s.answer, "the field “unreadable” is present only if a fight is unreadable")
		fields = append(fields, "unreadable")
	}
	c.fields(s.answer, s.object, fields)
	_, err := time.Parse(time.RFC3339, text(s.object, "since"))
	c.require(err == nil && strings.HasSuffix(text(s.object, "since"), "Z"), s.answer, "a UTC time in the field since")
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
	unreadable, _ := number(s.object, "unreadable") // the field is omitted if its value is 0
	c.require(c.integer(s, "heroes")+c.integer(s, "villains")+unreadable == c.integer(s, "total"), s.answer, "a total that is the sum of heroes, villains and unreadable")
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

// statisticsCounted reads the statistics repeatedly, to check that no fight is counted again later.
func statisticsCounted(c *check) {
	c.notMore(c.grown(heroWins))
	for range attempts {
		c.notMore(c.statistics())
	}
}

func statisticsTeam(c *check) {
	before := c.settled()
	hero := c.grown(heroWins)
	c.require(c.integer(hero, "heroes") > c.integer(before, "heroes"), hero.answer, "more heroes than %d", c.integer(before, "heroes"))
	villain := c.grown(villainWins)
	c.require(c.integer(villain, "villains") > c.integer(hero, "villains"), villain.answer, "more villains than %d", c.integer(hero, "villains"))
}

func statisticsNowhere(c *check) {
	before := c.settled()
	after := c.grown(plainFight)
	c.require(reflect.DeepEqual(before.object["locations"], after.object["locations"]), after.answer,
		"unchanged locations: %v", before.object["locations"])
}

// statisticsNowhereAmongOthers requires that the fights at all locations add up to less than the total. Other clients
// may create fights during this check.
func statisticsNowhereAmongOthers(c *check) {
	s := c.grown(plainFight)
	sum := int64(0)
	for _, place := range c.list(s, "locations") {
		fights, _ := number(place, "fights")
		sum += fights
	}
	c.require(sum < c.integer(s, "total"), s.answer, "fewer than %d fights at all locations together", c.integer(s, "total"))
}

// statisticsExact requires that the total, the fight count and the list of fights agree, apart from fights that other
// clients create in the meantime.
func statisticsExact(c *check) {
	s := c.grown(heroWins)
	c.notMore(s)
	countedAndListed(c)
}

// events returns the data of each complete event at the beginning of a stream.
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

// listen reads the stream of a service until enough returns true for its events.
func (c *check) listen(service string, enough func(events [][]byte) bool) rawhttp.Answer {
	call := rawhttp.Call{Target: streamPath}
	a, err := c.clients[service].Listen(c.ctx, call, func(body []byte) bool { return enough(events(body)) })
	if err != nil {
		c.fail(call.String(), err.Error(), "a stream")
	}
	c.require(a.Status == http.StatusOK, a, "200")
	return a
}

func streamFirst(c *check) {
	for attempt := 1; ; attempt++ {
		before := c.settled()
		a := c.listen("statistics", func(events [][]byte) bool { return len(events) > 0 })
		after := c.statistics()
		c.require(strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream"), a, "content type text/event-stream")
		c.require(len(events(a.Body)) > 0, a, "an event at once")
		for line := range bytes.Lines(a.Body) {
			line = bytes.TrimRight(line, "\r\n")
			known := len(line) == 0 || regexp.MustCompile(`^(:|data:|event:|id:|retry:)`).Match(line)
			c.require(known, a, "only event and comment lines")
		}
		first, still := events(a.Body)[0], bytes.Equal(before.answer.Body, after.answer.Body)
		good := bytes.Equal(first, before.answer.Body) || bytes.Equal(first, after.answer.Body)
		switch {
		case good || still: // still means that no fight was counted during the attempt
			c.require(good, a, "the JSON that GET returns: %s", after.answer.Body)
			return
		case attempt == attempts: // other clients keep creating fights
			var o object
			c.require(openapi.Decode(first, &o) == nil, a, "JSON")
			total := c.integer(counts{o, a}, "total")
			c.require(c.integer(before, "total") <= total && total <= c.integer(after, "total"), a,
				"a total between those that GET returned before and after the stream; the later response: %s", after.answer.Body)
			return
		}
	}
}

// updated creates a fight after the first event of a service's stream, and waits for an event that includes that fight.
func (c *check) updated(service string) {
	c.settled()
	total := func(event []byte) int64 {
		var now object
		if openapi.Decode(event, &now) != nil {
			return -1
		}
		n, _ := number(now, "total")
		return n
	}
	var want int64
	var end time.Time
	a := c.listen(service, func(events [][]byte) bool {
		if len(events) == 0 {
			return false
		}
		if end.IsZero() {
			c.fight(heroWins)
			want, _ = c.count()
			end = time.Now().Add(c.soon)
		}
		return total(events[len(events)-1]) >= want || time.Now().After(end)
	})
	all := events(a.Body)
	c.require(len(all) > 1 && total(all[len(all)-1]) >= want, a, "an update soon after a fight, with a total of %d", want)
}

// streamPace creates fights for two seconds, faster than the stream may send events, and counts the events.
func streamPace(c *check) {
	const watched, pause = 2 * time.Second, 100 * time.Millisecond
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(pause):
				_, _ = c.try("fights", post(heroWins)) // other clauses check that fights are accepted
			}
		}
	}()
	defer func() {
		close(stop)
		<-stopped
	}()
	var begin time.Time // set before each request, so that a delay can only favour the member
	watch := func() rawhttp.Answer {
		begin = time.Now()
		return c.listen("statistics", func(events [][]byte) bool { return len(events) > 0 && time.Since(begin) > watched })
	}
	started, a := time.Now(), watch()
	for len(events(a.Body)) == 1 && time.Since(started) < c.soon {
		a = watch() // no fight was counted while the stream was open
	}
	// The first event is sent at once, in addition to the events that the limit allows.
	n, took := len(events(a.Body)), time.Since(begin)
	most := 2 + int(4*took/time.Second)
	c.require(n > 1 && n <= most, a, "from 2 to %d events in %s, not %d", most, took, n)
}
