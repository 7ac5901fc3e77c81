//go:build unix

package main

import (
	"os"
	"syscall"
)

// Signals that stop a process, and have it go on.
func stopSignal() os.Signal { return syscall.SIGSTOP }

func continueSignal() os.Signal { return syscall.SIGCONT }

// countSignal asks for the number of goroutines.
func countSignal() os.Signal { return syscall.SIGUSR1 }
