package history

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"superheroes/internal/fight"
	"superheroes/internal/statistics/statisticstest"
	"superheroes/test/system"
)

// Fight is a fight from a list, with its raw JSON.
type Fight struct {
	ID   string
	Hero struct{ Name string }
	Text string `json:"-"`
}

// Settled returns the fights whose ids are greater than bound, newest first, and the total number of fights. below is
// the number of other fights, whose ids are at most bound. A request that was in flight when the server was killed may
// reach a separate database a moment later. Therefore, if the list and the total disagree, Settled tries again until
// the count is stable.
func Settled(ctx context.Context, base, bound string, below int) (recent []Fight, number int, err error) {
	for before := -1; ; before = number {
		if recent, err = List(ctx, base, bound); err != nil {
			return nil, 0, err
		}
		if number, err = Count(ctx, base); err != nil {
			return nil, 0, err
		}
		if number == below+len(recent) || number == before {
			return recent, number, nil
		}
	}
}

// Count returns the number of fights reported by the service at base.
func Count(ctx context.Context, base string) (int, error) {
	answer, _, err := Get(ctx, base+"/api/fights/count")
	if err != nil {
		return 0, err
	}
	var body struct{ Count int }
	err = json.Unmarshal(answer, &body, json.MatchCaseInsensitiveNames(true))
	return body.Count, err
}

// List returns the fights whose ids are greater than bound, newest first. List follows the Link headers from page to
// page.
func List(ctx context.Context, base, bound string) (above []Fight, err error) {
	for page := base + "/api/fights?limit=100"; page != ""; {
		answer, next, err := Get(ctx, page)
		if err != nil {
			return nil, err
		}
		var fights []jsontext.Value // the raw bytes
		if err := json.Unmarshal(answer, &fights); err != nil {
			return nil, fmt.Errorf("%s: %w", page, err)
		}
		for _, text := range fights {
			fight := Fight{Text: string(text)}
			if err := json.Unmarshal(text, &fight, json.MatchCaseInsensitiveNames(true)); err != nil {
				return nil, fmt.Errorf("%s: %w", page, err)
			}
			if fight.ID <= bound {
				return above, nil
			}
			above = append(above, fight)
		}
		page = next
	}
	return above, nil
}

// Get returns the body of a 200 response, and the target of the Link header.
func Get(ctx context.Context, address string) (answer []byte, next string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, "", err
	}
	response, err := system.Client().Do(request)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err = io.ReadAll(response.Body)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", address, err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, "", fmt.Errorf("%s: %s %s", address, response.Status, answer)
	}
	link, relative, _ := strings.Cut(response.Header.Get("Link"), `>; rel="next"`)
	if relative != "" || !strings.HasPrefix(link, "</") {
		return answer, "", nil
	}
	target, err := url.Parse(link[1:])
	if err != nil {
		return nil, "", err
	}
	return answer, request.URL.ResolveReference(target).String(), nil
}

// Statistics returns the exact bytes that the statistics service must return for the stored fights.
func Statistics(stored []Fight) ([]byte, error) {
	fights := make([]fight.Fight, len(stored))
	for i, one := range stored {
		id, err := fight.ParseID(one.ID)
		if err != nil {
			return nil, err
		}
		if fights[i], err = fight.Parse(id, []byte(one.Text)); err != nil {
			return nil, err
		}
	}
	return statisticstest.Expect(fights).AppendJSON(nil), nil
}
