package system

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestUpBesideAnother occupies every default address mentioned in the help text, and checks that `up` still runs on
// other addresses.
func TestUpBesideAnother(t *testing.T) {
	program := Build(t)
	help, err := exec.CommandContext(t.Context(), program, "help", "up").Output()
	if err != nil {
		t.Fatal(err)
	}
	defaults := regexp.MustCompile(`-addr="(127\.0\.0\.1:\d+)"`).FindAllSubmatch(help, -1)
	if len(defaults) < 6 {
		t.Fatalf("the help contains only the addresses %q", defaults)
	}
	for _, found := range defaults {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", string(found[1]))
		if err == nil { // Listen fails if another program is using the address
			t.Cleanup(func() { _ = listener.Close() })
		}
	}
	s := Up(t, program, t.TempDir())
	s.Processes["arena"].Ready(t, s.Arena+"/readyz")
}

func TestExecuteFight(t *testing.T) {
	Each(t, func(t *testing.T, s *System) {
		response, err := Client().Get(s.Fights + "/api/fights/execute_fight")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusOK || !strings.Contains(string(body), `"winner_name"`) {
			t.Errorf("got %s %s", response.Status, body)
		}
	})
}
