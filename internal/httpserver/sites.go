package httpserver

import "net/http"

// sites refuses requests that store or change something if a browser sends them on behalf of a page on another site.
// Otherwise any page could make its visitors' browsers send such requests, even to machines that aren't reachable from
// the internet.
type sites struct{ protection *http.CrossOriginProtection }

// newSites returns the rule that allows requests from a service's own pages and from trusted origins. It panics if an
// origin is malformed, which UnmarshalText would have rejected.
func newSites(trusted []Origin) sites {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := protection.AddTrustedOrigin(string(origin)); err != nil {
			panic(err)
		}
	}
	return sites{protection}
}

// check refuses a request whose headers say that a page on another site sent it. Only browsers send these headers. A
// GET triggered by a user's click is allowed.
func (s sites) check(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	if site == "same-origin" || site == "" && r.Header.Get("Origin") == "" {
		return nil
	}
	asked := r
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if clicked(r.Header) {
			return nil
		}
		asked = r.WithContext(r.Context()) // CrossOriginProtection allows every GET
		asked.Method = http.MethodPost
	}
	if s.protection.Check(asked) == nil {
		return nil
	}
	return Errorf(http.StatusForbidden, "a page on another site sent this request; to allow it, "+
		"start the service with the page's origin as --trusted-origin (TRUSTED_ORIGINS), or make a proxy in front pass on Host")
}

// clicked reports whether a user's click opens the response as a page of its own rather than in a frame.
func clicked(header http.Header) bool {
	shown := header.Get("Sec-Fetch-Dest")
	return header.Get("Sec-Fetch-User") == "?1" && (shown == "" || shown == "document")
}

// changes reports whether a route stores or changes something.
func (route *Route) changes() bool { return route.Stores || route.Method != http.MethodGet }
