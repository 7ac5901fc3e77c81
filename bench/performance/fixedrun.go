package performance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"superheroes/bench/measure"
	"superheroes/bench/rawhttp"
	"superheroes/test/program"
)

const (
	// fixedIterations is the length of a fixed run: iterations of the family's load test, one after another, on one
	// connection.
	fixedIterations = 200
	// fixedRuns is the number of runs. The lowest count of each kind is used, because what a busy machine adds, such as
	// a database connection that must be opened again, is rarely there in every run.
	fixedRuns = 3
)

// counts are what a process does in a fixed run, per iteration. Unlike times, they depend on the code rather than on
// the machine.
type counts struct {
	allocs  float64 // heap objects
	calls   float64 // calls to read, write and similar functions
	wakeups float64 // voluntary context switches
}

// over returns the counts between two readings, per iteration.
func (c counts) over(before counts) counts {
	return counts{
		(c.allocs - before.allocs) / fixedIterations, (c.calls - before.calls) / fixedIterations,
		(c.wakeups - before.wakeups) / fixedIterations,
	}
}

// least returns, for each count, the lower of the two values.
func (c counts) least(other counts) counts {
	return counts{min(c.allocs, other.allocs), min(c.calls, other.calls), min(c.wakeups, other.wakeups)}
}

// near reports whether counts are as close to the wanted ones as those of another run of the same program. Allocations
// must be neither more nor fewer. Calls and wake-ups must only not be more, since a busy machine makes fewer: if the
// data is already there, a read takes one call instead of two, and no wake-up. More than 10 % more calls, or 50 % more
// wake-ups, come from the code: an additional request to a peer takes four calls, and a second thread doubles the
// wake-ups.
//
// Services also work by the clock while they are used: they check their stores for changes twice a second, and in the
// eco profile they request random picks four times a second. On a machine so busy that an iteration took 19 ms, that was
// up to 1,300 allocations and 40 calls a second. The longer an iteration takes, the larger is its share of that work.
func (c counts) near(want counts, iteration time.Duration) bool {
	noMore := func(got, want, share, atLeast, perSecond float64) bool {
		return got <= want+max(share*want, atLeast)+perSecond*iteration.Seconds()
	}
	return noMore(c.allocs, want.allocs, 0.02, 3, 1800) && c.allocs >= want.allocs-max(0.02*want.allocs, 3) &&
		noMore(c.calls, want.calls, 0.1, 1.5, 50) && noMore(c.wakeups, want.wakeups, 0.5, 1.5, 50)
}

func (c counts) String() string {
	return fmt.Sprintf("%6.0f %7.1f %7.1f", c.allocs, c.calls, c.wakeups)
}

// fixedRun counts what each service of a system does in fixed runs, and returns the mean duration of an iteration in the
// slowest run. The system must run without garbage collection, which would empty pools of objects at times that differ
// from run to run.
func (s *system) fixedRun() (all map[string]counts, iteration time.Duration, err error) {
	if s.err != nil {
		return nil, 0, s.err
	}
	conn, err := rawhttp.New(s.urls[measure.Fights], time.Minute)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if err := iterate(conn, fixedIterations/2); err != nil { // fills pools and caches
		return nil, 0, err
	}
	before, err := s.countAll()
	if err != nil {
		return nil, 0, err
	}
	all = map[string]counts{}
	for range fixedRuns {
		begin := time.Now()
		if err := iterate(conn, fixedIterations); err != nil {
			return nil, 0, err
		}
		iteration = max(iteration, time.Since(begin)/fixedIterations)
		after, err := s.countAll()
		if err != nil {
			return nil, 0, err
		}
		for name := range before {
			got := after[name].over(before[name])
			if earlier, found := all[name]; found {
				got = got.least(earlier)
			}
			all[name] = got
		}
		before = after
	}
	return all, iteration, nil
}

// countAll reads the counters of all services.
func (s *system) countAll() (map[string]counts, error) {
	all := map[string]counts{}
	for _, p := range s.parts {
		if p.admin == "" {
			continue
		}
		allocs, err := mallocs(s.ctx, p.admin)
		if err != nil {
			return nil, err
		}
		u, err := s.procs.Usage(p.pids)
		if err != nil {
			return nil, err
		}
		if len(u.Missing) > 0 {
			return nil, fmt.Errorf("%w: %s", errUncountable, strings.Join(u.Missing, ", "))
		}
		all[p.name] = counts{
			allocs: allocs, calls: float64(u.ReadCalls + u.WriteCalls), wakeups: float64(u.Voluntary),
		}
	}
	return all, nil
}

// mallocs returns the number of heap objects that a process has allocated. The number in its metrics would lag behind by
// up to a few thousand, since the runtime counts small objects by the span. Its heap profile has the exact number.
func mallocs(ctx context.Context, admin string) (float64, error) {
	profile, err := program.Get(ctx, admin+"/debug/pprof/heap?debug=1")
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(profile), "\n# Mallocs = ")
	number, _, _ := strings.Cut(rest, "\n")
	if !found {
		return 0, errors.New("the heap profile doesn't have the number of allocations")
	}
	return strconv.ParseFloat(number, 64)
}

// errUncountable means that the kernel doesn't allow reading a counter.
var errUncountable = errors.New("the kernel doesn't show")

// iterate sends the requests of n iterations of the family's load test.
func iterate(conn *rawhttp.Conn, n int) error {
	fighters, location := conn.Get("/api/fights/randomfighters"), conn.Get("/api/fights/randomlocation")
	head := conn.PostHead("/api/fights")
	var body []byte
	for range n {
		answer, err := ok(conn.Do(fighters))
		if err != nil {
			return err
		}
		body = append(body[:0], answer[:len(answer)-1]...) // without the closing brace
		if answer, err = ok(conn.Do(location)); err != nil {
			return err
		}
		body = append(append(append(body, `,"location":`...), answer...), '}')
		if _, err = ok(conn.Post(head, body)); err != nil {
			return err
		}
	}
	return nil
}

// ok returns the body of a response with status 200.
func ok(answer rawhttp.Answer, err error) ([]byte, error) {
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("status %d: %.200s", answer.Status, answer.Body)
	}
	return answer.Body, err
}
