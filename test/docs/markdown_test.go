package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lines joins the lines of a document.
func lines(all ...string) string { return strings.Join(all, "\n") + "\n" }

func TestParse(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []step
	}{
		"plain": {
			lines("# Title", "Text.", "```sh", "echo a", "echo b", "```"),
			[]step{{place: "x.md:3", mode: modeRun, script: "echo a\necho b"}},
		},
		"expected output": {
			lines(`<!-- run: expect "team":"heroes" -->`, "```sh", "curl x", "```"),
			[]step{{place: "x.md:2", mode: modeRun, script: "curl x", expect: `"team":"heroes"`}},
		},
		"background, and its end": {
			lines("<!-- run: background, wait http://localhost:1/ -->", "", "```sh", "serve", "```", "<!-- run: stop -->"),
			[]step{
				{place: "x.md:3", mode: modeBackground, script: "serve", wait: "http://localhost:1/"},
				{place: "x.md:6", mode: modeStop},
			},
		},
		"skipped, in a list": {
			lines("1. Do:", "   <!-- run: skip, it needs a server -->", "   ```sh", "   make", "   ```"),
			[]step{{place: "x.md:3", mode: modeSkip, script: "   make", reason: "it needs a server"}},
		},
		"other blocks and comments": {
			lines("<!-- settings -->", "```json", "```", "```", "```sh", "```", "```sh", "a", "```"),
			[]step{{place: "x.md:7", mode: modeRun, script: "a"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse("x.md", test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(step{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no command":                {lines("# Title", "```json", "{}", "```"), "x.md contains no command"},
		"an empty command":          {lines("```sh", "```"), "x.md contains no command"},
		"block without end":         {lines("Text.", "```sh", "a"), "x.md:2: the block has no end"},
		"comment without end":       {lines("<!-- run: stop"), "x.md:1: the comment does not end on its line"},
		"comment without block":     {lines("<!-- run: skip, x -->"), "x.md:1: no block marked sh follows the comment"},
		"comment before text":       {lines("<!-- run: skip, x -->", "Text.", "```sh", "a", "```"), "x.md:1: no block marked sh follows the comment"},
		"comment before a comment":  {lines("<!-- run: skip, x -->", "<!-- run: stop -->", "```sh", "a", "```"), "x.md:1: no block marked sh follows the comment"},
		"comment before json":       {lines("<!-- run: skip, x -->", "```json", "```"), "x.md:1: no block marked sh follows the comment"},
		"another shell":             {lines("```bash", "a", "```"), "x.md:1: a block marked bash is not run; mark it sh"},
		"unknown word":              {lines("<!-- run: later -->", "```sh", "a", "```"), "x.md:1: run: later is not known"},
		"skip without reason":       {lines("<!-- run: skip -->", "```sh", "a", "```"), "x.md:1: skip needs a reason"},
		"expect without text":       {lines("<!-- run: expect -->", "```sh", "a", "```"), "x.md:1: expect needs a text"},
		"background without a wait": {lines("<!-- run: background -->", "```sh", "a", "```"), "x.md:1: background needs a URL to wait for"},
	} {
		t.Run(name, func(t *testing.T) {
			steps, err := parse("x.md", test.text)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s; steps %v", err, test.want, steps)
			}
		})
	}
}
