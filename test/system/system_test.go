package system

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

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
