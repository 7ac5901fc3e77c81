package system

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"superheroes/test/program"
)

// TestSignalsArePrivate checks that metrics, spans and logs contain no secrets, nothing that clients send except paths,
// and no stored data, even if everything is traced and logged and some requests fail.
func TestSignalsArePrivate(t *testing.T) {
	path := Build(t)
	for name, start := range traced("strict") {
		t.Run(name, func(t *testing.T) {
			to := newCollector(t)
			s := start(t, path, []string{
				"OTEL_EXPORTER_OTLP_ENDPOINT=" + to.URL, "OTEL_TRACES_SAMPLER=always_on",
				"OTEL_EXPORTER_OTLP_HEADERS=authorization=smallville-1",
				"LOG_LEVEL=DEBUG", "ACCESS_LOG=true",
			})
			texts := append(sendTexts(t, s), "smallville-1", AdminToken, url.QueryEscape(AdminToken))
			if name == "four processes" {
				texts = append(texts, passwords(t)...)
			}
			signals := map[string]string{}
			if s.Admin != "" {
				metrics, err := program.Get(t.Context(), s.Admin+"/metrics")
				if err != nil || !bytes.Contains(metrics, []byte("http_server_request_duration_seconds_count")) {
					t.Fatalf("got %s, %v", metrics, err)
				}
				signals["metrics"] = string(metrics)
			}
			s.stop(t)
			signals["OTLP"] = to.received()
			for signal, content := range signals { // these are in the log
				if strings.Contains(content, "SMALLVILLE") || strings.Contains(content, "smallville-unknown") {
					t.Errorf("%s contains a method or path that no route has", signal)
				}
			}
			for name, process := range s.Processes {
				signals["log of "+name] = process.Stderr.String() + process.Stdout.String()
			}
			all := ""
			for signal, content := range signals {
				all += content
				for _, text := range texts {
					if at := strings.Index(content, text); at >= 0 {
						around := content[max(0, at-200):min(len(content), at+200)]
						t.Errorf("%s contains %q: %q", signal, text, around)
					}
				}
			}
			for _, allowed := range []string{"smallville-path", "url.path", "/api/fights", "access"} {
				if !strings.Contains(all, allowed) {
					t.Errorf("no signal contains %q: the test sees too little", allowed)
				}
			}
		})
	}
}

// received returns all request bodies that the collector has received. Strings in the bodies are readable.
func (c *collector) received() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(bytes.Join(c.bodies, nil))
}

// sendTexts sends requests that contain distinctive strings, and returns these strings. Some requests store them, and
// some requests fail.
func sendTexts(t *testing.T, s *System) []string {
	t.Helper()
	item := func(place string) map[string]any {
		fields := map[string]any{"level": 7}
		for _, field := range []string{"name", "otherName", "powers", "picture", "description"} {
			fields[field] = "smallville-" + place + "-" + strings.ToLower(field)
		}
		fields["picture"] = "https://example.com/" + fields["picture"].(string) + ".png" //nolint:forcetypeassert // set above
		return fields
	}
	marshal := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	hero := item("hero")
	delete(hero, "description")
	exchange(t, http.MethodPost, s.Heroes+"/api/heroes", marshal(hero), http.StatusCreated)
	location := item("location")
	for _, field := range []string{"otherName", "powers", "level"} {
		delete(location, field)
	}
	fight := marshal(map[string]any{"hero": hero, "villain": item("villain"), "location": location})
	exchange(t, http.MethodPost, s.Fights+"/api/fights", fight, http.StatusOK)
	exchange(t, http.MethodGet, s.Heroes+"/api/heroes?name=smallville-search", "", http.StatusOK)
	exchange(t, http.MethodGet, s.Heroes+"/api/heroes?limit=smallville-limit", "", http.StatusUnprocessableEntity)
	exchange(t, http.MethodGet, s.Heroes+"/api/heroes/smallville-path?smallville-key=smallville-query", "",
		http.StatusUnprocessableEntity)
	exchange(t, http.MethodGet, s.Heroes+"/smallville-unknown?smallville-key=1", "", http.StatusNotFound)
	exchange(t, http.MethodPost, s.Heroes+"/api/heroes", `{"name":"smallville-wrong","level":"smallville-level"}`,
		http.StatusUnprocessableEntity)
	exchange(t, http.MethodPost, s.Fights+"/api/fights", `{"hero":{"name":"smallville-wrong`, http.StatusBadRequest)
	exchange(t, http.MethodGet, s.Fights+"/api/fights/execute_fight?smallville-key=smallville-query", "",
		http.StatusOK)
	header := http.Header{
		"Baggage": {"smallville=smallville-baggage"}, "User-Agent": {"smallville-agent"},
		"Cookie":        {"smallville-cookie=1"},
		"Authorization": {"Bearer smallville-token"}, "Tracestate": {"smallville=smallville-state"},
		"If-Match":    {`"smallville-tag"`},
		"Traceparent": {"00-" + strings.Repeat("a1", 16) + "-" + clientSpan + "-01"},
	}
	for method, url := range map[string]string{
		http.MethodGet: s.Fights + "/api/fights/execute_fight", http.MethodDelete: s.Heroes + "/api/heroes/1",
		"SMALLVILLE-METHOD": s.Heroes + "/api/heroes",
	} {
		request, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = header
		response, err := Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	return []string{
		"smallville-hero", "smallville-villain", "smallville-location", "smallville-search", "smallville-limit",
		"smallville-query", "smallville-key",
		"smallville-wrong", "smallville-level", "smallville-baggage", "smallville-agent", "smallville-cookie",
		"smallville-token", "smallville-state", "smallville-tag",
	}
}

// passwords returns the passwords of the databases.
func passwords(t *testing.T) (list []string) {
	t.Helper()
	stores := RealStores(t)
	for _, store := range []string{stores.Heroes, stores.Villains, stores.Locations, stores.Fights} {
		at, err := url.Parse(store)
		if err != nil {
			t.Fatal(err)
		}
		if password, there := at.User.Password(); there {
			list = append(list, password)
		}
	}
	return list
}
