package arena

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"
)

// All pages and assets together are small when compressed.
func TestWeight(t *testing.T) {
	site, err := newSite(nil)
	if err != nil {
		t.Fatal(err)
	}
	weight := 0
	for _, all := range []map[string]file{site.files, site.pages} {
		for _, one := range all {
			weight += len(one.zipped())
		}
	}
	t.Logf("%d compressed bytes in %d files and %d pages", weight, len(site.files), len(site.pages))
	if weight > 100<<10 || weight < 10<<10 {
		t.Errorf("all files together take %d bytes when compressed, want 10 to 100 KiB", weight)
	}
}

// No file contains anything that the content security policy would refuse, or loads anything from another site.
func TestFilesMeetPolicy(t *testing.T) {
	unwanted := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function|\bon[a-z]+="|\bstyle="|setAttribute\('style|@import|url\(|https?://|javascript:`)
	err := fs.WalkDir(files, "page", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		plain := strings.ReplaceAll(string(text), "http://www.w3.org/2000/svg", "") // an XML namespace is never loaded
		if found := unwanted.FindString(plain); found != "" {
			t.Errorf("%s contains %s", name, found)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Every page can be loaded, and so can every file that a page or its scripts reference.
func TestPages(t *testing.T) {
	cfg, _ := limits()
	addr := serve(t, cfg, nil)
	named := regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)
	imported := regexp.MustCompile(`from '\./([a-z]+\.js)'`)
	loaded := map[string]bool{}
	var load func(target string)
	load = func(target string) {
		if loaded[target] {
			return
		}
		loaded[target] = true
		got := get(t, addr, target)
		if got.status != http.StatusOK || got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d %v", target, got.status, got.header)
		}
		for _, match := range imported.FindAllStringSubmatch(got.body, -1) {
			load(path.Dir(target) + "/" + match[1])
		}
	}
	for _, shown := range screens() {
		got := get(t, addr, shown.Path)
		if got.status != http.StatusOK || !strings.Contains(got.body, "<title>"+shown.Title) || !strings.Contains(got.body, `<html lang="en">`) ||
			strings.Count(got.body, `aria-current="page"`) != 1 {
			t.Errorf("%s: got %d %s", shown.Path, got.status, got.body)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
			"Cross-Origin-Opener-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8", "Vary": "Accept-Encoding",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", shown.Path, name, got.header.Get(name))
			}
		}
		for _, match := range named.FindAllStringSubmatch(got.body, -1) {
			load(match[1])
		}
	}
	site, err := newSite(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name := range site.files {
		if !loaded[site.folder+name] {
			t.Errorf("no page or script loads %s", name)
		}
	}
	for _, target := range []string{"/assets/0123456789abcdef/arena.css", site.folder, site.folder + "layout.html", "/page/layout.html", "/assets/", "/heroes/1", "/index.html"} {
		if got := get(t, addr, target); got.status != http.StatusNotFound {
			t.Errorf("%s: got %d", target, got.status)
		}
	}
}

func TestCaching(t *testing.T) {
	cfg, _ := limits()
	addr := serve(t, cfg, nil)
	plain, zipped := get(t, addr, "/"), get(t, addr, "/", "Accept-Encoding: br;q=1, gzip")
	if zipped.header.Get("Content-Encoding") != "gzip" || plain.header.Get("Content-Encoding") != "" || zipped.header.Get("Etag") == plain.header.Get("Etag") {
		t.Errorf("plain %v, compressed %v", plain.header, zipped.header)
	}
	reader, err := gzip.NewReader(strings.NewReader(zipped.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(reader); err != nil || string(text) != plain.body {
		t.Errorf("the compressed page differs from the plain page (error: %v)", err)
	}
	etag := plain.header.Get("Etag")
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"If-None-Match: " + etag}, 304},
		{[]string{`If-None-Match: "x", W/` + etag}, 304},
		{[]string{"If-None-Match: " + etag, "Accept-Encoding: gzip"}, 200}, // the browser has the plain form
		{[]string{"If-None-Match: " + zipped.header.Get("Etag"), "Accept-Encoding: gzip"}, 304},
		{[]string{`If-None-Match: "x"`}, 200},
	} {
		got := get(t, addr, "/", c.headers...)
		if got.status != c.status || got.status == 304 && (got.body != "" || got.header.Get("Etag") == "" || got.header.Get("Content-Security-Policy") == "") {
			t.Errorf("%q: got %d %v", c.headers, got.status, got.header)
		}
	}
}

// For an unknown path, a browser gets a page, and any other client gets a problem response.
func TestUnknownPaths(t *testing.T) {
	cfg, _ := limits()
	addr := serve(t, cfg, nil)
	const browser, program = "Accept: text/html,application/xhtml+xml,*/*;q=0.8", "Accept: */*"
	for _, c := range []struct {
		line, accept string
		page         bool
	}{
		{"GET /nope", browser, true}, {"GET /heroes/1", browser, true}, {"GET /docs/", browser, true}, {"GET /status/nobody", browser, true},
		{"HEAD /nope", browser, true}, {"GET /apis", browser, true},
		{"GET /nope", program, false}, {"GET /nope", "X-Nothing: 1", false}, {"GET /nope", "Accept: application/json", false},
		{"POST /nope", browser, false}, {"GET /api", browser, false}, {"GET /api/nobody", browser, false}, {"GET /assets/nope.js", browser, false},
	} {
		for coding, packed := range map[string]bool{"identity": false, "gzip": c.page} {
			got := ask(t, addr, c.line+" HTTP/1.1\nHost: "+addr+"\nConnection: close\nContent-Length: 0\nAccept-Encoding: "+coding+"\n"+c.accept+"\n\n")
			kind, sealed := "application/problem+json", ""
			if c.page {
				kind, sealed = "text/html; charset=utf-8", policy
			}
			if got.status != http.StatusNotFound || got.header.Get("Content-Type") != kind || got.header.Get("Content-Security-Policy") != sealed ||
				got.header.Get("Cache-Control") != "no-store" || (got.header.Get("Content-Encoding") == "gzip") != packed {
				t.Errorf("%s with %s: got %d %v", c.line, c.accept, got.status, got.header)
			}
			if vary := strings.Join(got.header.Values("Vary"), ", "); !strings.HasPrefix(vary, "Accept") {
				t.Errorf("%s with %s: Vary is %q", c.line, c.accept, vary)
			}
		}
	}
	page := get(t, addr, "/nope", browser).body
	for _, shown := range screens() {
		if !strings.Contains(page, `<h2><a href="`+shown.Path+`">`+shown.Title+"</a></h2>") {
			t.Errorf("the page doesn't lead to %s: %s", shown.Path, page)
		}
	}
}
