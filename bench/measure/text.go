package measure

import (
	_ "embed" // for the template
	"io"
	"strings"
	"text/template"
)

//go:embed report.txt.tmpl
var textTemplate string

// Text writes the report as text: its summary or, if verbose, everything between the summary and the summary again. A
// report that isn't valid says so in its first and its last line.
func (r *Report) Text(w io.Writer, verbose bool) error {
	parsed, err := template.New("report").Funcs(template.FuncMap{"text": table.text}).Parse(textTemplate)
	if err != nil {
		return err
	}
	var text strings.Builder
	err = parsed.Execute(&text, struct {
		view
		Verbose bool
		Valid   bool
	}{r.view(), verbose, r.verdict() == valid})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text.String())
	return err
}
