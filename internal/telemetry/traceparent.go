package telemetry

// Traceparent is a parsed traceparent header (W3C Trace Context, https://www.w3.org/TR/trace-context/).
type Traceparent struct {
	TraceID, SpanID string // in lower-case hexadecimal, 32 and 16 digits
	Sampled         bool
}

// String returns the value of the header.
func (t Traceparent) String() string {
	flags := "-00"
	if t.Sampled {
		flags = "-01"
	}
	return "00-" + t.TraceID + "-" + t.SpanID + flags
}

// ParseTraceparent parses a traceparent header. As the standard requires, it accepts longer headers of later versions.
func ParseTraceparent(text string) (t Traceparent, ok bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(text) < length || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return t, false
	}
	version, rest := text[:2], text[length:]
	flags := text[53:55]
	t = Traceparent{TraceID: text[3:35], SpanID: text[36:52]}
	for _, part := range []string{version, t.TraceID, t.SpanID, flags} {
		if !isHex(part) {
			return Traceparent{}, false
		}
	}
	if version == "ff" || version == "00" && rest != "" || rest != "" && rest[0] != '-' || isZero(t.TraceID) || isZero(t.SpanID) {
		return Traceparent{}, false
	}
	last := flags[1]
	if last >= 'a' {
		last -= 'a' - 10
	}
	t.Sampled = last&1 == 1
	return t, true
}

func isHex(text string) bool {
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isZero(text string) bool {
	for i := range len(text) {
		if text[i] != '0' {
			return false
		}
	}
	return true
}
