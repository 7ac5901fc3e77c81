package main

import (
	"math"
	"strconv"
	"strings"
)

// number writes about three digits that say something.
func number(n float64) string {
	size := math.Abs(n)
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return "-"
	case size >= 1000:
		return thousands(n)
	case size >= 100:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case size >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case size >= 1:
		return strconv.FormatFloat(n, 'f', 2, 64)
	case size == 0:
		return "0"
	}
	return strconv.FormatFloat(n, 'g', 2, 64)
}

// thousands writes a whole number with commas.
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
