package performance

import (
	"math"
	"strconv"
	"strings"

	"superheroes/bench/measure"
)

// number formats a number as bench reports do, with commas in large ones.
func number(n float64) string {
	if size := math.Abs(n); size >= 1000 && !math.IsInf(n, 0) {
		return thousands(n)
	}
	return measure.Short(n)
}

// thousands formats a whole number with commas.
func thousands(n float64) string {
	digits := strconv.FormatFloat(math.Abs(n), 'f', 0, 64)
	var text strings.Builder
	if n < 0 && digits != "0" {
		text.WriteByte('-')
	}
	for i, digit := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			text.WriteByte(',')
		}
		text.WriteRune(digit)
	}
	return text.String()
}
