package performance

import (
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"superheroes/bench/measure"
	"superheroes/bench/page"
	"superheroes/test/await"
	"superheroes/test/program"
)

// TestSpansArrive checks that the collector counts every span of the real program, and that missing spans are reported
// as lost. The number of lost spans may be too low, because more spans end while the program stops.
func TestSpansArrive(t *testing.T) {
	l, err := newLab(t.Context(), plan{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.close(); err != nil {
			t.Error(err)
		}
	})
	for name, missing := range map[string]int64{"all": 0, "not all": 50} {
		t.Run(name, func(t *testing.T) {
			s := &setup{lab: l, ctx: t.Context()}
			defer s.stop()
			of := s.with(allTraced(), func(env ...string) *system {
				return s.up(eco, append(env, "STATISTICS=false", "OTEL_BSP_SCHEDULE_DELAY=1")...)
			})
			if s.err != nil {
				t.Fatal(s.err)
			}
			const fights = 10
			for range fights {
				if _, err := program.Get(t.Context(), of.urls[measure.Fights]+fightPath); err != nil {
					t.Fatal(err)
				}
			}
			await.True(t, "the spans arrive", func() bool { return of.collector.spans.Load() >= 2*fights })
			of.collector.spans.Add(-missing)
			c := &Cell{}
			if err := of.accountForSpans(c); err != nil {
				t.Fatal(err)
			}
			ended, lost, each := c.Figures[spansEnded][0], c.Figures[spansLost][0], c.Figures[spansEach][0]
			if ended < 2*fights || each != page.Digits(ended/fights) || lost > float64(missing) || (lost > 0) != (missing > 0) {
				t.Errorf("%v spans ended, %v per fight, and %v were lost", ended, each, lost)
			}
		})
	}
}

func TestCountFields(t *testing.T) {
	field := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	one := field(1, append(field(7, []byte("x")), append(field(2, nil), field(2, []byte{8, 1})...)...))
	for name, c := range map[string]struct {
		message []byte
		want    int64
		invalid bool
	}{
		"none": {nil, 0, false}, "two": {one, 2, false}, "four": {append(one, one...), 4, false},
		"truncated": {one[:len(one)-1], 0, true}, "a number": {[]byte{8, 1}, 0, true},
	} {
		if got, err := countFields(c.message, 1, 2); got != c.want || (err != nil) != c.invalid {
			t.Errorf("%s: got %d, %v", name, got, err)
		}
	}
}

func TestSum(t *testing.T) {
	metrics := strings.Join([]string{
		`# TYPE a counter`, `a_total{service="x",route="/r"} 3`, `a_total{service="x",route="/s"} 4 # {trace_id="1"} 2`,
		`a_total{service="y",route="/r"} 5`, `ab_total{service="x",route="/r"} 6`, `a_total 7`,
	}, "\n")
	if got := sum(metrics, "a_total{", `service="x"`); got != 7 {
		t.Errorf("got %v", got)
	}
}

func TestCollected(t *testing.T) {
	if got, err := collected("==1== \n==1== I   refs:      10,934,681\n"); got != 10_934_681 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := collected("it crashed"); err == nil {
		t.Error("output without a count was accepted")
	}
}
