// Package browser shows the pages of the services in a real browser, headless, and reads what a person would see.
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

// TestPages opens the pages in one browser, whose start takes longer than most of what is looked at. Each test has
// windows of its own.
func TestPages(t *testing.T) {
	t.Parallel()
	browser := start(t)
	for _, pages := range []struct {
		name string
		test func(context.Context, *testing.T)
	}{
		{"accessible", testAccessible}, {"documentation", testDocumentation}, {"try it out", testTryItOut}, {"outside", testOutside},
		{"battle", testBattle}, {"auto", testAuto}, {"history", testHistory}, {"one process", testOneProcess}, {"a part away", testPartAway},
		{"names are inert", testNamesAreInert}, {"live", testLive}, {"live stalls", testLiveStalls},
		{"catalog", testCatalog}, {"made up", testMadeUp}, {"edit", testEdit}, {"edit a location", testEditLocation},
		{"edited meanwhile", testEditedMeanwhile}, {"edit refused", testEditRefused}, {"deleted", testDeleted},
		{"changes from the documentation", testDocumentedChanges},
		{"pages of other sites", testOtherSites}, {"rebound name", testReboundName}, {"front end elsewhere", testFrontEnd}, {"behind nginx", testBehindNginx},
	} {
		t.Run(pages.name, func(t *testing.T) {
			t.Parallel()
			pages.test(browser, t)
		})
	}
}

// patience bounds what is done on one page. It is long: a browser on a busy machine takes its time.
const patience = 3 * time.Minute

// nowhere is the browser's proxy for every other host: nobody listens there. Chromium calls its maker's hosts now and
// then whatever its flags say.
const nowhere = "127.0.0.1:1"

// elsewhere ends the names that the browser finds on this machine and doesn't take for it: as beyond loopback, it tells
// their servers nothing of the page that sends a request on plain http, except for the Origin of what isn't a GET.
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
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses to work for root
	}
	allocator, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...) // cleanup ends it
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

// tab is one page of a browser, and what it did.
type tab struct {
	context.Context
	mu         sync.Mutex
	requests   []string
	complaints []string // errors on the console, exceptions, violations of the content security policy
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

// note keeps what an event tells of the page.
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

// do does the steps one after the other.
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

// text returns what is to be read in an element, once it is visible.
func (p *tab) text(t *testing.T, element chromedp.CSS) string {
	t.Helper()
	text, err := chromedp.Run(p, chromedp.Text(element))
	if err != nil {
		t.Fatalf("reading %s: %v", element, err)
	}
	return text
}

// checkQuiet wants every request to have gone to host, or nowhere, and no complaint.
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
			t.Errorf("a request to another host: %s", request)
		}
	}
	if len(p.requests) == 0 {
		t.Error("no request was seen at all")
	}
	for _, complaint := range p.complaints {
		t.Errorf("the browser complains: %s", complaint)
	}
}
