package httpserver

import "net/http"

// sites decides for whose pages a browser may send requests that store or change something. Without it any page could have
// its visitors' browsers do that, on machines that only they reach.
type sites struct{ protection *http.CrossOriginProtection }

// newSites returns the rule that lets a service's own pages through, and those of the trusted origins. It panics when one
// of them is malformed, which UnmarshalText would have refused.
func newSites(trusted []Origin) sites {
	protection := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		if err := protection.AddTrustedOrigin(string(origin)); err != nil {
			panic(err)
		}
	}
	return sites{protection}
}

// check refuses a request when the browser says that another site's page has sent it; programs say nothing. A GET that a
// user's click led to is no page's doing.
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
		asked = r.WithContext(r.Context()) // net/http's rule lets every GET pass
		asked.Method = http.MethodPost
	}
	if s.protection.Check(asked) == nil {
		return nil
	}
	return Errorf(http.StatusForbidden, "a page of another site sent this request; to allow it, start the service with the page's "+
		"origin as --trusted-origin (TRUSTED_ORIGINS), and a proxy in front should pass on Host")
}

// clicked reports whether a user's click opens the answer as a page. A frame is a part of the page that has it.
func clicked(header http.Header) bool {
	shown := header.Get("Sec-Fetch-Dest")
	return header.Get("Sec-Fetch-User") == "?1" && (shown == "" || shown == "document")
}

// OwnSite returns a handler that refuses what browsers send for pages of other sites, before it reads anything of the
// request. Routes that store or change something are so by themselves.
func (a *API) OwnSite(serve Handler) Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := a.sites.check(r); err != nil {
			return err
		}
		return serve(w, r)
	}
}

// protect makes a route one for its own site, and documents that.
func (a *API) protect(route *Route) {
	a.Problems(route.Responses, map[int]string{http.StatusForbidden: "A browser sent the request for a page of another site."})
	route.Serve = a.OwnSite(route.Serve)
}

// changes reports whether a route stores or changes something.
func (route *Route) changes() bool { return route.Stores || route.Method != http.MethodGet }
