package browser_test

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"superheroes/internal/app"
	"superheroes/internal/httpserver"
	"superheroes/test/engines"
	"superheroes/test/system"
)

// testBehindNginx executes fights in the arena through nginx, with and without the settings in docs/proxies.md. Without
// the documented settings, a same-site request over plain HTTP looks like a cross-site request, because the browser's
// Origin doesn't match the Host that nginx sends.
func testBehindNginx(browser context.Context, t *testing.T) {
	const byDefault = `location / { proxy_pass http://arena; }`
	const hostPassed = `location / {
		proxy_pass http://arena;
		proxy_set_header Host $http_host;
		proxy_http_version 1.1;
		proxy_set_header Connection "";
		proxy_buffering off;
		proxy_read_timeout 60s;
		proxy_set_header tracestate "";
	}`
	name := "battle" + elsewhere
	for _, c := range []struct {
		name, site, directives string
		allow, trust, refused  bool
	}{
		{name: "default settings", site: name, directives: byDefault, refused: true},
		{name: "default settings, origin trusted", site: name, directives: byDefault, trust: true},
		{name: "default settings, at localhost", site: "localhost", directives: byDefault}, // additional headers
		{name: "Host header passed on", site: name, directives: hostPassed, allow: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := settings(t)
			cfg.ArenaAddr = system.FreeAddr(t)
			proxy := engines.Nginx(t, strings.ReplaceAll(c.directives, "http://arena", "http://"+cfg.ArenaAddr))
			_, port, err := net.SplitHostPort(proxy.Addr())
			if err != nil {
				t.Fatal(err)
			}
			public := net.JoinHostPort(c.site, port)
			if c.allow {
				cfg.AllowedHosts = []httpserver.HostName{httpserver.HostName(c.site)}
			}
			if c.trust {
				cfg.TrustedOrigins = []httpserver.Origin{httpserver.Origin("http://" + public)}
			}
			fightThrough(browser, t, cfg, "http://"+public, c.refused)
		})
	}
}

// fightThrough requests a fight on the page at the given origin, and checks that the fight is refused or stored, as
// expected.
func fightThrough(browser context.Context, t *testing.T, cfg app.UpConfig, public string, refused bool) (hosts map[string]string) {
	t.Helper()
	hosts = up(t, cfg)
	page := open(browser, t, public+"/")
	page.wait(t, fightersAreThere)
	page.wait(t, liveIsLive)
	page.click(t, "#fight")
	if refused {
		page.wait(t, `document.querySelector("#battle-notice [role=alert]").textContent.includes("--trusted-origin (TRUSTED_ORIGINS)")`)
		if n := stored(t, hosts["fights"]); n != 0 {
			t.Errorf("%d fights are stored", n)
		}
		return hosts
	}
	page.wait(t, somebodyWon)
	page.wait(t, `document.getElementById("total").textContent === "1"`) // received over the event stream
	if n := stored(t, hosts["fights"]); n != 1 {
		t.Errorf("%d fights are stored", n)
	}
	page.forget("Cross-Origin-Opener-Policy header has been ignored") // browsers ignore this header over plain HTTP
	_, host, _ := strings.Cut(public, "://")
	page.checkQuiet(t, host)
	return hosts
}

// forget removes recorded errors that contain the given text.
func (p *tab) forget(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complaints = slices.DeleteFunc(p.complaints, func(complaint string) bool { return strings.Contains(complaint, text) })
}
