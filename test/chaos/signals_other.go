//go:build !unix

package main

import "os"

// This platform can't stop a process, so a test that tries to fails.
func stopSignal() os.Signal { return os.Interrupt }

func continueSignal() os.Signal { return os.Interrupt }

func countSignal() os.Signal { return nil }
