package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// untilSignal returns a context that ends when a signal asks the program to stop.
func untilSignal() (ctx context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
}

// terminal returns the terminal for progress bars, or nil if standard error isn't one.
func (s *session) terminal() *os.File {
	file, ok := s.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return file
}

// bar returns a progress bar that disappears when it is complete, or nil without a terminal.
func (s *session) bar(all int64, what string, options ...progressbar.Option) *progressbar.ProgressBar {
	terminal := s.terminal()
	if terminal == nil {
		return nil
	}
	return progressbar.NewOptions64(all, append(options, progressbar.OptionSetWriter(terminal), progressbar.OptionSetDescription(what),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())...)
}
