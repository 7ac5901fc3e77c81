package performance

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"superheroes/bench/measure"
)

// instanceCounts returns the numbers of fights processes to run on one store.
func instanceCounts() []int { return []int{1, 2, 4} }

func instanceName(n int) string {
	if n == 1 {
		return "1 process of fights"
	}
	return fmt.Sprintf("%d processes of fights", n)
}

// loaded returns the name of n fights processes with as many connections each as the model's single process.
func loaded(n int) string {
	if n == 1 {
		return instanceName(n)
	}
	return atConnections(instanceName(n), n*usual)
}

// instances checks the model for more than one machine: several fights processes share one store and the same catalogs.
// Connections are distributed in turn. Each number of processes is measured twice: with as many connections for each as a single
// process has, and with as many in total.
func (l *lab) instances(ctx context.Context, r *Results) error {
	s := &setup{l: l, ctx: ctx}
	defer s.stop()
	shared := s.add(func() (*system, error) {
		return newSystem(func(of *system) error { return l.catalogs(ctx, of, "PROFILE="+eco) })
	})
	var trials []*trial
	for _, n := range instanceCounts() {
		of := s.add(func() (*system, error) { return l.severalFights(ctx, shared, n) })
		trials = append(trials, fights(loaded(n), of, n*usual))
		if n > 1 {
			trials = append(trials, fights(instanceName(n), of, usual))
		}
	}
	for _, t := range trials {
		t.Floor = floorCell(usual)
	}
	return s.series(r, instances, append([]*trial{floorTrial(s.fightFloor(trials[0].of), usual)}, trials...)...)
}

// severalFights starts n fights processes on one database, behind one address.
func (l *lab) severalFights(ctx context.Context, shared *system, n int) (*system, error) {
	return newSystem(func(s *system) error {
		url, err := l.fightStore(ctx, s)
		if err != nil {
			return err
		}
		for _, p := range shared.parts {
			s.add(part{p.name, p.store, slices.Clone(p.pids)})
		}
		var addresses []string
		env := append(shared.peers(), "PROFILE="+eco, "MONGODB_URL="+url)
		for range n {
			if err := l.alone(ctx, s, measure.Fights, env); err != nil {
				return err
			}
			addresses = append(addresses, strings.TrimPrefix(s.urls[measure.Fights], "http://"))
		}
		address, stop, err := balance(addresses...)
		if err != nil {
			return err
		}
		s.stops = append(s.stops, stop)
		s.urls[measure.Fights] = "http://" + address
		return nil
	})
}
