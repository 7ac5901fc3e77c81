//go:build chaos_goroutines && unix

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// In the build that `make chaos` breaks, each SIGUSR1 is answered on standard error with the number of goroutines. This is an init
// so that the other builds have no trace of it.
func init() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			fmt.Fprintln(os.Stderr, "goroutines", runtime.NumGoroutine())
		}
	}()
}
