package catalog

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

const (
	// retryAge is the delay before a failed background renewal is retried.
	retryAge = renewAge / 5
	// quickTimeout limits a renewal that picks may wait for. It is half of a request's timeout, so that the other half
	// is left for reading the row.
	quickTimeout = 2500 * time.Millisecond
	// slowTimeout limits other renewals. The limit doubles with each consecutive timeout, up to maxTimeout, so that
	// larger tables can be read as well.
	slowTimeout = 5 * time.Second
	maxTimeout  = 8 * slowTimeout
	// rest sets the pause after reading the ids, as a multiple of the time that the read took. The pause applies only
	// once reading takes too long for picks to get new ids in time.
	rest = 4
)

// renewal is an index renewal in progress.
type renewal struct {
	done chan struct{} // closed when the renewal has ended
	err  error
}

// renew returns the renewal in progress, and starts one if there is none.
func (s *Service[T]) renew() (r *renewal, started bool) {
	if r := s.renewal.Load(); r != nil {
		return r, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.renewal.Load(); r != nil {
		return r, false
	}
	r = &renewal{done: make(chan struct{})}
	s.renewal.Store(r)
	go func() {
		r.err = s.readIndex()
		s.renewal.Store(nil)
		close(r.done)
	}()
	return r, true
}

// await waits for a renewal. If a renewal that was already in progress fails, await waits for the next renewal: the
// store may have recovered.
func (s *Service[T]) await(ctx context.Context) error {
	for final := false; ; final = true {
		r, started := s.renew()
		select {
		case <-r.done:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if started || final || r.err == nil {
			return r.err
		}
	}
}

// readIndex checks the version, reads the ids if it has changed, and publishes the result.
func (s *Service[T]) readIndex() error {
	known, doubted := s.current.Load().version, s.doubted.Swap(false)
	if doubted {
		known = ""
	}
	edited, timeout := s.beginRenewal()
	ctx, cancel := context.WithTimeout(s.life, timeout)
	defer cancel()
	ctx, span := s.tracer.Root(ctx, "renew the index of "+s.Kind.Plural)
	defer span.End()
	begin := s.now()
	ids, version, err := s.storeIDs(ctx, known)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.edits.ended(edited)
	if err != nil {
		s.renewalFailed(ctx.Err())
		if doubted {
			s.doubted.Store(true)
		}
		return err
	}
	s.timeouts = 0
	s.renewed(begin, ids, version, version == known && version != "", edited)
	s.startLoad()
	return nil
}

func (s *Service[T]) beginRenewal() (edited int64, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	timeout = slowTimeout << s.timeouts
	if x := s.current.Load(); len(x.ids) > 0 && x.quick() {
		timeout = quickTimeout
	}
	return s.edits.begun(), timeout
}

// storeIDs calls the store's IDs method in the background. It recovers from panics, which would otherwise crash the
// process.
func (s *Service[T]) storeIDs(ctx context.Context, known Version) (ids []int64, version Version, err error) {
	defer recoverAsError(&err)
	return s.store.IDs(ctx, known)
}

// recoverAsError converts a panic into an error.
func recoverAsError(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
	}
}

// renewalFailed leaves the index unchanged and schedules a retry. cutOff is the error from the renewal's context, or
// nil if the context is still active. The caller holds the mutex.
func (s *Service[T]) renewalFailed(cutOff error) {
	slow := errors.Is(cutOff, context.DeadlineExceeded)
	if slow && slowTimeout<<s.timeouts < maxTimeout {
		s.timeouts++
	}
	next := *s.current.Load()
	next.slow = slow
	next.due = s.now() + retryAge
	s.current.Store(&next)
}

// renewed publishes the result of reading the ids: the new ids and their version, or the fact that the version hasn't
// changed. begin and edited are the time and the edit count at the start of the read. The caller holds the mutex.
func (s *Service[T]) renewed(begin time.Duration, ids []int64, version Version, same bool, edited int64) {
	old, now := s.current.Load(), s.now()
	next := *old
	next.due, next.slow = begin+renewAge, false
	if same {
		next.epoch.checked = begin
		if next.slots != nil && s.memory.missing == 0 {
			next.whole = next.freshUntil()
		}
		s.current.Store(&next)
		return
	}
	next.version, next.epoch, next.last = version, epoch{since: now, checked: begin}, old.epoch
	if ids = s.edits.applied(ids, edited); !slices.Equal(ids, old.ids) {
		next.ids = ids
	}
	if took := now - begin; len(ids) > quickIDs && took >= renewAge {
		next.due = now + rest*took
	}
	s.carryRows(&next, old)
	s.current.Store(&next)
}
