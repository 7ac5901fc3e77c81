//go:build race

package rawio_test

import (
	"os/exec"
	"testing"
)

// TestWithoutRaceDetector runs the other tests again: a program with the race detector makes no raw calls.
func TestWithoutRaceDetector(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), "go", "test", "-race=false", "-count=1", ".").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
