// Package format formats numbers for people: few digits, and commas between thousands.
package format

import (
	"math"
	"strconv"

	"github.com/dustin/go-humanize"
)

// Number formats a number with about three significant digits, but never drops digits before the decimal point.
func Number(n float64) string {
	switch size := math.Abs(n); {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return "-"
	case size >= 100:
		return whole(n)
	case size >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(n, 'f', 2, 64)
	case size == 0:
		return "0"
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}

// Brief formats a number with about two significant digits, but never drops digits before the decimal point. It suits
// sentences that are read aloud.
func Brief(n float64) string {
	switch size := math.Abs(n); {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return "-"
	case size >= 9.95:
		return whole(n)
	case size >= 0.995:
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return strconv.FormatFloat(n, 'g', 2, 64)
}

func whole(n float64) string { return humanize.Comma(int64(math.RoundToEven(n))) }

// Exact formats a number with all its digits.
func Exact(n float64) string { return humanize.Commaf(n) }
