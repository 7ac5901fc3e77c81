// Package browser tests the services' pages in a real headless browser, and checks what a user would see.
package browser_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"superheroes/test/engines"
)

// TestPages runs all tests in one browser, because starting a browser takes longer than most tests. Each test opens
// its own tabs.
func TestPages(t *testing.T) {
	t.Parallel()
	browser := start(t)
	for _, pages := range []struct {
		name string
		test func(context.Context, *testing.T)
	}{
		{"accessible", testAccessible}, {"documentation", testDocumentation}, {"try it out", testTryItOut}, {"outside", testOutside},
		{"battle", testBattle}, {"auto", testAuto}, {"first screen", testFirstScreen}, {"guess", testGuess}, {"choose", testChoose}, {"history", testHistory}, {"one process", testOneProcess}, {"service away", testPartAway}, {"traffic", testTraffic},
		{"names are inert", testNamesAreInert}, {"live", testLive}, {"live stalls", testLiveStalls}, {"many visits", testManyVisits},
		{"catalog", testCatalog}, {"made up", testMadeUp}, {"edit", testEdit}, {"edit a location", testEditLocation},
		{"edited meanwhile", testEditedMeanwhile}, {"edit refused", testEditRefused}, {"deleted", testDeleted},
		{"changes from the documentation", testDocumentedChanges},
		{"token", testToken}, {"unknown page", testUnknownPage}, {"documentation in the arena", testArenaDocs}, {"forwarded port", testForwardedPort},
		{"pages of other sites", testOtherSites}, {"rebound name", testReboundName}, {"front end elsewhere", testFrontEnd}, {"behind nginx", testBehindNginx},
	} {
		t.Run(pages.name, func(t *testing.T) {
			t.Parallel()
			pages.test(browser, t)
		})
	}
}

// patience is the time limit for everything that a test does in a tab. The limit is generous, because a browser may be
// slow on a busy machine.
const patience = 3 * time.Minute

// nowhere is the proxy address that the browser uses for external hosts. Nothing listens at this address. The proxy is
// needed because Chromium occasionally contacts its vendor's hosts, whatever flags are set.
const nowhere = "127.0.0.1:1"

// elsewhere is the suffix of host names that resolve to this machine but that the browser treats as remote. When a
// browser sends a request to a remote host over plain HTTP, the request includes no information about the requesting
// page, except for an Origin header if the method isn't GET.
const elsewhere = ".superheroes.test"

// start starts a browser and returns a context for its tabs.
func start(t *testing.T) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(engines.Chromium(t)),
		chromedp.ProxyServer(nowhere),
		chromedp.Flag("proxy-bypass-list", "*"+elsewhere),
		chromedp.Flag("host-resolver-rules", "MAP *"+elsewhere+" 127.0.0.1"),
		chromedp.WindowSize(1280, 1600),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("ignore-certificate-errors", true), // for httptest's certificate
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium's sandbox doesn't work for root
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...) // the cleanup stops it
	t.Cleanup(stop)
	browser, _ := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	t.Cleanup(func() {
		if err := chromedp.Cancel(browser); err != nil {
			t.Errorf("stopping Chromium: %v", err)
		}
	})
	return browser
}

// tab is a browser tab, with a record of its requests and errors.
type tab struct {
	context.Context
	mu         sync.Mutex
	requests   []string
	complaints []string // console errors, exceptions, and violations of the content security policy
}

func newTab(browser context.Context, t *testing.T) *tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(browser)
	t.Cleanup(closeTab)
	page := &tab{}
	if err := chromedp.Listen(ctx, page.note); err != nil {
		t.Fatal(err)
	}
	var cancel context.CancelFunc
	page.Context, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return page
}

// open opens a page in a new tab, with a wide window and the light palette.
func open(browser context.Context, t *testing.T, url string) *tab {
	t.Helper()
	page := newTab(browser, t)
	page.look(t, 1360, "light", "no-preference")
	page.do(t, chromedp.Navigate(url))
	return page
}

// note records an event that the browser has reported.
func (p *tab) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, event.Request.URL)
	case *runtime.EventExceptionThrown:
		p.complaints = append(p.complaints, exceptionText(event.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.ConsoleAPICalledTypeError {
			p.complaints = append(p.complaints, "console: "+consoleText(event.Args))
		}
	case *log.EventEntryAdded:
		if event.Entry.Level == log.EntryLevelError {
			p.complaints = append(p.complaints, event.Entry.Text+" "+event.Entry.URL)
		}
	}
}

func exceptionText(details *runtime.ExceptionDetails) string {
	if details.Exception == nil {
		return details.Text
	}
	return details.Text + " " + details.Exception.Description
}

func consoleText(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		words = append(words, string(arg.Value)+arg.Description)
	}
	return strings.Join(words, " ")
}

// do executes browser actions in order.
func (p *tab) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for i, step := range steps {
		if _, err := chromedp.Run(p, step); err != nil {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.Fatalf("step %d: %v; requests %q, complaints %q", i+1, err, p.requests, p.complaints)
		}
	}
}

// text waits until an element is visible, and returns its visible text.
func (p *tab) text(t *testing.T, element chromedp.CSS) string {
	t.Helper()
	text, err := chromedp.Run(p, chromedp.Text(element))
	if err != nil {
		t.Fatalf("reading %s: %v", element, err)
	}
	return text
}

// checkQuiet checks that the tab sent requests only to host and logged no errors.
func (p *tab) checkQuiet(t *testing.T, host string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, request := range p.requests {
		address, err := url.Parse(request)
		if err != nil {
			t.Errorf("request to %q: %v", request, err)
			continue
		}
		if inside := address.Host == host || address.Scheme == "blob" || address.Scheme == "data"; !inside {
			t.Errorf("the page sent a request to another host: %s", request)
		}
	}
	if len(p.requests) == 0 {
		t.Error("the tab recorded no requests")
	}
	for _, complaint := range p.complaints {
		t.Errorf("the browser complains: %s", complaint)
	}
}
