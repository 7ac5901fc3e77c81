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

// notTold is reported for a member without a profile: other members of the family have none.
const notTold = "not reported"

// askProfile returns the profile that the target's services report: a single word if they all agree, otherwise each profile
// with its services.
func (t Target) askProfile(timeout time.Duration) string {
	profiles := map[string][]string{} // services by profile
	for _, service := range slices.Sorted(maps.Keys(t.URLs)) {
		who := string(service)
		if who == "" {
			who = t.URLs[service]
		}
		profile := profileAt(t.URLs[service], timeout)
		profiles[profile] = append(profiles[profile], who)
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

// profileAt returns the profile named by the health page at a base URL.
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

// textOf returns a string field of a JSON object, without unescaping it, or "" if there is none.
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
