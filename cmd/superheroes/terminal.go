package main

import (
	"context"
	"io"
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

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// style is how text looks on a terminal: the parameters of the escape sequence that switches it on.
type style string

const (
	bold    style = "1"
	green   style = "32"
	cyan    style = "36"
	boldRed style = "1;31"
)

// styled returns text in a style if it is printed on a terminal that has colors, unless the user doesn't want them
// (https://no-color.org). The test for TERM also rules out Windows' old console.
func styled(w io.Writer, text string, s style) string {
	if kind := os.Getenv("TERM"); kind == "" || kind == "dumb" || os.Getenv("NO_COLOR") != "" || !isTerminal(w) {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// bar returns a progress bar that disappears when complete. The bar is visible only if standard error is a terminal.
func (s *session) bar(all int64, what string, options ...progressbar.Option) *progressbar.ProgressBar {
	return progressbar.NewOptions64(all, append(options,
		progressbar.OptionSetVisibility(isTerminal(s.stderr)), progressbar.OptionSetWriter(s.stderr),
		progressbar.OptionSetDescription(what), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())...)
}
