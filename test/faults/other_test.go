//go:build !linux

package faults

func linuxTests() tests { return nil }
