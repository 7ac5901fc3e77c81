package postgres

import (
	"testing"
	"time"
)

// A timeout in a URL is used instead of ours.
func TestTimeoutOfTheURL(t *testing.T) {
	for query, want := range map[string]time.Duration{"": connectTimeout, "?connect_timeout=7": 7 * time.Second} {
		c, err := connect(t.Context(), Config{URL: "postgres://127.0.0.1:1/heroes" + query, PoolMax: 1})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Config().ConnConfig.ConnectTimeout; got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
		c.Close()
	}
}
