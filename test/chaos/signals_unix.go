//go:build unix

package main

import (
	"os"
	"syscall"
)

// Signals that stop and continue a process.
func stopSignal() os.Signal { return syscall.SIGSTOP }

func continueSignal() os.Signal { return syscall.SIGCONT }

// countSignal requests the number of goroutines.
func countSignal() os.Signal { return syscall.SIGUSR1 }
