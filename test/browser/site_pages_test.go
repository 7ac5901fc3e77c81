package browser_test

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"superheroes/internal/httpserver"
	"superheroes/test/await"
	"superheroes/test/system"
)

// complains waits until the browser has reported an error that contains the given text, and removes the error from the
// record.
func (p *tab) complains(t *testing.T, text string) {
	t.Helper()
	reported := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return slices.ContainsFunc(p.complaints, func(complaint string) bool { return strings.Contains(complaint, text) })
	}
	await.True(t, "the browser reports "+text, reported)
	p.forget(text)
}

// tryToken enters a token in the open form, which must refuse it with the given reason and keep the focus.
func (p *tab) tryToken(t *testing.T, token, why string) {
	t.Helper()
	p.do(t, chromedp.Evaluate[chromedp.Void](`document.getElementById("token").open = true; document.getElementById("token-text").value = ""`),
		chromedp.SendKeys(chromedp.CSS("#token-text"), token), chromedp.Click(chromedp.CSS("#token-use")))
	p.wait(t, fmt.Sprintf(`document.getElementById("token-error").textContent.includes(%q) && document.activeElement.id === "token-text"`, why))
	if stored := eval[bool](t, p, `sessionStorage.getItem("arena.token") !== null || document.getElementById("token-state").textContent !== "off"`); stored {
		t.Errorf("%s: the token was stored", why)
	}
}

// testToken enters tokens that a catalog refuses, tokens that it can't check, and the right one. The catalog stays unchanged.
func testToken(browser context.Context, t *testing.T) {
	cfg := settings(t)
	cfg.AdminToken = "pass word, é and 雪"
	w := startWorld(t, cfg)
	before := w.listed(t, "heroes", "")
	page := open(browser, t, w.page+"/heroes")
	page.wait(t, `document.querySelectorAll("#entries li").length > 0`)
	for range 10 {
		page.tryToken(t, "wrong", "heroes rejects this token.")
	}
	page.tryToken(t, "wrong again", "too many wrong ones were tried")
	page.shot(t, "token-refused")
	w.parts["heroes"].Stop()
	page.tryToken(t, cfg.AdminToken, "can’t reach heroes: nothing is listening at its address. The token was not checked.")
	w.parts["heroes"].Start(t)
	page.do(t, chromedp.Click(chromedp.CSS("#token-use"))) // the token is still in the field
	page.wait(t, `document.getElementById("token-state").textContent === "on" && !document.getElementById("create").hidden`)
	if text := eval[string](t, page, `document.getElementById("token-error").textContent + document.getElementById("token-text").value`); text != "" {
		t.Errorf("the form still shows %q", text)
	}
	if after := w.listed(t, "heroes", ""); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the heroes have changed from %v to %v", before, after)
	}

	without := settings(t)
	without.AdminToken = ""
	page = open(browser, t, startWorld(t, without).page+"/heroes")
	page.wait(t, `document.querySelectorAll("#entries li").length > 0`)
	page.tryToken(t, token, "heroes: changes are disabled: start the service with ADMIN_TOKEN")
}

// testUnknownPage opens an address without a page, and follows the link back.
func testUnknownPage(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := open(browser, t, w.page+"/heroes/nobody")
	page.wait(t, `document.querySelector("h1").textContent === "Page not found"`)
	page.complains(t, "404 (Not Found)")
	page.shot(t, "unknown")
	page.look(t, 360, "dark", "reduce")
	page.shot(t, "unknown-narrow")
	page.click(t, ".lead a")
	page.wait(t, fightersAreThere)
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}

// testArenaDocs follows the links to a service's documentation, and executes a fight there. Everything goes through the
// arena's own address.
func testArenaDocs(browser context.Context, t *testing.T) {
	w := startWorld(t, settings(t))
	page := open(browser, t, w.page+"/status")
	page.click(t, `nav a[href="/docs"]`)
	page.wait(t, `document.querySelectorAll(".services a").length === 5`)
	page.shot(t, "docs")
	page.click(t, `.services a[href="/docs/fights"]`)
	page.do(t, chromedp.WaitVisible(chromedp.CSS(".opblock-summary-description")))
	text := page.text(t, "#swagger-ui")
	if !strings.Contains(text, summaries()["fights"]) || strings.Contains(text, "/healthz") {
		t.Errorf("the page shows %s", text)
	}
	const operation = chromedp.CSS("#operations-fights-execute-fight ")
	page.do(t, chromedp.Click(operation+".opblock-summary-control"), chromedp.Click(operation+".try-out__btn"), chromedp.Click(operation+"button.execute"))
	if status := page.text(t, operation+".live-responses-table tbody .response-col_status"); !strings.HasPrefix(status, "200") {
		t.Errorf("status %q, want 200", status)
	}
	if n := stored(t, w.hosts["fights"]); n != 1 {
		t.Errorf("%d fights are stored", n)
	}
	page.checkQuiet(t, strings.TrimPrefix(w.page, "http://"))
}

// testForwardedPort executes fights in the arena at a public HTTPS address that forwards to a port on loopback, as
// development environments in the cloud do. Host is that of the port, or the public one, and Origin either stays as the
// browser sent it or becomes that of the port. Pages from other origins must not be able to store a fight this way.
func testForwardedPort(browser context.Context, t *testing.T) {
	name := "arena-8000" + elsewhere
	for _, c := range []struct {
		name            string
		host, setOrigin bool // whether the forwarder passes Host on, and sets Origin to that of the port
	}{
		{"as the browser sent it", false, false},
		{"with the origin of the port", false, true},
		{"with the public host", true, false},
		{"with the public host and the origin of the port", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := settings(t)
			cfg.ArenaAddr = system.FreeAddr(t)
			if c.host {
				cfg.AllowedHosts = []httpserver.HostName{httpserver.HostName(name)}
			}
			port := &url.URL{Scheme: "http", Host: strings.Replace(cfg.ArenaAddr, "127.0.0.1", "localhost", 1)}
			forwarder := httptest.NewTLSServer(&httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(port)
				r.SetXForwarded()
				if c.host {
					r.Out.Host = r.In.Host
				}
				if c.setOrigin && r.In.Header.Get("Origin") == "https://"+r.In.Host {
					r.Out.Header.Set("Origin", port.String())
				}
			}})
			t.Cleanup(forwarder.Close)
			public := "https://" + net.JoinHostPort(name, portOf(t, forwarder.Listener.Addr()))
			hosts := fightThrough(browser, t, cfg, public, false)
			page := open(browser, t, "http://evil"+elsewhere+":"+hostilePort(t)+"/?service="+public)
			page.attack(t, hosts["fights"])
		})
	}
}

func portOf(t *testing.T, addr net.Addr) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
