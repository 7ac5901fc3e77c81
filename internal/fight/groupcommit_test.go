package fight

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// All tests but the last run in a synctest bubble, which also fails if a goroutine leaks.

// numbered returns document n.
func numbered(n, size int) Document {
	var id ID
	binary.BigEndian.PutUint64(id[8:], uint64(n))
	return Document{ID: id, Bytes: make([]byte, size)}
}

func number(d Document) int { return int(binary.BigEndian.Uint64(d.ID[8:])) }

// engine is a store whose writes block until they are released.
type engine struct {
	mu      sync.Mutex
	batches [][]int
	outcome func(n int) error // result of storing document n; nil for success
	release chan struct{}     // each write receives from this channel; nil if writes don't block
}

func (e *engine) write(_ context.Context, batch []Document) (errs []error) {
	if !e.mu.TryLock() {
		panic("two writes ran concurrently")
	}
	defer e.mu.Unlock()
	var numbers []int
	for _, d := range batch {
		numbers = append(numbers, number(d))
		var err error
		if e.outcome != nil {
			err = e.outcome(number(d))
		}
		errs = append(errs, err)
	}
	e.batches = append(e.batches, numbers)
	if e.release != nil {
		<-e.release
	}
	return errs
}

// caller is a call to Insert.
type caller struct {
	said   error
	took   time.Duration
	cancel context.CancelFunc
	done   chan struct{}
}

// insert starts a call to Insert, and returns when the call has finished or is blocked. A timeout of 0 means no
// deadline.
func insert(c *Committer, d Document, within time.Duration) *caller {
	if within == 0 {
		return insertIn(context.Background(), c, d)
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	call := insertIn(ctx, c, d)
	call.cancel = cancel
	return call
}

// insertIn is like insert, but with the given context as the parent.
func insertIn(ctx context.Context, c *Committer, d Document) *caller {
	ctx, cancel := context.WithCancel(ctx)
	call := &caller{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(call.done)
		defer cancel()
		begin := time.Now()
		call.said = c.Insert(ctx, Fight{ID: d.ID}, d.Bytes)
		call.took = time.Since(begin)
	}()
	synctest.Wait()
	return call
}

// returned reports whether Insert has returned.
func (c *caller) returned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

func (c *caller) result() error {
	<-c.done
	return c.said
}

func wantBatches(t *testing.T, e *engine, want ...[]int) {
	t.Helper()
	if !slices.EqualFunc(e.batches, want, slices.Equal) {
		t.Errorf("the batches were %v, want %v", e.batches, want)
	}
}

func TestLoneCallerDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{}
		c := NewCommitter(e.write)
		for n := range 3 {
			if call := insert(c, numbered(n, 10), 0); call.result() != nil || call.took != 0 {
				t.Errorf("the insert took %s: %v", call.took, call.said)
			}
		}
		wantBatches(t, e, []int{0}, []int{1}, []int{2})
	})
}

// Inserts that arrive during a write are written together, in order of arrival, in as few batches as the limits
// allow.
func TestBatches(t *testing.T) {
	const mib = 1 << 20
	for _, test := range []struct {
		name  string
		sizes []int // sizes of the documents that arrive during another write
		want  []int // number of documents in each batch
	}{
		{"one", []int{1}, []int{1}},
		{"one document more than the maximum", slices.Repeat([]int{1}, 1001), []int{1000, 1}},
		{"the maximum size", slices.Repeat([]int{mib}, 8), []int{8}},
		{"one byte more than the maximum", append(slices.Repeat([]int{mib}, 7), mib+1), []int{7, 1}},
		{"an oversized document is written alone", []int{1, 9 * mib, 1}, []int{1, 1, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &engine{release: make(chan struct{})}
				c := NewCommitter(e.write)
				calls := []*caller{insert(c, numbered(0, 1), 0)}
				for i, size := range test.sizes {
					calls = append(calls, insert(c, numbered(1+i, size), 0))
				}
				close(e.release)
				for i, call := range calls {
					if err := call.result(); err != nil {
						t.Errorf("%d: %v", i, err)
					}
				}
				want, next := [][]int{{0}}, 1
				for _, n := range test.want {
					var batch []int
					for range n {
						batch = append(batch, next)
						next++
					}
					want = append(want, batch)
				}
				wantBatches(t, e, want...)
			})
		})
	}
}

// A caller returns after its own write, without waiting for later writes.
func TestLeadIsPassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{release: make(chan struct{})}
		c := NewCommitter(e.write)
		first := insert(c, numbered(1, 1), 0)
		second := insert(c, numbered(2, 1), 0)
		e.release <- struct{}{}
		if err := first.result(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		third := insert(c, numbered(3, 1), 0)
		select {
		case <-second.done:
			t.Error("Insert returned before its write ended")
		default:
		}
		close(e.release)
		if err := errors.Join(second.result(), third.result()); err != nil {
			t.Error(err)
		}
		wantBatches(t, e, []int{1}, []int{2}, []int{3})
	})
}

// Single documents are written one by one, in order. The leader also performs some of the other callers' writes before
// it returns its own result.
func TestSingle(t *testing.T) {
	const all = maxTurns + 4
	synctest.Test(t, func(t *testing.T) {
		outcome := func(n int) error { return fmt.Errorf("document %d is refused", n) }
		e := &engine{release: make(chan struct{}), outcome: outcome}
		c := NewSingleCommitter(e.write)
		var calls []*caller
		var want [][]int
		for n := range all {
			calls, want = append(calls, insert(c, numbered(n, 1), 0)), append(want, []int{n})
		}
		for writes := 1; writes <= all; writes++ {
			e.release <- struct{}{}
			synctest.Wait()
			for n, call := range calls {
				told := n < writes && (n > 0 || writes >= maxTurns) && (n != maxTurns || writes == all)
				if got := call.returned(); got != told {
					t.Errorf("after %d writes, caller %d has returned: %t, want %t", writes, n, got, told)
				}
			}
		}
		for n, call := range calls {
			if got := call.result(); got == nil || got.Error() != outcome(n).Error() {
				t.Errorf("document %d got %v", n, got)
			}
		}
		wantBatches(t, e, want...)
	})
}

// A leader close to its deadline performs only its own write.
func TestSingleLeaderWithoutTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{release: make(chan struct{})}
		c := NewSingleCommitter(e.write)
		hasty, other := insert(c, numbered(0, 1), writeTime-1), insert(c, numbered(1, 1), 0)
		e.release <- struct{}{}
		synctest.Wait()
		if !hasty.returned() || other.returned() {
			t.Errorf("the leader has returned: %t, the other: %t; want true, false", hasty.returned(), other.returned())
		}
		close(e.release)
		if err := errors.Join(hasty.result(), other.result()); err != nil {
			t.Error(err)
		}
	})
}

// If documents are written one by one, each write gets the context passed to Insert. Insert returns the final result of
// the write, even if the deadline has passed and another caller performs the write.
func TestContextOfASingleWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewSingleCommitter(func(ctx context.Context, _ []Document) []error {
			<-ctx.Done()
			time.Sleep(time.Minute) // the write takes a minute to stop
			return []error{fmt.Errorf("not begun: %w", context.Cause(ctx))}
		})
		leader, other := insert(c, numbered(0, 1), 10*time.Second), insert(c, numbered(1, 1), time.Hour)
		gone := insert(c, numbered(2, 1), time.Second)
		notStored(t, gone.result(), context.DeadlineExceeded)
		notStored(t, leader.result(), context.DeadlineExceeded)
		notStored(t, other.result(), context.DeadlineExceeded)
		if leader.took != 70*time.Second || other.took != time.Hour+time.Minute || gone.took != time.Second {
			t.Errorf("the calls took %s, %s and %s", leader.took, other.took, gone.took)
		}
	})
}

func TestEachGetsItsOwnResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outcome := func(n int) error {
			switch n % 3 {
			case 1:
				return fmt.Errorf("document %d is refused", n)
			case 2:
				return fmt.Errorf("document %d: %w", n, ErrMaybeStored)
			}
			return nil
		}
		e := &engine{release: make(chan struct{}), outcome: outcome}
		c := NewCommitter(e.write)
		var calls []*caller
		for n := range 10 {
			calls = append(calls, insert(c, numbered(n, 1), 0))
		}
		close(e.release)
		for n, call := range calls {
			if got, want := fmt.Sprint(call.result()), fmt.Sprint(outcome(n)); got != want {
				t.Errorf("document %d got the result %q, want %q", n, got, want)
			}
		}
	})
}

// notStored checks that err wraps cause but not ErrMaybeStored.
func notStored(t *testing.T, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || errors.Is(err, ErrMaybeStored) {
		t.Errorf("got %v, want an error that wraps %v but not ErrMaybeStored", err, cause)
	}
}

func maybeStored(t *testing.T, err, cause error) {
	t.Helper()
	if !errors.Is(err, cause) || !errors.Is(err, ErrMaybeStored) {
		t.Errorf("got %v, want an error that wraps both %v and ErrMaybeStored", err, cause)
	}
}

func TestLeavingTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{release: make(chan struct{})}
		c := NewCommitter(e.write)
		writing := insert(c, numbered(0, 1), 0)
		hasty, gone, waiting := insert(c, numbered(1, 1), time.Second), insert(c, numbered(2, 1), 0), insert(c, numbered(3, 1), 0)
		gone.cancel()
		notStored(t, gone.result(), context.Canceled)
		notStored(t, hasty.result(), context.DeadlineExceeded)
		if hasty.took != time.Second {
			t.Errorf("the caller waited for %s, want 1 s", hasty.took)
		}
		close(e.release)
		if err := errors.Join(writing.result(), waiting.result()); err != nil {
			t.Error(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		notStored(t, c.Insert(ended, Fight{}, nil), context.Canceled)
		wantBatches(t, e, []int{0}, []int{3})
	})
}

func TestDeadlineDuringTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{release: make(chan struct{})}
		c := NewCommitter(e.write)
		leader := insert(c, numbered(0, 1), time.Second)
		maybeStored(t, leader.result(), context.DeadlineExceeded)
		if leader.took != time.Second {
			t.Errorf("the leader waited for %s, want 1 s", leader.took)
		}
		next, follower := insert(c, numbered(1, 1), time.Hour), insert(c, numbered(2, 1), time.Minute)
		e.release <- struct{}{} // completes the write of the leader whose Insert has returned
		maybeStored(t, follower.result(), context.DeadlineExceeded)
		if follower.took != time.Minute {
			t.Errorf("the follower waited for %s, want 1 min", follower.took)
		}
		close(e.release)
		if err := next.result(); err != nil {
			t.Error(err)
		}
		wantBatches(t, e, []int{0}, []int{1, 2})
	})
}

// A leader with enough time before its deadline completes the write and delivers the results even if it is canceled.
func TestLeaderIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &engine{release: make(chan struct{})}
		c := NewCommitter(e.write)
		leader, other := insert(c, numbered(0, 1), 0), insert(c, numbered(1, 1), 0)
		leader.cancel()
		synctest.Wait()
		close(e.release)
		if err := errors.Join(leader.result(), other.result()); err != nil {
			t.Error(err)
		}
		wantBatches(t, e, []int{0}, []int{1})
	})
}

func TestBrokenWrite(t *testing.T) {
	for name, test := range map[string]struct {
		write Write
		says  string
	}{
		"a panic":          {func(context.Context, []Document) []error { panic("the page is torn") }, "the page is torn"},
		"too few outcomes": {func(context.Context, []Document) []error { return nil }, "0 outcomes for"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, broken := &engine{release: make(chan struct{})}, false
				c := NewCommitter(func(ctx context.Context, batch []Document) []error {
					errs := e.write(ctx, batch)
					if broken {
						return test.write(ctx, batch)
					}
					return errs
				})
				first := insert(c, numbered(0, 1), 0)
				broken = true
				calls := []*caller{insert(c, numbered(1, 1), 0), insert(c, numbered(2, 1), time.Second), insert(c, numbered(3, 1), 0)}
				close(e.release)
				for _, call := range append(calls, first) {
					if err := call.result(); !errors.Is(err, ErrMaybeStored) || !strings.Contains(err.Error(), test.says) {
						t.Errorf("got %v, want ErrMaybeStored and %q", err, test.says)
					}
				}
				broken = false
				if err := insert(c, numbered(4, 1), 0).result(); err != nil {
					t.Errorf("inserting after the failed write: %v", err)
				}
			})
		})
	}
}

// A shared write has as much time as its most patient caller, whichever caller leads, and never less than writeTime. It
// goes on when its callers have left.
func TestContextOfAWrite(t *testing.T) {
	const hasty, patient = time.Second, time.Minute
	for _, test := range []struct {
		name    string
		callers []time.Duration // the leader first; 0 for no deadline
		want    time.Duration
	}{
		{"no deadline", []time.Duration{0}, writeTime},
		{"a near deadline", []time.Duration{hasty}, writeTime},
		{"a distant deadline", []time.Duration{patient}, patient - sendTime},
		{"a hasty leader", []time.Duration{hasty, patient}, patient - sendTime},
		{"a patient leader", []time.Duration{patient, hasty}, patient - sendTime},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release, took := make(chan struct{}), make(chan time.Duration)
				c := NewCommitter(func(ctx context.Context, batch []Document) []error {
					if number(batch[0]) == 0 { // the callers of the test queue behind this write
						<-release
						return []error{nil}
					}
					begun := time.Now()
					<-ctx.Done()
					took <- time.Since(begun)
					return slices.Repeat([]error{ctx.Err()}, len(batch))
				})
				first := insert(c, numbered(0, 1), 0)
				var calls []*caller
				for i, within := range test.callers {
					calls = append(calls, insert(c, numbered(1+i, 1), within))
				}
				close(release)
				synctest.Wait()
				if test.callers[0] != hasty { // a hasty leader leaves by itself
					calls[0].cancel()
				}
				if got := <-took; got != test.want {
					t.Errorf("the context ended after %s, want %s", got, test.want)
				}
				if err := first.result(); err != nil {
					t.Error(err)
				}
				for _, call := range calls {
					if err := call.result(); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("got %v", err)
					}
				}
			})
		})
	}
}

// ways returns the constructors of both kinds of Committer.
func ways() map[string]func(Write) *Committer {
	return map[string]func(Write) *Committer{"batches": NewCommitter, "single": NewSingleCommitter}
}

// No document is lost or written twice, no matter when callers give up, even if leaders are close to their deadline.
// The test uses the real clock, because it looks for races between goroutines, not between timers.
func TestHastyCallers(t *testing.T) {
	for name, newCommitter := range ways() {
		t.Run(name, func(t *testing.T) { testHastyCallers(t, newCommitter) })
	}
}

func testHastyCallers(t *testing.T, newCommitter func(Write) *Committer) {
	const callers, inserts = 8, 2000
	var mu sync.Mutex
	writes, writing := map[ID]int{}, false
	committer := newCommitter(func(_ context.Context, batch []Document) []error {
		mu.Lock()
		if writing {
			t.Error("two writes ran concurrently")
		}
		writing = true
		for _, document := range batch {
			writes[document.ID]++
		}
		mu.Unlock()
		runtime.Gosched()
		mu.Lock()
		defer mu.Unlock()
		writing = false
		return make([]error, len(batch))
	})
	times := func(id ID) int {
		mu.Lock()
		defer mu.Unlock()
		return writes[id]
	}
	ids, refused := NewIDs(ID{}), make(chan ID, callers*inserts)
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range inserts {
				ctx, cancel := context.WithTimeout(t.Context(), []time.Duration{time.Second, time.Minute}[rand.N(2)])
				giveUp := time.AfterFunc(rand.N(60*time.Microsecond), cancel)
				id := ids.Next(time.Now())
				err := committer.Insert(ctx, Fight{ID: id}, nil)
				giveUp.Stop()
				cancel()
				switch {
				case err == nil && times(id) != 1:
					t.Errorf("the document was acknowledged, but was written %d times", times(id))
				case err != nil && !errors.Is(err, ErrMaybeStored):
					refused <- id
				}
			}
		})
	}
	group.Wait()
	close(refused)
	if err := committer.Insert(t.Context(), Fight{ID: ids.Next(time.Now())}, nil); err != nil { // after all pending writes
		t.Errorf("inserting another document afterwards: %v", err)
	}
	for id := range refused {
		if n := times(id); n != 0 {
			t.Errorf("the document was reported as not stored, but was written %d times", n)
		}
	}
	for id, n := range writes {
		if n != 1 {
			t.Errorf("%v was written %d times", id, n)
		}
	}
}
