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

// TestMain lets the test binary act as the floor when started with that argument.
func TestMain(m *testing.M) {
	if len(os.Args) != 3 || os.Args[1] != "floor" {
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

// TestMeasure does a real run of minimal length, and checks which figures are in the results but not their values.
func TestMeasure(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux to read the resource usage of processes")
	}
	p := plan{Name: "test", Rounds: 1, Measured: 300 * time.Millisecond, Idle: 200 * time.Millisecond, Starts: 1}
	var said bytes.Buffer
	r, err := runExperiments(t.Context(), p, []string{at1, "start"}, &said)
	if err != nil {
		t.Fatalf("%v; output:\n%s", err, &said)
	}
	if len(r.Missing) > 0 || len(r.Series) != 1 || r.Machine.Cores != runtime.NumCPU() || r.Took <= 0 {
		t.Fatalf("got %+v; output:\n%s", r, &said)
	}
	for _, name := range []string{floorCell(usual), floorCell(1), upEco} {
		c := r.cell(at1, name)
		if c == nil || c.Runs == 0 || c.Valid+len(c.Void) != c.Runs {
			t.Errorf("%s: %+v", name, c)
			continue
		}
		for _, figure := range []string{throughput, p50, p99, cpu, generator, httpBytes, memory} {
			if values := c.Figures[figure]; len(values) != c.Valid || c.Valid > 0 && values.Least() <= 0 {
				t.Errorf("%s: %s is %v in %d valid runs", name, figure, values, c.Valid)
			}
		}
	}
	if len(r.Starts) != 2 || len(r.Starts[0].Ms) != 1 || r.Starts[0].Ms[0] <= 0 {
		t.Errorf("got starts %+v", r.Starts)
	}
	if _, err := r.document(); err != nil {
		t.Error(err)
	}
}

// TestMissing checks that an experiment that fails is listed with its reason and that the others still run.
func TestMissing(t *testing.T) {
	var said bytes.Buffer
	noTime := plan{Name: "test", Rounds: 1, Starts: 1}
	r, err := runExperiments(t.Context(), noTime, []string{at1, "start"}, &said)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.Missing[at1], "more than 0s") || len(r.Series) != 0 || len(r.Starts) != 2 {
		t.Errorf("missing %q, series %v, starts %v; output:\n%s", r.Missing, r.Series, r.Starts, &said)
	}
	if text, err := r.document(); err != nil || !strings.Contains(text, "not measured: up, eco") && !strings.Contains(text, "not measured: floor") {
		t.Errorf("%v; the document doesn't say why:\n%s", err, text)
	}
}
