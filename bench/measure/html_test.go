package measure

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
)

// page is a parsed HTML page.
type page struct {
	elements   []string
	attributes []xml.Attr
	texts      []string // without surrounding space
	plotTexts  []string // those in plots
	verdicts   []string
	styles     string
}

// parse writes the report as HTML and parses the page, which must be well-formed XML.
func parse(t *testing.T, report *Report) page {
	t.Helper()
	var text strings.Builder
	if err := report.HTML(&text); err != nil {
		t.Fatal(err)
	}
	var p page
	last := xml.StartElement{}
	for decoder := xml.NewDecoder(strings.NewReader(text.String())); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return p
		} else if err != nil {
			t.Fatalf("the page is not well-formed: %v\n%s", err, text.String())
		}
		switch token := token.(type) {
		case xml.StartElement:
			last = token.Copy()
			p.elements, p.attributes = append(p.elements, last.Name.Local), append(p.attributes, last.Attr...)
		case xml.EndElement:
			last = xml.StartElement{}
		case xml.CharData:
			p.add(last, strings.TrimSpace(string(token)))
		}
	}
}

func (p *page) add(in xml.StartElement, text string) {
	p.texts = append(p.texts, text)
	switch in.Name.Local {
	case "style":
		p.styles += text
	case "text":
		p.plotTexts = append(p.plotTexts, text)
	}
	for _, attribute := range in.Attr {
		if attribute.Name.Local == "class" && strings.HasPrefix(attribute.Value, "verdict") {
			p.verdicts = append(p.verdicts, text)
		}
	}
}

// shows returns how often the page shows the text, in plots and elsewhere.
func (p page) shows(text string) (elsewhere, plots int) {
	plots = strings.Count(strings.Join(p.plotTexts, "\n"), text)
	return strings.Count(strings.Join(p.texts, "\n"), text) - plots, plots
}

// TestPageIsSelfContained checks that the page loads nothing and runs nothing, even if names are hostile, and that it
// shows the names as they are.
func TestPageIsSelfContained(t *testing.T) {
	const hostile = `</title></style></svg><script>alert(1)</script><img src="http://h/x" onerror='alert(2)'>{{.}}&lt;`
	named := func(report *Report) *Report {
		for i := range report.Series {
			member := &report.Series[i].Members[0]
			member.Name, member.Profile, member.StoreNames = hostile, hostile, []string{hostile}
			report.Series[i].Comparisons[0].To = hostile
		}
		report.Version, report.Plan.Mix, report.Notes = hostile, hostile, []string{hostile}
		return report
	}
	for name, report := range map[string]*Report{"closed model": named(made()), "rates": named(atRates()), "empty": {Version: hostile, Notes: []string{}}} {
		t.Run(name, func(t *testing.T) {
			p := parse(t, report)
			for _, element := range p.elements {
				if slices.Contains([]string{"script", "link", "img", "image", "use", "iframe", "object", "embed", "audio", "video", "base", "form"}, element) {
					t.Errorf("the page has the element %s", element)
				}
			}
			for _, a := range p.attributes {
				loads := strings.Contains(a.Value, "//") && a.Name.Local != "xmlns" && a.Name.Space != "xmlns" || strings.Contains(a.Value, "url(")
				if loads && !strings.HasPrefix(a.Value, "data:") || strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "src" {
					t.Errorf("the page has the attribute %s=%.100q", a.Name.Local, a.Value)
				}
			}
			if strings.Contains(p.styles, "url") || strings.Contains(p.styles, "@import") {
				t.Errorf("the styles load something: %s", p.styles)
			}
			if elsewhere, plots := p.shows(hostile); len(report.Series) > 0 && (elsewhere < 8 || plots < 6) { // a title and a name in each plot
				t.Errorf("the name is shown %d times in plots and %d times elsewhere", plots, elsewhere)
			}
			checkDownload(t, p, report)
		})
	}
}

// checkDownload checks that the page has a link that contains the report as JSON.
func checkDownload(t *testing.T, p page, report *Report) {
	t.Helper()
	var want strings.Builder
	if err := report.JSON(&want); err != nil || !json.Valid([]byte(want.String())) {
		t.Fatalf("%v: %s", err, want.String())
	}
	for _, a := range p.attributes {
		encoded, found := strings.CutPrefix(a.Value, "data:application/json;base64,")
		if a.Name.Local != "href" || !found {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(encoded); err != nil || string(got) != want.String() {
			t.Errorf("the link contains %s, %v", got, err)
		}
		return
	}
	t.Error("the page has no link to the JSON")
}

// TestPageOfVoidReport checks that the page says VOID first and last, in its title and in the title of each plot.
func TestPageOfVoidReport(t *testing.T) {
	for name, report := range map[string]*Report{"closed model": made(), "rates": atRates(), "stopped early": stopped()} {
		p := parse(t, report)
		for _, verdict := range p.verdicts {
			if !strings.HasPrefix(verdict, "VOID: ") {
				t.Errorf("%s: the verdict is %q", name, verdict)
			}
		}
		titled := 0
		for _, text := range p.texts {
			if strings.HasPrefix(text, "VOID: do") || strings.HasPrefix(text, "VOID: the") || strings.HasSuffix(text, " (VOID)") {
				titled++
			}
		}
		if want := 2 + 1 + 3; len(p.verdicts) != 2 || titled != want {
			t.Errorf("%s: %d verdicts; VOID is said %d times, want %d", name, len(p.verdicts), titled, want)
		}
	}
}

// TestPlotsNameStores checks that the title of every plot names the stores, and that no plot shows a percentile for
// which there are too few iterations.
func TestPlotsNameStores(t *testing.T) {
	for name, report := range map[string]*Report{"closed model": made(), "rates": atRates()} {
		for _, c := range report.charts() {
			if !strings.HasSuffix(c.Title, "\nstores: FerretDB 1.24") {
				t.Errorf("%s: the title of a plot is %q", name, c.Title)
			}
		}
		if ticks := report.latencyChart().Ticks; !slices.Equal(ticks, []float64{0, 50, 90, 99}) {
			t.Errorf("%s: the percentiles end at %v", name, ticks)
		}
	}
}
