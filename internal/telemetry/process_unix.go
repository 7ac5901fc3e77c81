//go:build unix

package telemetry

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// addProcess adds the process metrics that this system provides.
func (m *Metrics) addProcess() {
	m.Func(processCPU, cpuSeconds)
	m.Func(processMaxFDs, maxFDs)
	if _, err := os.Stat("/proc/self/statm"); err == nil { // Linux
		m.Func(processVirtual, func() float64 { return statm(0) })
		m.Func(processResident, func() float64 { return statm(1) })
		m.Func(processOpenFDs, openFDs)
	}
}

// cpuSeconds returns the user and system CPU time of the process.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for invalid arguments
	return (time.Duration(usage.Utime.Nano()) + time.Duration(usage.Stime.Nano())).Seconds()
}

// maxFDs returns the limit on open file descriptors.
func maxFDs() float64 {
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // fails only for invalid arguments
	return float64(limit.Cur)
}

// statm returns a field of /proc/self/statm, in bytes, or 0 if it can't be read.
func statm(field int) float64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || field >= len(fields) {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[field]), 10, 64)
	return float64(pages * int64(os.Getpagesize()))
}

// openFDs returns the number of open file descriptors, or 0 if it can't be determined.
func openFDs() float64 {
	folder, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer func() { _ = folder.Close() }()
	names, _ := folder.Readdirnames(-1)
	return float64(max(len(names)-1, 0)) // excluding the descriptor of the folder itself
}
