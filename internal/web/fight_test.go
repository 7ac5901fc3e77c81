package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// A HEAD, which promises to change nothing, has no fight fought.
func TestHeadOfExecuteFight(t *testing.T) {
	answer := httptest.NewRecorder()
	newFightsAPI(t).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodHead, "/api/fights/execute_fight", http.NoBody))
	if allow := answer.Header().Get("Allow"); answer.Code != http.StatusMethodNotAllowed || allow != http.MethodGet {
		t.Errorf("got %d with Allow %q, want 405 with GET", answer.Code, allow)
	}
}
