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

// untilSignal returns a context that ends when the program receives an interrupt or termination signal.
func untilSignal() (ctx context.Context, stop context.CancelFunc) {
	return signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
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
