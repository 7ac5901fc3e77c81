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
	// quickTimeout limits a renewal that picks may wait for: half of a request's deadline. The other half is for the
	// row.
	quickTimeout = 2500 * time.Millisecond
	// slowTimeout limits other renewals. It doubles with each consecutive timeout, up to maxTimeout, so that larger
	// tables can be read as well.
	slowTimeout = 5 * time.Second
	maxTimeout  = 8 * slowTimeout
	// rest sets the pause after reading the ids, as a multiple of the time it took, once that is too long for picks to
	// get new ids in time anyway.
	rest = 4
)

// renewal is a renewal of the index in progress.
type renewal struct {
	done chan struct{} // closed when it is over
	err  error
}

// renew starts a renewal unless one is in progress, and returns it.
func (p *Picker[T]) renew() (r *renewal, started bool) {
	if r := p.renewal.Load(); r != nil {
		return r, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.renewal.Load(); r != nil {
		return r, false
	}
	r = &renewal{done: make(chan struct{})}
	p.renewal.Store(r)
	go func() {
		r.err = p.readIndex()
		p.renewal.Store(nil)
		close(r.done)
	}()
	return r, true
}

// await waits for a renewal. If one that was already in progress fails, it waits for the next: the store may be back.
func (p *Picker[T]) await(ctx context.Context) error {
	for final := false; ; final = true {
		r, started := p.renew()
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
func (p *Picker[T]) readIndex() error {
	known, doubted := p.current.Load().version, p.doubted.Swap(false)
	if doubted {
		known = ""
	}
	edited, timeout := p.beginRenewal()
	ctx, cancel := context.WithTimeout(p.life, timeout)
	defer cancel()
	begin := p.now()
	ids, version, err := p.storeIDs(ctx, known)
	p.mu.Lock()
	defer p.mu.Unlock()
	defer p.edits.ended(edited)
	if err != nil {
		p.renewalFailed(ctx.Err())
		if doubted {
			p.doubted.Store(true)
		}
		return err
	}
	p.timeouts = 0
	p.renewed(begin, ids, version, version == known && version != "", edited)
	p.startLoad()
	return nil
}

func (p *Picker[T]) beginRenewal() (edited int64, timeout time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	timeout = slowTimeout << p.timeouts
	if x := p.current.Load(); len(x.ids) > 0 && x.quick() {
		timeout = quickTimeout
	}
	return p.edits.begun(), timeout
}

// storeIDs calls the store's IDs in the background. It recovers from panics, which would otherwise crash the process.
func (p *Picker[T]) storeIDs(ctx context.Context, known Version) (ids []int64, version Version, err error) {
	defer recoverAsError(&err)
	return p.store.IDs(ctx, known)
}

// recoverAsError turns a panic into an error.
func recoverAsError(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
	}
}

// renewalFailed leaves the index unchanged and schedules a retry. cutOff is the error of the renewal's context, if that
// has ended. The caller holds the mutex.
func (p *Picker[T]) renewalFailed(cutOff error) {
	slow := errors.Is(cutOff, context.DeadlineExceeded)
	if slow && slowTimeout<<p.timeouts < maxTimeout {
		p.timeouts++
	}
	next := *p.current.Load()
	next.slow = slow
	next.due = p.now() + retryAge
	p.current.Store(&next)
}

// renewed publishes the result of a read that began at begin, with the edit count edited: the ids of a version, or that
// the version is the same. The caller holds the mutex.
func (p *Picker[T]) renewed(begin time.Duration, ids []int64, version Version, same bool, edited int64) {
	old, now := p.current.Load(), p.now()
	next := *old
	next.due, next.slow = begin+renewAge, false
	if same {
		next.epoch.checked = begin
		if next.slots != nil && p.memory.missing == 0 {
			next.whole = next.freshUntil()
		}
		p.current.Store(&next)
		return
	}
	next.version, next.epoch, next.last = version, epoch{since: now, checked: begin}, old.epoch
	if ids = p.edits.applied(ids, edited); !slices.Equal(ids, old.ids) {
		next.ids = ids
	}
	if took := now - begin; len(ids) > quickIDs && took >= renewAge {
		next.due = now + rest*took
	}
	p.carryRows(&next, old)
	p.current.Store(&next)
}
