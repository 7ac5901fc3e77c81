package measure

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pacer waits until a given time. In an idle process, the runtime's timers may fire a millisecond late, which is longer
// than a fast response takes. Kernel timers are more precise, and waiting for a kernel timer in the runtime's poller
// doesn't occupy a thread.
type pacer struct{ timer *os.File }

func newPacer() (*pacer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &pacer{os.NewFile(uintptr(fd), "timer")}, nil
}

// wait blocks until the given time. It returns os.ErrClosed once the pacer is closed.
func (p *pacer) wait(until time.Time) error {
	left := time.Until(until)
	if left <= 0 {
		return nil
	}
	raw, err := p.timer.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = unix.TimerfdSettime(int(fd), 0, &unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}, nil)
	})
	if err = errors.Join(err, os.NewSyscallError("timerfd_settime", failed)); err != nil {
		return err
	}
	_, err = p.timer.Read(make([]byte, 8))
	return err
}

// close wakes a goroutine that is blocked in wait.
func (p *pacer) close() { _ = p.timer.Close() } // nothing was written
