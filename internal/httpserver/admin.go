package httpserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Admin knows who may change things: whoever has the token. It keeps a hash only, so that no dump of it shows the token.
type Admin struct {
	hash    [sha256.Size]byte
	enabled bool
	guesses guesses
}

// NewAdmin returns the Admin with that token. Without a token nobody may.
func NewAdmin(token string) *Admin {
	return &Admin{hash: sha256.Sum256([]byte(token)), enabled: token != ""}
}

// check refuses a request that doesn't carry the token. How long it takes tells nothing of the token. Wrong tokens are
// limited; the right one is compared first, so that guesses never keep the administrator out.
func (a *Admin) check(log *slog.Logger, r *http.Request) error {
	if !a.enabled {
		return Errorf(http.StatusForbidden, "changes are disabled: start the service with ADMIN_TOKEN or --admin-token set, and send it as Authorization: Bearer TOKEN")
	}
	token := bearer(r.Header)
	sent := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sent[:], a.hash[:]) == 1 {
		return nil
	}
	if token != "" { // who sends none doesn't guess
		if err := a.guesses.check(log, r); err != nil {
			return err
		}
	}
	problem := Errorf(http.StatusUnauthorized, "this needs the administrator's token, as Authorization: Bearer TOKEN")
	problem.Challenge = `Bearer realm="superheroes"`
	return problem
}

// bearer returns the token that a request carries, or "", which is nobody's.
func bearer(header http.Header) string {
	sent := header.Values("Authorization")
	if len(sent) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimLeft(token, " ")
}

// guard has a route check who may before it reads anything of the request, and documents that.
func (a *API) guard(route *Route) {
	const scheme = "admin"
	a.document.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		scheme: {Type: "http", Scheme: "bearer", Description: "The service's ADMIN_TOKEN."},
	}
	route.Security = []map[string][]string{{scheme: {}}}
	a.Problems(route.Responses, map[int]string{
		http.StatusUnauthorized:    "The token is missing or wrong.",
		http.StatusForbidden:       "The service was started without ADMIN_TOKEN, so nobody may do this, or a browser sent the request for a page of another site.",
		http.StatusTooManyRequests: "The token is wrong, and so were ten within the last minute; Retry-After says when another may be tried. The right one is never refused.",
	})
	admin, serve := route.Admin, route.Serve
	route.Serve = func(w http.ResponseWriter, r *http.Request) error {
		if err := admin.check(a.log, r); err != nil {
			return err
		}
		return serve(w, r)
	}
}
