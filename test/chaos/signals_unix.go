//go:build unix

package main

import (
	"os"
	"syscall"
)

// The signals that suspend and resume a process.
func stopSignal() os.Signal { return syscall.SIGSTOP }

func continueSignal() os.Signal { return syscall.SIGCONT }

// countSignal makes the program print its number of goroutines.
func countSignal() os.Signal { return syscall.SIGUSR1 }
