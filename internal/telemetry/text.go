package telemetry

import (
	"math"
	"net/textproto"
	"strconv"
	"strings"
)

// Formats of a scrape, as values of the Content-Type header.
const (
	TextFormat        = "text/plain; version=0.0.4; charset=utf-8"
	OpenMetricsFormat = "application/openmetrics-text; version=1.0.0; charset=utf-8"
)

// FormatFor returns the format for a request with the given Accept headers: OpenMetrics for a scraper that accepts it,
// and otherwise the text format of Prometheus, which has no exemplars.
func FormatFor(accept []string) string {
	for _, header := range accept {
		for kind := range strings.SplitSeq(header, ",") {
			kind, _, _ = strings.Cut(kind, ";")
			if strings.EqualFold(textproto.TrimString(kind), "application/openmetrics-text") {
				return OpenMetricsFormat
			}
		}
	}
	return TextFormat
}

// AppendText appends all metrics to b in the given format. The families are in the order of their names.
func (r *Registry) AppendText(b []byte, format string) []byte {
	w := writer{b, format == OpenMetricsFormat}
	for _, c := range r.all() {
		w.family(c)
	}
	if w.open {
		w.out = append(w.out, "# EOF\n"...)
	}
	return w.out
}

// writer writes one of the text formats.
type writer struct {
	out  []byte
	open bool // OpenMetrics
}

func (w *writer) family(c collected) {
	name := c.name
	if w.open && c.Type == CounterType {
		name = strings.TrimSuffix(name, "_total")
	}
	w.line("# HELP ", name, " ", escape(c.Help))
	w.line("# TYPE ", name, " ", string(c.Type))
	if unit := units[c.Unit]; w.open && unit != "" {
		w.line("# UNIT ", name, " ", unit)
	}
	labels := make([]string, len(c.Labels))
	for i, label := range c.Labels {
		labels[i] = prometheus(label)
	}
	for _, s := range c.series {
		w.series(c.name, labels, s)
	}
}

func (w *writer) line(parts ...string) {
	for _, part := range parts {
		w.out = append(w.out, part...)
	}
	w.out = append(w.out, '\n')
}

func (w *writer) series(name string, labels []string, s *series) {
	set := `service="` + escape(s.service) + `"`
	for i, label := range labels {
		if s.values[i] != "" { // an empty label is the same as none
			set += "," + label + `="` + escape(s.values[i]) + `"`
		}
	}
	switch {
	case s.histogram != nil:
		w.histogram(name, set, s.histogram)
	case s.summary != nil:
		w.summary(name, set, s.summary())
	default:
		if value := s.read(); !math.IsNaN(value) {
			w.line(name, "{", set, "} ", w.float(value))
		}
	}
}

func (w *writer) histogram(name, set string, h *Histogram) {
	counts, sum := h.counts()
	total := uint64(0)
	for i, n := range counts {
		total += n
		bound := math.Inf(1)
		if i < len(h.bounds) {
			bound = h.family.Bounds[i]
		}
		w.line(name, "_bucket{", set, `,le="`, w.float(bound), `"} `, strconv.FormatUint(total, 10), w.exemplar(h.exemplars[i].Load()))
	}
	w.line(name, "_sum{", set, "} ", w.float(sum))
	w.line(name, "_count{", set, "} ", strconv.FormatUint(total, 10))
}

// exemplar returns the exemplar of a bucket, or "" if there is none or the format has none.
func (w *writer) exemplar(e *Exemplar) string {
	if e == nil || !w.open {
		return ""
	}
	at := strconv.FormatFloat(float64(e.Time.UnixMilli())/1000, 'f', 3, 64)
	return ` # {trace_id="` + e.TraceID + `",span_id="` + e.SpanID + `"} ` + w.float(e.Value) + " " + at
}

func (w *writer) summary(name, set string, s Summary) {
	for _, q := range s.Quantiles {
		w.line(name, "{", set, `,quantile="`, w.float(q[0]), `"} `, w.float(q[1]))
	}
	w.line(name, "_sum{", set, "} ", w.float(s.Sum))
	w.line(name, "_count{", set, "} ", strconv.FormatUint(s.Count, 10))
}

// float formats a number. In OpenMetrics, a whole number has a decimal point, as in 1.0.
func (w *writer) float(value float64) string {
	switch {
	case math.IsInf(value, 1):
		return "+Inf"
	case math.IsInf(value, -1):
		return "-Inf"
	}
	text := strconv.FormatFloat(value, 'g', -1, 64)
	if w.open && !strings.ContainsAny(text, ".eN") {
		text += ".0"
	}
	return text
}

var escapes = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)

// escape escapes a label value or a help text.
func escape(text string) string { return escapes.Replace(text) }
