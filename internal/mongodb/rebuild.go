package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"superheroes/internal/statistics"
)

const (
	// mostCorrected limits how many winners and how many places one batch corrects; further batches correct the rest.
	mostCorrected = 10_000
	// compareAttempts is how many times to try to read the statistics between two batches; comparePause is the time
	// between attempts.
	compareAttempts = 200
	comparePause    = 50 * time.Millisecond
)

// errBusy means that batches followed each other in such quick succession that the statistics could not be read between
// two of them.
var errBusy = errors.New("fights are being counted without a pause; try again under less load")

// Rebuild implements statistics.Store. Each fight's mark is the number of its batch, so all fights up to a batch can be
// recounted while later fights are being counted. The stored statistics are read between two batches, and the
// difference is added by a separate batch, which every process treats like any other.
func (s *Statistics) Rebuild(ctx context.Context) (report statistics.Report, err error) {
	for first := true; ; first = false {
		done, counted, recounted, err := s.compare(ctx)
		if err != nil {
			return report, fmt.Errorf("recounting: %w", trouble(err))
		}
		now := statistics.ReportOn(counted, recounted)
		if first {
			report = now
		}
		if !now.Differed() {
			return report, nil
		}
		if err := s.correct(ctx, done+1, counted, recounted); err != nil {
			return report, fmt.Errorf("correcting: %w", trouble(err))
		}
	}
}

// compare returns the stored and the recounted statistics as of the time between the batch with the number done and the
// next one.
func (s *Statistics) compare(ctx context.Context) (done int64, counted, recounted *statistics.Tally, err error) {
	recounted = statistics.NewTally()
	for range compareAttempts {
		before := done
		if done, err = s.done(ctx); err != nil {
			return 0, nil, nil, err
		}
		later := bson.E{Key: markField, Value: bson.M{"$gt": before, "$lte": done}}
		if _, err = s.eachFight(ctx, later, 0, recounted, func(any) {}); err != nil {
			return 0, nil, nil, err
		}
		stored, latest, err := s.readOnce(ctx, 0)
		if err != nil || latest && stored.Version == done {
			return done, statistics.TallyOf(stored), recounted, err
		}
		if _, err := s.Count(ctx); err != nil { // finishes a batch that another process left unfinished
			return 0, nil, nil, err
		}
		select {
		case <-time.After(comparePause):
		case <-ctx.Done():
			return 0, nil, nil, ctx.Err()
		}
	}
	return 0, nil, nil, errBusy
}

// correct adds the difference between counted and recounted as a batch with the given number. If another batch already
// has that number, nothing is changed.
func (s *Statistics) correct(ctx context.Context, number int64, counted, recounted *statistics.Tally) error {
	b := newBatch(number, nil, recounted.Minus(counted))
	b.Since, b.SetSince = recounted.Since, true
	b.Winners = b.Winners[:min(len(b.Winners), mostCorrected)]
	b.Places = b.Places[:min(len(b.Places), mostCorrected)]
	s.counting.Lock()
	defer s.counting.Unlock()
	p := pass{db: s.collections}
	if err := p.freeze(ctx, b); err != nil || p.batch == nil {
		return err
	}
	return p.carryOut(ctx)
}
