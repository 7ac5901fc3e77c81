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

// untilSignal returns a context that ends when the program receives an interrupt or termination signal, which the session
// remembers for the exit code.
func (s *session) untilSignal() (ctx context.Context, stop context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case received := <-signals:
			s.signal.Store(int32(received.(syscall.Signal)))
			signal.Stop(signals) // a second signal kills the process
			cancel()
		case <-ctx.Done():
			signal.Stop(signals)
		}
	}()
	return ctx, cancel
}

// bar returns a progress bar that disappears when complete. The bar is visible only if standard error is a terminal.
func (s *session) bar(all int64, what string, options ...progressbar.Option) *progressbar.ProgressBar {
	file, ok := s.stderr.(*os.File)
	visible := ok && term.IsTerminal(int(file.Fd()))
	return progressbar.NewOptions64(all, append(options,
		progressbar.OptionSetVisibility(visible), progressbar.OptionSetWriter(s.stderr),
		progressbar.OptionSetDescription(what), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())...)
}
