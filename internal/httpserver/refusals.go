package httpserver

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// refusals counts the refused requests of one kind, and says when they are due to be logged.
type refusals struct {
	count  atomic.Int64
	logged atomic.Int64 // Unix time in nanoseconds
}

// refusalGap is how far apart log lines about refused requests of one kind are. One line each would make overload worse.
const refusalGap = 10 * time.Second

// add counts a refused request, and returns how many there were since the last log line, 0 when the next isn't due.
func (s *refusals) add(now time.Time) int64 {
	s.count.Add(1)
	last := s.logged.Load()
	if now.UnixNano()-last < int64(refusalGap) || !s.logged.CompareAndSwap(last, now.UnixNano()) {
		return 0
	}
	return s.count.Swap(0)
}

// refuse answers a request beyond the limit of its kind, and logs now and then that it does.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, problem *Problem) {
	if count := a.refusals[problem.kind].add(time.Now()); count > 0 {
		a.log.Warn(problem.Detail, "refused", count, "request_id", RequestID(r.Context()))
	}
	if r.ContentLength == 0 {
		writeProblem(w, problem)
		return
	}
	// net/http would read the body first, however long that takes. And it loses the connection when it reads it behind an
	// answer, so that is done here.
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // HTTP/2 always is
	writeProblem(w, problem)
	_ = control.Flush()
	_, _ = io.Copy(io.Discard, r.Body) // at most MaxBody; an error ends the connection
}

// readUncounted reads the body. Meanwhile the request is not under way: a client that is slow to send would hold a place
// that others need.
func readUncounted(r *http.Request) ([]byte, error) {
	info := infoOf(r.Context())
	if info == nil {
		return io.ReadAll(r.Body)
	}
	limit, ok := info.limit.(*overload)
	if !ok {
		return io.ReadAll(r.Body)
	}
	limit.pause()
	info.limit = nil
	body, err := io.ReadAll(r.Body)
	if !limit.resume() {
		return nil, refusal(info.kind, limit)
	}
	info.limit = limit
	return body, err
}
