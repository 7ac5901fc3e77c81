package httpserver

import (
	"net/http"
	"strings"
	"testing"
)

func TestTakesGzip(t *testing.T) {
	for accepted, want := range map[string]bool{
		"":                                   false,
		"gzip":                               true,
		"GZIP":                               true,
		"x-gzip":                             true, // its older name
		"gzip, deflate, br, zstd":            true,
		"deflate, gzip;q=0.5":                true,
		"br;q=1 , gzip ; Q=0.001":            true,
		"gzip;q=1.000":                       true,
		"*":                                  true,
		"*;q=0.1":                            true,
		"br, *;q=0":                          false,
		"gzip, *;q=0":                        true,
		"gzip;q=0, *":                        false,
		"gzip;q=0":                           false,
		"gzip;q=0.000":                       false,
		"identity":                           false,
		"identity;q=0":                       false, // nothing else is listed
		"identity;q=0, gzip":                 true,
		"identity, gzip":                     true, // equally good
		"identity;q=1, gzip;q=0.5":           false,
		"identity;q=0.5, gzip":               true,
		"deflate":                            false,
		"gzipped":                            false,
		"gzip;q":                             false,
		"gzip;q=":                            false,
		"gzip;q=2":                           false,
		"gzip;q=1.001":                       false,
		"gzip;q=-1":                          false,
		"gzip;q=0.1234":                      false,
		"gzip;q=1e0":                         false,
		"gzip;level=9":                       false,
		",, gzip,":                           true,
		"deflate|gzip":                       true, // in two lines
		"gzip|gzip;q=0":                      false,
		strings.Repeat("br,", 5000) + "gzip": true,
	} {
		header := http.Header{"Accept-Encoding": strings.Split(accepted, "|")}
		if accepted == "" {
			header = http.Header{}
		}
		if TakesGzip(header) != want {
			t.Errorf("%.60q prefers gzip: %t", accepted, !want)
		}
	}
}
