package bench

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"superheroes/internal/bench/scan"
	"superheroes/internal/bench/wire"
)

// notTold is said of a member that names no profile: others of the family have none.
const notTold = "not told"

// profile returns the profile that the target's services say they run in: one word when all say the same, or else each
// with its own.
func (t Target) profile(timeout time.Duration) string {
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
	conn, err := wire.New(base, timeout)
	if err != nil {
		return notTold
	}
	defer conn.Close()
	answer, err := conn.Do(conn.Get("/healthz"))
	if err != nil || answer.Status != http.StatusOK && answer.Status != http.StatusServiceUnavailable {
		return notTold
	}
	told := ""
	err = scan.Object(answer.Body, func(name, value []byte) error {
		if string(name) == "profile" && len(value) > 2 && value[0] == '"' {
			told = string(value[1 : len(value)-1])
		}
		return nil
	})
	if err != nil || told == "" {
		return notTold
	}
	return told
}
