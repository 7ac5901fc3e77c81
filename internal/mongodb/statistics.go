package mongodb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/statistics"
)

// takeoverDelay is how long to wait before taking over a batch that another process froze. A shorter delay would only
// duplicate work.
const takeoverDelay = 400 * time.Millisecond

// Statistics is a statistics.Store in the same database as the fights. The store relies only on atomic updates of
// single documents and on unique ids: not on transactions or change streams, which only a replica set has, nor on
// clocks or the order of ids. The counting protocol is explained in protocol.go.
type Statistics struct {
	collections
	counting sync.Mutex // held during a pass of the counting protocol

	// Guarded by counting.
	begun     bool  // a counting pass has succeeded
	halfway   *pass // a failed counting pass whose batch was confirmed, or nil
	seen      int64 // number of the last batch that another process froze
	seenSince time.Time
}

var _ statistics.Store = (*Statistics)(nil)

// NewStatistics returns the statistics store in the fights' database, and creates missing indexes.
func NewStatistics(ctx context.Context, database *mongo.Database) (*Statistics, error) {
	s := &Statistics{collections: newCollections(database)}
	if err := s.createIndexes(ctx); err != nil {
		return nil, fmt.Errorf("creating the statistics indexes: %w", trouble(err))
	}
	return s, nil
}

// Count implements statistics.Store. Count runs a pass of the counting protocol, or resumes a failed pass: on a slow
// server, counting a batch may take longer than a caller waits, and if no pass were resumed, no call would ever finish
// the batch.
func (s *Statistics) Count(ctx context.Context) (statistics.Progress, error) {
	s.counting.Lock()
	defer s.counting.Unlock()
	p := s.halfway
	if p == nil {
		p = &pass{db: s.collections, leave: s.leave}
	}
	s.halfway = nil
	if err := p.run(ctx); err != nil {
		if p.batch != nil {
			s.halfway = p
		}
		return statistics.Progress{}, trouble(err)
	}
	s.begun = true
	return p.progress, nil
}

// leave reports whether to leave a frozen batch to the process that froze it. The first counting pass takes over any
// batch, since this process often replaces a process that died.
func (s *Statistics) leave(number int64) bool {
	if !s.begun {
		return false
	}
	if number != s.seen {
		s.seen, s.seenSince = number, time.Now()
	}
	return time.Since(s.seenSince) < takeoverDelay
}

// readAttempts limits how many times Read repeats a read if the statistics changed during it. Read returns the last
// result in any case.
const readAttempts = 3

// Read implements statistics.Store.
func (s *Statistics) Read(ctx context.Context) (read statistics.Statistics, err error) {
	latest := false
	for attempt := 0; attempt < readAttempts && !latest && err == nil; attempt++ {
		read, latest, err = s.readOnce(ctx, statistics.Most)
	}
	return read, trouble(err)
}

// readOnce returns the totals and the first winners and places, up to most of each, or all if most is 0. latest reports
// whether nothing changed during the read; otherwise the winners and places may be ahead of the totals.
func (s *Statistics) readOnce(ctx context.Context, most int64) (read statistics.Statistics, latest bool, err error) {
	totals, err := s.readState(ctx)
	if err != nil || totals.ID == "" {
		return read, true, err
	}
	read = statistics.Statistics{
		Total: totals.Total, Heroes: totals.Heroes, Villains: totals.Villains, Since: totals.Since, Version: totals.Done,
	}
	if read.Winners, err = first[statistics.Winner](ctx, s.winners, "wins", winnersFirst(), most); err != nil {
		return read, false, err
	}
	if read.Places, err = first[statistics.Place](ctx, s.places, "fights", placesFirst(), most); err != nil {
		return read, false, err
	}
	open, err := s.open(ctx, totals.Done+1)
	if open != nil || err != nil {
		return read, false, err
	}
	now, err := s.readState(ctx)
	return read, now.Done == totals.Done, err
}

// first returns up to most documents whose field is positive, in the given order, or all documents if most is 0.
func first[T any](
	ctx context.Context, in *mongo.Collection, field string, order bson.D, most int64,
) (documents []T, err error) {
	filter := bson.M{}
	if most > 0 {
		filter[field] = bson.M{"$gt": int64(0)}
	}
	cursor, err := in.Find(ctx, filter, options.Find().SetSort(order).SetLimit(most))
	if err != nil {
		return nil, err
	}
	return documents, cursor.All(ctx, &documents)
}

// Ping implements statistics.Store. Ping reads the totals and one fight.
func (s *Statistics) Ping(ctx context.Context) error {
	if _, err := s.readState(ctx); err != nil {
		return trouble(err)
	}
	return canRead(ctx, s.fights)
}
