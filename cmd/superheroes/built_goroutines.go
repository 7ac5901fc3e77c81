//go:build chaos_goroutines && unix

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// In the build that `make chaos` uses, SIGUSR1 prints the number of goroutines to standard error. It is an init
// function so that other builds contain no trace of it.
func init() {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	go func() {
		for range asked {
			fmt.Fprintln(os.Stderr, "goroutines", runtime.NumGoroutine())
		}
	}()
}
