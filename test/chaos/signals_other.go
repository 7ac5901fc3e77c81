//go:build !unix

package main

import "os"

// This system can't stop a process, so the test fails that tries to.
func stopSignal() os.Signal { return os.Interrupt }

func continueSignal() os.Signal { return os.Interrupt }

func countSignal() os.Signal { return nil }
