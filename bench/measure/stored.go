package measure

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"superheroes/bench/rawhttp"
)

// errCannotTell means that a member doesn't report how many fights it has stored.
var errCannotTell = errors.New("it supports neither counting its fights nor paging through them")

// countFights returns the number of fights that the target has stored. It requests the count or, if the target doesn't
// report one, pages through the list of fights.
func countFights(t Target, timeout time.Duration) (int64, error) {
	conn, err := rawhttp.New(t.URL(Fights), timeout)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	answer, err := conn.Do(conn.Get("/api/fights/count"))
	if err != nil {
		return 0, fmt.Errorf("counting the fights of %s: %w", t.Name, err)
	}
	var counted struct{ Count *int64 }
	known := answer.Status == http.StatusOK && json.Unmarshal(answer.Body, &counted) == nil && counted.Count != nil
	if known && *counted.Count >= 0 {
		return *counted.Count, nil
	}
	return pageFights(conn)
}

const pageSize = 100

// pageFights counts fights by fetching the list page by page, each page starting after the last fight of the previous
// page. A member that returns the same page again doesn't support paging.
func pageFights(conn *rawhttp.Conn) (int64, error) {
	total, last := int64(0), ""
	for {
		path := fmt.Sprintf("/api/fights?limit=%d", pageSize)
		if last != "" {
			path += "&before=" + last
		}
		answer, err := conn.Do(conn.Get(path))
		if err != nil {
			return 0, fmt.Errorf("paging through fights: %w", err)
		}
		var page []struct{ ID any }
		known := answer.Status == http.StatusOK && json.Unmarshal(answer.Body, &page) == nil
		if !known || page == nil || len(page) > pageSize {
			return 0, errCannotTell
		}
		total += int64(len(page))
		if len(page) < pageSize {
			return total, nil
		}
		id, _ := page[pageSize-1].ID.(string)
		if !usable(id) || id >= last && last != "" {
			return 0, errCannotTell // ids must decrease from page to page, or this loop would not terminate
		}
		last = id
	}
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
		return fmt.Sprintf("STORES NOTHING: %d fights were acknowledged but none were stored", s.Acknowledged)
	case s.Stored < s.Acknowledged:
		return fmt.Sprintf("%d fights were acknowledged but only %d were stored", s.Acknowledged, s.Stored)
	case s.Stored > s.Acknowledged+s.Uncertain:
		return fmt.Sprintf("%d fights were acknowledged but %d were stored, "+
			"more than %d requests without a response explain; was there other load?", s.Acknowledged, s.Stored, s.Uncertain)
	}
	return ""
}
