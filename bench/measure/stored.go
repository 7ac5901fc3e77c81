package measure

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"superheroes/bench/rawhttp"
	"superheroes/bench/scan"
)

// errCannotTell means that a member doesn't report how many fights it has stored.
var errCannotTell = errors.New("it supports neither counting its fights nor paging through them")

// countFights returns how many fights the target has stored: from its count, or else by paging through its list.
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
	if answer.Status == http.StatusOK {
		if count, ok := countOf(answer.Body); ok {
			return count, nil
		}
	}
	return pageFights(conn)
}

func countOf(body []byte) (count int64, ok bool) {
	err := scan.Object(body, func(name, value []byte) error {
		if string(name) == "count" {
			count, ok = scan.Integer(value)
		}
		return nil
	})
	return count, ok && err == nil && count >= 0
}

const pageSize = 100

// pageFights counts fights page by page, each page starting after the last fight of the previous one. A member that returns the
// same page again doesn't support paging.
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
		count, element := scan.Elements(answer.Body)
		if answer.Status != http.StatusOK || count < 0 || count > pageSize {
			return 0, errCannotTell
		}
		total += int64(count)
		if count < pageSize {
			return total, nil
		}
		id := idOf(element)
		if id == "" || id >= last && last != "" {
			return 0, errCannotTell // ids must decrease from page to page, or this loop would not terminate
		}
		last = id
	}
}

// idOf returns a fight's id, or "" if it could not be used in a query without escaping.
func idOf(fight []byte) string {
	id := textOf(fight, "id")
	for _, c := range id {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return ""
		}
	}
	return id
}

// Stored says whether the fights of a run were stored, including those of the warm-up.
type Stored struct {
	Checked      bool   `json:"checked"`
	Why          string `json:"why,omitempty"`  // why it could not be checked
	Lost         bool   `json:"lost,omitempty"` // fights could be counted before, but not after
	Acknowledged int64  `json:"acknowledged"`
	Stored       int64  `json:"stored"`
	Uncertain    int64  `json:"uncertain"` // requested without a response: each may or may not be stored
}

// fault returns what is wrong, or "" if nothing is.
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
		return fmt.Sprintf("%d fights were acknowledged but %d were stored, more than %d requests without a response explain; was there other load?",
			s.Acknowledged, s.Stored, s.Uncertain)
	}
	return ""
}
