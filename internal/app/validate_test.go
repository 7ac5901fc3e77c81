package app

import (
	"strings"
	"testing"
)

func TestPeerURLs(t *testing.T) {
	for _, good := range []string{"http://heroes:8000", "http://heroes:8000/", "https://heroes", "HTTP://127.0.0.1:1", "http://[::1]:8000/"} {
		if err := validPeer("--heroes-url", good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, c := range []struct{ url, names string }{
		{"", "http://host:port"},
		{"heroes:8000", "http://host:port"},
		{"ftp://heroes", "http://host:port"},
		{"http://:8000", "http://host:port"},
		{"http://heroes:hidden", "http://host:port"},
		{"http://hidden@heroes:8000", "user"},
		{"http://user:hidden@heroes:8000/", "user"},
		{"http://heroes:8000/hidden", "path"},
		{"http://heroes:8000//", "path"},
		{"http://heroes:8000/hidden?x=1", "path"},
		{"http://heroes:8000?token=hidden", "query"},
		{"http://heroes:8000/?", "query"},
		{"http://heroes:8000/#hidden", "fragment"},
		{"http://heroes:8000#", "fragment"},
	} {
		err := validPeer("--heroes-url", c.url)
		if err == nil {
			t.Errorf("%s was taken", c.url)
			continue
		}
		if text := err.Error(); !strings.HasPrefix(text, "--heroes-url, HEROES_URL: ") || !strings.Contains(text, c.names) || strings.Contains(text, "hidden") {
			t.Errorf("%s: %s", c.url, text)
		}
	}
}
