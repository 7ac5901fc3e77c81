package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"superheroes/bench/rawhttp"
)

// errCannotTell means that a member reports in none of the known ways how many fights it has stored.
var errCannotTell = errors.New("it neither counts its fights nor returns them page by page")

const countElsewhere = "to count them in its MongoDB, use count= or --count-url"

// errNotCounted means that the response to a request for a count or a list is something else.
var errNotCounted = errors.New("no count of fights")

// errBusy means that the member responded with status 429 or 5xx, and so may count its fights later.
var errBusy = fmt.Errorf("%w yet", errNotCounted)

// count returns the number of fights that the target has stored, and what it was counted by: the collection if one was
// given, else the target's count or, if it doesn't report one, its list of fights. If by isn't "", it is what they were counted
// by before, and nothing else is tried. The target is asked up to ten times while it is busy, and once if ctx is canceled.
func (t Target) count(ctx context.Context, timeout time.Duration, by string) (int64, string, error) {
	if t.Count != nil {
		total, err := t.Count.count()
		return total, t.Count.String(), err
	}
	conn, err := rawhttp.New(t.URL(Fights), timeout)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	list := fights{conn}
	var responses []string
	for _, way := range []struct {
		name  string
		count func() (int64, error)
	}{
		{"/api/fights/count", list.count}, {"/api/fights?limit=&before=", list.before}, {"/api/fights?page=&size=", list.pages},
	} {
		if by != "" && by != way.name {
			continue
		}
		total, err := way.count()
		for try := 1; errors.Is(err, errBusy) && try < 10 && ctx.Err() == nil; try++ {
			Pause(ctx, 500*time.Millisecond)
			total, err = way.count()
		}
		if by == "" && errors.Is(err, errNotCounted) {
			responses = append(responses, fmt.Sprintf("%s: %s", way.name, err))
			continue
		}
		if err != nil {
			err = fmt.Errorf("counting the fights of %s by %s: %w; %s", t.Name, way.name, err, countElsewhere)
		}
		return total, way.name, err
	}
	return 0, "", fmt.Errorf("%w (%s); %s", errCannotTell, strings.Join(responses, "; "), countElsewhere)
}

// fights counts the fights of a member.
type fights struct{ conn *rawhttp.Conn }

// get requests a path and decodes the response, if it is as expected.
func (f fights) get(path string, into any) error {
	answer, err := f.conn.Do(f.conn.Get(path))
	if err != nil {
		return err
	}
	said := strings.Join(strings.Fields(string(answer.Body[:min(len(answer.Body), 100)])), " ")
	switch {
	case answer.Status == http.StatusTooManyRequests || answer.Status >= http.StatusInternalServerError:
		return fmt.Errorf("%w: status %d, %s", errBusy, answer.Status, said)
	case answer.Status != http.StatusOK || json.Unmarshal(answer.Body, into) != nil:
		return fmt.Errorf("%w: status %d, %s", errNotCounted, answer.Status, said)
	}
	return nil
}

// count requests the count.
func (f fights) count() (int64, error) {
	var counted struct{ Count *int64 }
	if err := f.get("/api/fights/count", &counted); err != nil {
		return 0, err
	}
	if counted.Count == nil || *counted.Count < 0 {
		return 0, errNotCounted
	}
	return *counted.Count, nil
}

const pageSize = 100

// page returns the ids of a page of the list of fights.
func (f fights) page(query string, args ...any) (ids []string, err error) {
	var page []struct{ ID any }
	if err := f.get("/api/fights?"+fmt.Sprintf(query, args...), &page); err != nil {
		return nil, err
	}
	if page == nil || len(page) > pageSize {
		return nil, errNotCounted
	}
	for _, fight := range page {
		ids = append(ids, fmt.Sprint(fight.ID))
	}
	return ids, nil
}

// before counts the fights page by page, each page starting after the last fight of the previous page, until one is
// empty. A short page need not be the last one, since some members have shorter pages. A member that returns the same
// page again doesn't support this kind of paging.
func (f fights) before() (total int64, err error) {
	last, query := "", fmt.Sprintf("limit=%d", pageSize)
	for {
		ids, err := f.page("%s", query)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		total += int64(len(ids))
		id := ids[len(ids)-1]
		if !usable(id) || id >= last && last != "" {
			return 0, errNotCounted // ids must decrease from page to page, or this loop would not terminate
		}
		last, query = id, fmt.Sprintf("limit=%d&before=%s", pageSize, id)
	}
}

// maxPages limits the pages that a member can have.
const maxPages = 1 << 24

// pages counts the fights by searching for the last page with fights, with few requests because a database takes longer
// for a page the further back it is: the step doubles while there are more pages, and is halved after that. All pages
// but the last one are as long as the first one. A member whose pages begin alike doesn't support this kind of paging.
func (f fights) pages() (int64, error) {
	page := func(n int) ([]string, error) { return f.page("page=%d&size=%d", n, pageSize) }
	first, err := page(0)
	if err != nil || len(first) == 0 {
		return 0, err
	}
	last, grows := first, true
	at := 0 // the furthest page that is known to have fights
	for step := 1; step > 0; {
		ids, err := page(at + step)
		switch {
		case err != nil:
			return 0, err
		case len(ids) == 0:
			grows, step = false, step/2
			continue
		case ids[0] == first[0] || at+step > maxPages:
			return 0, errNotCounted
		}
		at, last = at+step, ids
		if grows {
			step *= 2
		} else {
			step /= 2
		}
	}
	return int64(at)*int64(len(first)) + int64(len(last)), nil
}

// usable reports whether an id can be used in a query without escaping.
func usable(id string) bool {
	other := func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}
	return id != "" && !strings.ContainsFunc(id, other)
}

// Stored says whether the fights of a run were stored, including the fights of the warm-up.
type Stored struct {
	Checked      bool   `json:"checked"`
	By           string `json:"by,omitempty"`   // what the stored fights were counted by
	Why          string `json:"why,omitempty"`  // why the number of stored fights could not be checked
	Lost         bool   `json:"lost,omitempty"` // fights could be counted before the run, but not after it
	Acknowledged int64  `json:"acknowledged"`
	Stored       int64  `json:"stored"`
	Uncertain    int64  `json:"uncertain"` // fight requests without a response: each may or may not have stored a fight
}

// fault describes how the numbers of acknowledged and stored fights differ, or returns "" if the numbers match.
func (s Stored) fault() string {
	switch {
	case s.Lost:
		return "its fights could be counted before the run but not after: " + s.Why
	case !s.Checked:
		return ""
	case s.Acknowledged > 0 && s.Stored == 0:
		return fmt.Sprintf("STORES NOTHING: %d fights were acknowledged but none were stored%s", s.Acknowledged, s.by())
	case s.Stored < s.Acknowledged:
		return fmt.Sprintf("%d fights were acknowledged but only %d were stored%s", s.Acknowledged, s.Stored, s.by())
	case s.Stored > s.Acknowledged+s.Uncertain:
		return fmt.Sprintf("%d fights were acknowledged but %d were stored%s, "+
			"more than %d requests without a response explain; was there other load?", s.Acknowledged, s.Stored, s.by(), s.Uncertain)
	}
	return ""
}

// by returns the source of the number of stored fights, in brackets.
func (s Stored) by() string {
	if s.By == "" {
		return ""
	}
	return " (counted by " + s.By + ")"
}
