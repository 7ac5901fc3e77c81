package proc

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCountCalls counts the system calls of this process, which must include those made by the test.
func TestCountCalls(t *testing.T) {
	calls, err := CountCalls([]int{os.Getpid()})
	if err != nil {
		t.Skip(err)
	}
	defer calls.Close()
	before, err := calls.Count()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // possibly on a new thread
		defer close(done)
		for range 1000 {
			_ = unix.Getppid()
		}
	}()
	<-done
	after, err := calls.Count()
	if err != nil || after-before < 1000 || after-before > 100_000 {
		t.Errorf("got %d calls, error %v; want slightly more than 1000 calls", after-before, err)
	}
}

func TestCountCallsOfMissingProcess(t *testing.T) {
	if calls, err := CountCalls([]int{1 << 30}); err == nil {
		calls.Close()
		t.Error("CountCalls returned no error for a process that doesn't exist")
	}
}
