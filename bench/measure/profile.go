package measure

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"superheroes/bench/rawhttp"
)

// notTold is printed in place of a profile if a member doesn't report one. Only this project's services have profiles.
const notTold = "not reported"

// askProfile returns the profile that the target's services report: a single profile if they all agree, otherwise each
// profile with the services that report it.
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

// profileAt returns the profile that the health page at a base URL reports.
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
	var health struct{ Profile string }
	if err := json.Unmarshal(answer.Body, &health); err != nil {
		return notTold
	}
	return cmp.Or(health.Profile, notTold)
}
