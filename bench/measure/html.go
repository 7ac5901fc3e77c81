package measure

import (
	"bytes"
	_ "embed" // for the template
	"encoding/base64"
	"html/template"
	"io"
)

//go:embed report.html.tmpl
var pageTemplate string

// HTML writes the report as a single page that contains its plots and, for download, its JSON. The page has no scripts
// and loads nothing.
func (r *Report) HTML(w io.Writer) error {
	parsed, err := template.New("report").Parse(pageTemplate)
	if err != nil {
		return err
	}
	page := struct {
		view
		Plots []template.HTML
		JSON  template.URL
	}{view: r.view()}
	for _, c := range r.charts() {
		var plot bytes.Buffer
		if err := c.Write(&plot); err != nil {
			return err
		}
		_, svg, _ := bytes.Cut(plot.Bytes(), []byte("<svg"))               // without the XML declaration, which HTML doesn't have
		page.Plots = append(page.Plots, template.HTML("<svg"+string(svg))) //nolint:gosec // the chart has escaped its texts
	}
	var data bytes.Buffer
	if err := r.JSON(&data); err != nil {
		return err
	}
	page.JSON = template.URL("data:application/json;base64," + base64.StdEncoding.EncodeToString(data.Bytes())) //nolint:gosec // base64 needs no escaping
	var text bytes.Buffer
	if err := parsed.Execute(&text, page); err != nil {
		return err
	}
	_, err = w.Write(text.Bytes())
	return err
}
