package performance

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"superheroes/bench/measure"
)

// TestMain runs the floor server instead of the tests if the test binary's first argument is "floor".
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || os.Args[1] != "floor" {
		os.Exit(m.Run())
	}
	size, err := strconv.Atoi(os.Args[2])
	if err == nil {
		err = measure.ServeFloor(size, os.Stdin, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestMeasure runs experiments of minimal length, and checks which figures the results contain, but not their values.
// One of the experiments fails: the results must give the reason, and the other experiments must still run.
func TestMeasure(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to read the resource usage of processes")
	}
	p := plan{Name: "test", Rounds: 1, Measured: 300 * time.Millisecond, Idle: 200 * time.Millisecond, Starts: 1}
	var said bytes.Buffer
	r, err := runExperiments(t.Context(), p, []string{at1, roster, "start"}, &said)
	if err != nil {
		t.Fatalf("%v; output:\n%s", err, &said)
	}
	if len(r.Missing) != 1 || len(r.Series) != 1 || r.Machine.Cores != runtime.NumCPU() || r.Took <= 0 {
		t.Fatalf("got %+v; output:\n%s", r, &said)
	}
	for _, name := range []string{floorCell(usual), floorCell(1), upEco} {
		c := r.cell(at1, name)
		if c == nil || c.Runs == 0 || c.Valid+len(c.Void) != c.Runs {
			t.Errorf("%s: %+v", name, c)
			continue
		}
		for _, figure := range []string{throughput, p50, cpu, generator, httpBytes, memory} {
			if values := c.Figures[figure]; len(values) != c.Valid || c.Valid > 0 && values.Least() <= 0 {
				t.Errorf("%s: figure %s has the values %v, but %d runs were valid", name, figure, values, c.Valid)
			}
		}
	}
	if len(r.Starts) != 2 || len(r.Starts[0].Ms) != 1 || r.Starts[0].Ms[0] <= 0 {
		t.Errorf("got starts %+v", r.Starts)
	}
	if text, err := r.document(); err != nil || !strings.Contains(text, "| roster | not measured: the plan has no target to compare with the floor server |") {
		t.Errorf("%v; the document doesn't say why an experiment is missing:\n%s", err, text)
	}
}
