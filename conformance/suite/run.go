package suite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"superheroes/conformance/rawhttp"
)

// maxRequests bounds a run. A run against the shipped roster sends about 12,000 requests.
const maxRequests = 30_000

// Target holds the addresses of the services, such as http://host:port. Statistics is "" for a member without a
// statistics service.
type Target struct{ Heroes, Villains, Locations, Fights, Statistics string }

// Options determines which clauses are checked, and with which time limits.
type Options struct {
	Group   Group
	Token   string        // the administrator's token; without it, no clause in Writes is checked
	Timeout time.Duration // maximum duration of one exchange
	Arena   string        // address of the battle page; "" if there is none
	Soon    time.Duration // maximum time for a fight to be counted; 0 means one minute
	// Loopback means that all services listen on loopback addresses. A loopback address in Target doesn't imply
	// Loopback: containers publish ports on loopback but listen on other addresses.
	Loopback bool
	Only     func(Clause) bool                      // selects some of the group's clauses; nil selects all
	watch    func(service string, a rawhttp.Answer) // called with every response, concurrently for concurrent requests; may be nil
}

// Run checks the clauses one after another. Run returns an error if no clause could be checked.
func Run(ctx context.Context, target Target, options Options) ([]Outcome, error) {
	s, err := newSession(ctx, target, options)
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for _, clause := range options.clauses(target) {
		if options.take(clause) {
			outcomes = append(outcomes, s.run(clause))
		}
	}
	return outcomes, nil
}

// clauses returns the clauses that apply to the run's target.
func (o Options) clauses(target Target) []Clause {
	clauses := Clauses()
	if target.Statistics != "" {
		clauses = append(clauses, StatisticsClauses()...)
	}
	if o.Arena != "" {
		clauses = append(clauses, ArenaClauses()...)
	}
	if target.Statistics == "" {
		clauses = slices.DeleteFunc(clauses, func(c Clause) bool { return c.ID == "arena.gateway.statistics" || c.ID == "arena.gateway.stream" })
	}
	if !o.Loopback {
		clauses = slices.DeleteFunc(clauses, isHost)
	}
	return clauses
}

func (o Options) take(clause Clause) bool {
	switch {
	case o.Group != Full && clause.Group != o.Group, clause.Group == Writes && o.Token == "":
		return false
	}
	return o.Only == nil || o.Only(clause)
}

// session holds the state shared by the checks of a run.
type session struct {
	ctx     context.Context
	token   string
	soon    time.Duration
	clients map[string]*rawhttp.Client
	seen    map[string]*seen
	lists   map[string]wholeList
	watch   func(service string, a rawhttp.Answer)
	fought  atomic.Int64 // fights that this run has created
}

func newSession(ctx context.Context, target Target, options Options) (*session, error) {
	s := &session{ctx: ctx, token: options.Token, soon: cmp.Or(options.Soon, soonCounted), watch: options.watch,
		clients: map[string]*rawhttp.Client{}, seen: map[string]*seen{}, lists: map[string]wholeList{}}
	left := new(atomic.Int64)
	left.Store(maxRequests)
	if options.Arena != "" || options.Group == Arena {
		var err error
		if s.clients[arena], err = rawhttp.NewClient(options.Arena, options.Timeout, left); err != nil {
			return nil, fmt.Errorf("URL of the arena: %w", err)
		}
	}
	services := map[string]string{
		"heroes": target.Heroes, "villains": target.Villains, "locations": target.Locations, "fights": target.Fights,
	}
	if target.Statistics != "" || options.Group == Statistics {
		services["statistics"] = target.Statistics
	}
	for service, base := range services {
		var err error
		if s.clients[service], err = rawhttp.NewClient(base, options.Timeout, left); err != nil {
			return nil, fmt.Errorf("URL of %s: %w", service, err)
		}
		if s.seen[service], err = newSeen(service); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// run checks one clause.
func (s *session) run(clause Clause) (outcome Outcome) {
	outcome = Outcome{Clause: clause, Result: Pass}
	if s.ctx.Err() != nil {
		outcome.Result, outcome.Detail = Skipped, "the run was interrupted"
		return outcome
	}
	defer func() {
		switch end := recover().(type) {
		case nil:
		case Failure:
			outcome.Result, outcome.Detail, outcome.Failed = Fail, end.String(), &end
		case ending:
			outcome.Result, outcome.Detail = end.result, end.reason
		default:
			panic(end)
		}
	}()
	c := &check{session: s}
	clause.hold(c)
	outcome.Detail = c.learned
	return outcome
}

// ending is the panic value that stops a check that neither passes nor fails.
type ending struct {
	result Result
	reason string
}
