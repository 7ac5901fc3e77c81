package measure

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"superheroes/bench/rawhttp"
	"superheroes/bench/scan"
)

// notTold is said of a member that names no profile: others of the family have none.
const notTold = "not told"

// askProfile returns the profile that the target's services say they run in: one word when all say the same, or else each
// with its own.
func (t Target) askProfile(timeout time.Duration) string {
	profiles := map[string][]string{} // with who says so
	for _, service := range slices.Sorted(maps.Keys(t.URLs)) {
		who := string(service)
		if who == "" {
			who = t.URLs[service]
		}
		told := profileAt(t.URLs[service], timeout)
		profiles[told] = append(profiles[told], who)
	}
	names := slices.Sorted(maps.Keys(profiles))
	if len(names) == 1 {
		return names[0]
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%s)", name, strings.Join(profiles[name], ", "))
	}
	return strings.Join(names, ", ")
}

// profileAt returns what the health page below a base URL names.
func profileAt(base string, timeout time.Duration) string {
	conn, err := rawhttp.New(base, timeout)
	if err != nil {
		return notTold
	}
	defer conn.Close()
	answer, err := conn.Do(conn.Get("/healthz"))
	if err != nil || answer.Status != http.StatusOK && answer.Status != http.StatusServiceUnavailable {
		return notTold
	}
	return cmp.Or(textOf(answer.Body, "profile"), notTold)
}

// textOf returns a text of a JSON object, as it stands there; "" when there is none.
func textOf(object []byte, field string) (text string) {
	err := scan.Object(object, func(name, value []byte) error {
		if string(name) == field && len(value) > 2 && value[0] == '"' {
			text = string(value[1 : len(value)-1])
		}
		return nil
	})
	if err != nil {
		return ""
	}
	return text
}
