//go:build !unix

package main

import "os"

// This platform has no signals that suspend and resume a process, so tests that need such signals fail.
func stopSignal() os.Signal { return os.Interrupt }

func continueSignal() os.Signal { return os.Interrupt }

func countSignal() os.Signal { return nil }
