package httpserver

import (
	"net/http"
	"strings"
)

// TakesGzip reports whether a client's Accept-Encoding prefers gzip (RFC 9110, section 12.5.3).
func TakesGzip(header http.Header) bool {
	return codingsOf(header).prefersGzip()
}

// codings holds a client's preference for gzip and the plain form in thousandths; 0 means not acceptable.
type codings struct{ gzip, plain int }

func (c codings) prefersGzip() bool { return c.gzip > 0 && c.gzip >= c.plain }

// unlisted is the quality of a coding that the client neither lists nor covers with *.
const unlisted = -1

// codingsOf parses Accept-Encoding. An unlisted plain form is acceptable, but anything listed is preferred to it.
func codingsOf(header http.Header) codings {
	gzip, plain, others := unlisted, unlisted, unlisted // others is *
	for _, line := range header.Values("Accept-Encoding") {
		for element := range strings.SplitSeq(line, ",") {
			coding, weight, weighted := strings.Cut(element, ";")
			quality, ok := 1000, true
			if weighted {
				quality, ok = qualityOf(weight)
			}
			if !ok {
				continue // a malformed element is ignored
			}
			switch coding = strings.ToLower(strings.TrimSpace(coding)); coding {
			case "gzip", "x-gzip":
				gzip = quality
			case "identity":
				plain = quality
			case "*":
				others = quality
			}
		}
	}
	if gzip == unlisted {
		gzip = max(others, 0)
	}
	if plain == unlisted && others != 0 {
		plain = 1
	}
	return codings{gzip, max(plain, 0)}
}

// qualityOf parses a weight such as q=0.5 into thousandths. It must be from 0 to 1 with at most three decimals.
func qualityOf(weight string) (quality int, ok bool) {
	name, value, _ := strings.Cut(strings.TrimSpace(weight), "=")
	whole, fraction, _ := strings.Cut(value, ".")
	if !strings.EqualFold(name, "q") || whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0, false
	}
	n, ok := parseDecimal(whole + (fraction + "000")[:3])
	return int(n), ok && n <= 1000
}
