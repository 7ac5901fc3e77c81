package bounded_test

import (
	"context"
	"errors"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"superheroes/internal/bounded"
	"superheroes/test/await"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type key struct{}

// A caller that times out while all slots are taken gets a "too many" error only if other work succeeded in the
// meantime. If no other work succeeded, whatever the work depends on is to blame, and the error is a plain timeout.
func TestErrorWhenAllSlotsAreTaken(t *testing.T) {
	for name, ends := range map[string]error{"other work succeeds": nil, "other work fails": errors.New("silent")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				slots := bounded.NewSlots("lists", 1)
				if err := slots.Take(t.Context()); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				gone, result := errors.New("gone"), make(chan error, 1)
				go func() { _ = slots.Take(t.Context()) }()
				synctest.Wait() // this caller is first in the queue
				go func() { result <- slots.Take(ctx) }()
				synctest.Wait()
				slots.Give(ends)
				synctest.Wait()
				cancel(gone)
				err := <-result
				if crowd := bounded.CrowdOf(err) == "lists"; crowd != (ends == nil) || !errors.Is(err, gone) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// Work continues after its caller has left, with the caller's context values, and keeps its slot until it is done.
func TestWorkContinues(t *testing.T) {
	slots := bounded.NewSlots("reads", 1)
	work := bounded.NewWork(0, bounded.Unlimited, slots)
	defer work.Close()
	ctx, leave := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	begun, finish, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		<-begun
		leave()
	}()
	_, err := bounded.Do(ctx, work, func(ctx context.Context) (int, error) {
		close(begun)
		<-finish
		if ctx.Value(key{}) != "value" {
			t.Error("the caller's context values are missing")
		}
		ended <- ctx.Err()
		return 1, nil
	})
	if !errors.Is(err, context.Canceled) || slots.Taken() != 1 {
		t.Errorf("Do returned %v with %d slots in use, want context.Canceled with 1", err, slots.Taken())
	}
	close(finish)
	if err := <-ended; err != nil {
		t.Errorf("abandoned work was canceled: %v", err)
	}
	await.True(t, "the slot is released", func() bool { return slots.Taken() == 0 })
}

// Abandoned work beyond the limit is canceled.
func TestAbandonedWorkIsBounded(t *testing.T) {
	work := bounded.NewWork(0, 1, bounded.NewSlots("calls", 3))
	defer work.Close()
	cut := make(chan struct{}, 3)
	leave := func() {
		ctx, cancel := context.WithCancel(t.Context())
		_, _ = bounded.Do(ctx, work, func(ctx context.Context) (int, error) {
			cancel()
			<-ctx.Done()
			cut <- struct{}{}
			return 0, ctx.Err()
		})
	}
	leave()
	leave()
	<-cut
	if len(cut) > 0 {
		t.Error("the first abandoned operation was canceled, too")
	}
}

// Work is canceled at its own time limit, and a panic in it becomes an error; in either case its slot is released.
func TestWorkThatFails(t *testing.T) {
	slots := bounded.NewSlots("reads", 1)
	work := bounded.NewWork(time.Millisecond, bounded.Unlimited, slots)
	defer work.Close()
	_, err := bounded.Do(t.Context(), work, func(ctx context.Context) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) || slots.Taken() != 0 {
		t.Errorf("got error %v with %d slots in use", err, slots.Taken())
	}
	_, err = bounded.Do(t.Context(), work, func(context.Context) (int, error) { panic("kryptonite") })
	var caught *bounded.PanicError
	if !errors.As(err, &caught) || caught.Cause != "kryptonite" || len(caught.Stack) == 0 || slots.Taken() != 0 {
		t.Errorf("got error %v with %d slots in use", err, slots.Taken())
	}
}

// In profiles, work has the labels of the request that it is done for, even if its goroutine has worked for another
// request before.
func TestWorkHasLabelsOfItsCaller(t *testing.T) {
	work := bounded.NewWork(0, bounded.Unlimited, bounded.NewSlots("reads", 1))
	defer work.Close()
	for _, route := range []string{"first", "second"} {
		ctx := pprof.WithLabels(t.Context(), pprof.Labels("route", route))
		profile, err := bounded.Do(ctx, work, func(context.Context) (string, error) {
			var text strings.Builder
			err := pprof.Lookup("goroutine").WriteTo(&text, 1)
			return text.String(), err
		})
		// The goroutine of the previous work may not have ended yet.
		goroutines := strings.Split(profile, "\n\n")
		this := slices.IndexFunc(goroutines, func(stack string) bool { return strings.Contains(stack, "writeGoroutine") })
		if err != nil || this < 0 || !strings.Contains(goroutines[this], `# labels: {"route":"`+route+`"}`) {
			t.Errorf("the %s work has other labels, or there is an error: %v\n%s", route, err, profile)
		}
	}
}

// Close cancels the work in progress, waits for it, and prevents new work.
func TestClose(t *testing.T) {
	work := bounded.NewWork(0, bounded.Unlimited, bounded.NewSlots("reads", 1))
	begun, result := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := bounded.Do(t.Context(), work, func(ctx context.Context) (int, error) {
			close(begun)
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		result <- err
	}()
	<-begun
	work.Close()
	if err := <-result; !errors.Is(err, bounded.ErrClosed) {
		t.Errorf("Do returned %v for work in progress during Close, want ErrClosed", err)
	}
	if _, err := bounded.Do(t.Context(), work, func(context.Context) (int, error) { return 1, nil }); !errors.Is(err, bounded.ErrClosed) {
		t.Errorf("Do returned %v for work started after Close, want ErrClosed", err)
	}
}

// A read by key starts at once, no matter how many lists are in progress or queued.
func TestListsLeaveConnections(t *testing.T) {
	const connections = 8
	reads := bounded.NewReads(connections, 0)
	defer reads.Close()
	release := make(chan struct{})
	var under sync.WaitGroup
	var running atomic.Int32
	for range 5 * connections {
		under.Go(func() {
			_, _ = bounded.Do(t.Context(), reads.Lists, func(context.Context) (int, error) {
				running.Add(1)
				<-release
				return 0, nil
			})
		})
	}
	await.True(t, "a list is in progress", func() bool { return running.Load() > 0 })
	got, err := bounded.Do(t.Context(), reads.ByKey, func(context.Context) (int32, error) { return running.Load(), nil })
	if err != nil || got > connections/4 {
		t.Errorf("read by key: got error %v with %d lists in progress", err, got)
	}
	close(release)
	under.Wait()
}

// BenchmarkDo measures the cost of detaching work from its caller and of taking a slot.
func BenchmarkDo(b *testing.B) {
	work := bounded.NewWork(0, bounded.Unlimited, bounded.NewSlots("reads", 10))
	defer work.Close()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = bounded.Do(b.Context(), work, func(context.Context) (int, error) { return 1, nil })
	}
}
