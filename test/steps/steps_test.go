package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestFinish checks which steps run, what is counted, and the exit code.
func TestFinish(t *testing.T) {
	t.Parallel()
	does := func(err error) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return "", err }
	}
	broken, missing := does(errors.New("broken")), does(fmt.Errorf("wrapped: %w", Skip("no engine")))
	for _, c := range []struct {
		name  string
		steps []Step
		end   error
		want  string
		code  int
	}{
		{"a failed check doesn't end the run", []Step{Check("a", broken), Check("b", does(nil))}, nil, "1 passed, 1 failed, 0 skipped", 1},
		{"a failed gate does", []Step{Gate("a", broken), Check("b", does(nil))}, nil, "0 passed, 1 failed, 0 skipped", 1},
		{"a skipped gate too", []Step{Gate("a", missing), Check("b", does(nil))}, nil, "0 passed, 0 failed, 1 skipped", 1},
		{"a skipped check doesn't", []Step{Check("a", missing), Check("b", does(nil))}, nil, "1 passed, 0 failed, 1 skipped", 0},
		{"an error at the end counts", []Step{Check("a", does(nil))}, errors.New("mounts left"), "1 passed, 1 failed, 0 skipped", 1},
		{"a reason to skip everything too", nil, Skip("no engine"), "0 passed, 0 failed, 1 skipped", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			tally := NewTally(&out)
			tally.All(t.Context(), c.steps)
			code := tally.Finish("everything", c.end)
			if code != c.code || !strings.HasSuffix(out.String(), c.want+"\n") {
				t.Errorf("code %d, want %d and %q at the end of\n%s", code, c.code, c.want, &out)
			}
		})
	}
}

// TestWrite checks that results of another process are counted, however its output is cut into pieces.
func TestWrite(t *testing.T) {
	t.Parallel()
	tally := NewTally(new(strings.Builder))
	for _, piece := range []string{"PA", "SS a\nFAIL b\n  PASS is a word\nSKIP", "PED c\n"} {
		if _, err := tally.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if got := tally.String(); got != "1 passed, 1 failed, 1 skipped" {
		t.Error(got)
	}
}
