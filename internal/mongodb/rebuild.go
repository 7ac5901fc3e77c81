package mongodb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/fight"
	"superheroes/internal/statistics"
)

const (
	// mostCorrected limits how many winners and how many places one batch corrects; the rest follow in further batches.
	mostCorrected = 10_000
	// compareAttempts is how many times to look for a moment between two batches, and comparePause the time between
	// attempts.
	compareAttempts = 200
	comparePause    = 50 * time.Millisecond
)

// Rebuild implements statistics.Store. The marks of the fights say in which batch they were counted, so all fights up
// to a batch can be recounted while later ones are counted. The stored statistics are read at a moment between two
// batches, and the difference is added by a batch of its own, which every process treats like any other.
func (s *Statistics) Rebuild(ctx context.Context) (report statistics.Report, err error) {
	for first := true; ; first = false {
		done, counted, recounted, err := s.compare(ctx)
		if err != nil {
			return report, fmt.Errorf("recounting: %w", Trouble(err))
		}
		now := statistics.ReportOn(counted, recounted)
		if first {
			report = now
		}
		if !now.Differed() {
			return report, nil
		}
		if err := s.correct(ctx, done+1, counted, recounted); err != nil {
			return report, fmt.Errorf("correcting: %w", Trouble(err))
		}
	}
}

// compare returns the stored and the recounted statistics of all batches up to the last one done.
func (s *Statistics) compare(ctx context.Context) (done int64, counted, recounted *statistics.Tally, err error) {
	recounted = statistics.NewTally()
	for upTo := int64(0); ; {
		if done, err = s.done(ctx); err != nil {
			return 0, nil, nil, err
		}
		marked := bson.E{Key: markField, Value: bson.D{{Key: "$gt", Value: upTo}, {Key: "$lte", Value: done}}}
		if _, err = s.eachFight(ctx, marked, 0, recounted, func(any) {}); err != nil {
			return 0, nil, nil, err
		}
		upTo = done
		if counted, err = s.between(ctx, done); counted != nil || err != nil {
			return done, counted, recounted, err
		}
	}
}

// errBusy means that there was no moment between two batches.
var errBusy = errors.New("fights are being counted without a pause; try again under less load")

// between returns the stored statistics at a moment when that batch was the last one done and no other had begun. It
// returns nil if later batches are done.
func (s *Statistics) between(ctx context.Context, done int64) (*statistics.Tally, error) {
	for range compareAttempts {
		counted, last, err := s.readTally(ctx)
		if err != nil {
			return nil, err
		}
		still, err := s.isLatest(ctx, done)
		switch {
		case err != nil:
			return nil, err
		case last != done:
			return nil, nil
		case still:
			return counted, nil
		}
		if _, err := s.Count(ctx); err != nil { // finishes a batch that another process left behind
			return nil, err
		}
		select {
		case <-time.After(comparePause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, errBusy
}

func (s *Statistics) readTally(ctx context.Context) (tally *statistics.Tally, done int64, err error) {
	state, err := s.readState(ctx)
	if err != nil {
		return nil, 0, err
	}
	tally = statistics.NewTally()
	tally.Sums = statistics.Sums{Total: state.Total, Heroes: state.Heroes, Villains: state.Villains}
	if state.Since != nil {
		tally.Since = *state.Since
	}
	winners, err := all[winnerDocument](ctx, s.winners, bson.D{}, options.Find())
	if err != nil {
		return nil, 0, err
	}
	for _, w := range winners {
		tally.Winners[statistics.Fighter{Name: w.Name, Team: fight.Team(w.Team)}] = w.Wins
	}
	places, err := all[placeDocument](ctx, s.places, bson.D{}, options.Find())
	for _, p := range places {
		tally.Places[p.Name] = p.Fights
	}
	return tally, state.Done, err
}

// correct adds the difference as the batch with the number. If another batch has taken the number, nothing is changed.
func (s *Statistics) correct(ctx context.Context, number int64, counted, recounted *statistics.Tally) error {
	difference := recounted.Minus(counted)
	limitSize(difference.Winners)
	limitSize(difference.Places)
	difference.Since = recounted.Since
	correction := newBatch(number, nil, difference)
	correction.setSince = true
	s.counting.Lock()
	defer s.counting.Unlock()
	p := newPass(s.collections, s.leave)
	p.next, p.number, p.batch = freeze, number, correction
	_, err := p.run(ctx)
	return err
}

// limitSize reduces m to the number of entries that one batch corrects.
func limitSize[K comparable](m map[K]int64) {
	over := len(m) - mostCorrected
	maps.DeleteFunc(m, func(K, int64) bool {
		over--
		return over >= 0
	})
}
