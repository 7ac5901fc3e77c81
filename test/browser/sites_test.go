package browser_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"superheroes/internal/httpserver"
	"superheroes/test/fakepeer"
)

// hostile is a page that tries to make a service store a fight. Each attempt is a JavaScript function that returns a
// promise, which settles when the attempt has ended.
const hostile = `<!doctype html><title>elsewhere</title><a id="link">a link</a><iframe name="frame"></iframe>
<script>
const service = new URLSearchParams(location.search).get("service");
const execute = service + "/api/fights/execute_fight", fights = service + "/api/fights";
const body = JSON.stringify({hero: {name: "Mallory"}, villain: {name: "Eve"}});
const settled = (promise) => promise.then(() => "answered", () => "failed");
const framed = (act) => new Promise((done) => { const frame = document.querySelector("iframe"); frame.onload = () => done("loaded"); act(frame); });
document.getElementById("link").href = execute;
const ways = {
	"a fetch": () => settled(fetch(execute, {mode: "no-cors"})),
	"a fetch to read": () => settled(fetch(execute)),
	"a fetch that posts without a content type": () => settled(fetch(fights, {method: "POST", mode: "no-cors", body: new Blob([body])})),
	"a fetch that posts JSON": () => settled(fetch(fights, {method: "POST", headers: {"Content-Type": "application/json"}, body})),
	"a beacon": () => settled(fetch(fights, {method: "POST", mode: "no-cors", keepalive: true, body: new Blob([body])})),
	"an image": () => new Promise((done) => { const image = new Image(); image.onerror = image.onload = () => done("loaded"); image.src = execute; }),
	"a script": () => new Promise((done) => { const script = document.createElement("script"); script.onerror = script.onload = () => done("loaded"); script.src = execute; document.body.append(script); }),
	"a frame": () => framed((frame) => { frame.src = execute; }),
	"a form that posts": () => framed(() => { const form = document.createElement("form"); Object.assign(form, {method: "post", action: fights, target: "frame", enctype: "text/plain"});
		const field = document.createElement("input"); field.name = body.slice(0, -1) + ',"x":"'; field.value = '"}'; form.append(field); document.body.append(form); form.submit(); }),
	"a form that gets": () => framed(() => { const form = document.createElement("form"); Object.assign(form, {action: execute, target: "frame"}); document.body.append(form); form.submit(); }),
};
</script>`

// hostilePort starts a server for the hostile page and returns the server's port. The browser can reach this server
// under many host names.
func hostilePort(t *testing.T) string {
	t.Helper()
	server := fakepeer.New(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(w, hostile)
	})
	_, port, err := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// stored returns the number of stored fights.
func stored(t *testing.T, fights string) int {
	t.Helper()
	return fetchJSON[struct{ Count int }](t, "http://"+fights+"/api/fights/count").Count
}

// testOtherSites tries to store fights from pages on another port and on other sites. Only a user's click on a link
// may succeed.
func testOtherSites(browser context.Context, t *testing.T) {
	hosts := up(t, settings(t))
	port := hostilePort(t)
	for _, service := range []string{"fights", "arena"} {
		for _, site := range []string{"127.0.0.1", "evil.localhost", "evil" + elsewhere} {
			t.Run(service+" from "+site, func(t *testing.T) {
				page := newTab(browser, t)
				from := "http://" + net.JoinHostPort(site, port) + "/?service=http://" + hosts[service]
				page.do(t, chromedp.Navigate(from))
				page.attack(t, hosts["fights"])
				before := stored(t, hosts["fights"])
				page.do(t, chromedp.Navigate(from))
				page.click(t, "#link")
				page.wait(t, `document.body.innerText.includes("winner_name")`)
				if after := stored(t, hosts["fights"]); after != before+1 {
					t.Errorf("a click on the link stored %d fights, want 1", after-before)
				}
			})
		}
	}
}

// attack tries to store a fight in each way that the hostile page knows, and then by a navigation. None may succeed.
func (p *tab) attack(t *testing.T, fights string) {
	t.Helper()
	before := stored(t, fights)
	for _, way := range eval[[]string](t, p, `Object.keys(ways)`) {
		if _, err := chromedp.Run(p, chromedp.Evaluate[string](fmt.Sprintf(`ways[%q]()`, way), chromedp.EvalAwaitPromise)); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		if after := stored(t, fights); after != before {
			t.Errorf("%s stored %d fights", way, after-before)
			before = after
		}
	}
	p.do(t, chromedp.Evaluate[chromedp.Void](`location = execute`))
	p.wait(t, `document.body.innerText.includes("Forbidden")`)
	if after := stored(t, fights); after != before {
		t.Error("a scripted navigation stored a fight")
	}
}

// testReboundName opens each service's page under a foreign host name, as in a DNS rebinding attack. If the page loaded,
// the attacker's page would have the same access as the service's own page. The page must load only if the host name is
// allowed.
func testReboundName(browser context.Context, t *testing.T) {
	const rebound, allowed = "rebound" + elsewhere, "allowed" + elsewhere
	cfg := settings(t)
	cfg.AllowedHosts = []httpserver.HostName{allowed}
	for service, host := range up(t, cfg) {
		_, port, err := net.SplitHostPort(host)
		if err != nil {
			t.Fatal(err)
		}
		path, ready := "/docs", `document.querySelector(".opblock-summary-description")`
		if service == "arena" {
			path, ready = "/", fightersAreThere
		}
		t.Run(service, func(t *testing.T) {
			page := open(browser, t, "http://"+rebound+":"+port+path)
			page.wait(t, `document.body.innerText.includes("Misdirected Request")`)
			for _, name := range []string{allowed, "localhost", "heroes.localhost"} {
				page.do(t, chromedp.Navigate("http://"+name+":"+port+path))
				page.wait(t, ready)
			}
		})
	}
}

// frontEnd is the script of a page on another site. The script calls the services' APIs as the services' own pages do.
const frontEnd = `
let base;
const read = async (path, init) => { const answer = await fetch(base + path, init); return [answer, await answer.text()]; };
const all = async (heroes, fights, statistics, token) => {
	base = fights;
	const [posted] = await read("/api/fights", {method: "POST", headers: {"Content-Type": "application/json"}, body});
	await read("/api/fights/execute_fight");
	const [page] = await read("/api/fights?limit=1");
	base = heroes;
	const [hero] = await read("/api/heroes/1");
	const [patched] = await read("/api/heroes/1", {method: "PATCH", body: '{"powers":"Patience"}',
		headers: {"Authorization": "Bearer " + token, "If-Match": hero.headers.get("ETag"), "Content-Type": "application/merge-patch+json"}});
	const [missing] = await read("/api/heroes/999999");
	const event = await new Promise((done) => { new EventSource(statistics + "/api/statistics/stream").onmessage = (event) => done(event.data); });
	return [posted.status, page.headers.get("Link") !== null, patched.status, missing.status, event.includes("total")].join(" ");
};`

// testFrontEnd checks that a trusted page on another site can use the services, and that an untrusted page can't.
func testFrontEnd(browser context.Context, t *testing.T) {
	port := hostilePort(t)
	cfg := settings(t)
	cfg.TrustedOrigins = []httpserver.Origin{httpserver.Origin("http://front" + elsewhere + ":" + port)}
	hosts := up(t, cfg)
	try := func(site string) (string, error) {
		page := open(browser, t, "http://"+site+elsewhere+":"+port+"/")
		call := fmt.Sprintf(`%s; all("http://%s", "http://%s", "http://%s", %q)`, frontEnd, hosts["heroes"], hosts["fights"], hosts["statistics"], token)
		return chromedp.Run(page, chromedp.Evaluate[string](call, chromedp.EvalAwaitPromise))
	}
	if got, err := try("other"); err == nil {
		t.Errorf("an untrusted page could read %s", got)
	}
	if n := stored(t, hosts["fights"]); n != 0 {
		t.Errorf("an untrusted page stored %d fights", n)
	}
	if got, err := try("front"); err != nil || got != "200 true 200 404 true" {
		t.Errorf("the trusted page returned %q and the error %v", got, err)
	}
	if n := stored(t, hosts["fights"]); n != 2 {
		t.Errorf("the trusted page stored %d fights, want 2", n)
	}
}
