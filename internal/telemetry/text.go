package telemetry

import (
	"io"
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

// chunk is the minimum number of bytes per write, except the last.
const chunk = 32 << 10

// WriteText writes all metrics in the given format, sorted by name. To save memory, it reads and writes one family at a
// time.
func (r *Registry) WriteText(to io.Writer, format string) (err error) {
	w := writer{make([]byte, 0, 2*chunk), format == OpenMetricsFormat}
	flush := func() bool {
		_, err = to.Write(w.out)
		w.out = w.out[:0]
		return err == nil
	}
	for _, c := range r.snapshot() {
		w.family(c.gather())
		if len(w.out) >= chunk && !flush() {
			return err
		}
	}
	if w.open {
		w.out = append(w.out, "# EOF\n"...)
	}
	flush()
	return err
}

// writer writes one of the text formats.
type writer struct {
	out  []byte
	open bool // OpenMetrics
}

func (w *writer) family(g Gathered) {
	full := g.PrometheusName()
	name := full
	if w.open && g.Type == CounterType {
		name = strings.TrimSuffix(full, "_total")
	}
	w.line("# HELP ", name, " ", escape(g.Help))
	w.line("# TYPE ", name, " ", string(g.Type))
	if unit := g.prometheusUnit(); w.open && unit != "" {
		w.line("# UNIT ", name, " ", unit)
	}
	labels := make([]string, len(g.Labels))
	for i, label := range g.Labels {
		labels[i] = prometheus(label)
	}
	for _, s := range g.Series {
		set := `service="` + escape(s.Service) + `"`
		for i, label := range labels {
			if s.Labels[i] != "" { // an empty label is the same as a missing one
				set += "," + label + `="` + escape(s.Labels[i]) + `"`
			}
		}
		w.series(full, set, g.Bounds, s)
	}
}

func (w *writer) line(parts ...string) {
	for _, part := range parts {
		w.out = append(w.out, part...)
	}
	w.out = append(w.out, '\n')
}

func (w *writer) series(name, set string, bounds []float64, s Series) {
	switch {
	case s.Histogram != nil:
		w.histogram(name, set, bounds, s.Histogram)
	case s.Summary != nil:
		w.summary(name, set, s.Summary)
	default:
		w.line(name, "{", set, "} ", w.float(s.Value))
	}
}

func (w *writer) histogram(name, set string, bounds []float64, d *Distribution) {
	total := uint64(0)
	for i, n := range d.Buckets {
		total += n
		bound := math.Inf(1)
		if i < len(bounds) {
			bound = bounds[i]
		}
		w.line(name, "_bucket{", set, `,le="`, w.float(bound), `"} `, strconv.FormatUint(total, 10), w.exemplar(d.Exemplars[i]))
	}
	w.line(name, "_sum{", set, "} ", w.float(d.Sum))
	w.line(name, "_count{", set, "} ", strconv.FormatUint(total, 10))
}

// exemplar returns the text of a bucket's exemplar, or "" if there is none or the format doesn't support exemplars.
func (w *writer) exemplar(e *Exemplar) string {
	if e == nil || !w.open {
		return ""
	}
	at := strconv.FormatFloat(float64(e.Time.UnixMilli())/1000, 'f', 3, 64)
	return ` # {trace_id="` + e.TraceID + `",span_id="` + e.SpanID + `"} ` + w.float(e.Value) + " " + at
}

func (w *writer) summary(name, set string, s *Summary) {
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

// escape escapes a label value or a family's help.
func escape(text string) string {
	if !strings.ContainsAny(text, "\\\n\"") {
		return text
	}
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(text)
}
