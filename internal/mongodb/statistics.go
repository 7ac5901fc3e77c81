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

// takeoverDelay is how long a batch that another process froze is left to it. A shorter time would only duplicate work.
const takeoverDelay = 400 * time.Millisecond

// Statistics is a statistics.Store in the database of the fights. It relies only on atomic updates of single documents
// and on unique ids: neither on transactions or change streams, which only a replica set has, nor on the order of ids
// or on clocks. protocol.go explains how.
type Statistics struct {
	collections
	counting sync.Mutex // held during a pass

	// Guarded by counting.
	begun     bool  // a pass has succeeded
	failed    int64 // the batch of the last failed pass of this process
	halfway   *pass // a failed pass with a confirmed batch, or nil
	seen      int64 // the last batch of another process
	seenSince time.Time
}

var _ statistics.Store = (*Statistics)(nil)

// NewStatistics returns the store in the database of the fights, and creates missing indexes.
func NewStatistics(ctx context.Context, database *mongo.Database) (*Statistics, error) {
	s := &Statistics{collections: newCollections(database)}
	if err := s.createIndexes(ctx); err != nil {
		return nil, fmt.Errorf("creating the indexes of statistics: %w", trouble(err))
	}
	return s, nil
}

// Count implements statistics.Store. It runs one pass of the protocol, or resumes one: a slow server may take longer
// for a batch than a caller waits, and without resuming, no call would ever finish it.
func (s *Statistics) Count(ctx context.Context) (statistics.Progress, error) {
	s.counting.Lock()
	defer s.counting.Unlock()
	p := s.halfway
	if p == nil {
		p = &pass{db: s.collections, leave: s.leave}
	}
	s.halfway = nil
	if err := p.run(ctx); err != nil {
		s.failed = p.number
		if p.batch != nil {
			s.halfway = p
		}
		return statistics.Progress{}, trouble(err)
	}
	s.begun = true
	return p.progress, nil
}

// leave reports whether a frozen batch is left to the process that froze it. The first pass leaves none, since its
// process often replaces one that died.
func (s *Statistics) leave(number int64) bool {
	if !s.begun || number == s.failed {
		return false
	}
	if number != s.seen {
		s.seen, s.seenSince = number, time.Now()
	}
	return time.Since(s.seenSince) < takeoverDelay
}

// readAttempts is how many times to read statistics that change meanwhile. The last result is returned even then,
// although winners and places may be a batch ahead of the totals.
const readAttempts = 3

// Read implements statistics.Store.
func (s *Statistics) Read(ctx context.Context) (read statistics.Statistics, err error) {
	for range readAttempts {
		if read, err = s.readOnce(ctx); err != nil {
			return read, trouble(err)
		}
		latest, err := s.isLatest(ctx, read.Version)
		if latest || err != nil {
			return read, trouble(err)
		}
	}
	return read, nil
}

func (s *Statistics) readOnce(ctx context.Context) (read statistics.Statistics, err error) {
	totals, err := s.readState(ctx)
	if err != nil || totals.ID == "" {
		return read, err
	}
	read = statistics.Statistics{
		Total: totals.Total, Heroes: totals.Heroes, Villains: totals.Villains, Since: totals.Since, Version: totals.Done,
	}
	if read.Winners, err = top[statistics.Winner](ctx, s.winners, "wins", winnersFirst()); err != nil {
		return read, err
	}
	read.Places, err = top[statistics.Place](ctx, s.places, "fights", placesFirst())
	return read, err
}

// top returns the first documents in that order whose field is positive.
func top[T any](ctx context.Context, in *mongo.Collection, field string, order bson.D) ([]T, error) {
	return find[T](ctx, in, bson.M{field: bson.M{"$gt": int64(0)}}, options.Find().SetSort(order).SetLimit(statistics.Most))
}

// isLatest reports whether the batch is the last one done, and none is open.
func (s *Statistics) isLatest(ctx context.Context, done int64) (bool, error) {
	open, err := s.open(ctx, done+1)
	if open != nil || err != nil {
		return false, err
	}
	totals, err := s.readState(ctx)
	return totals.Done == done, err
}

// Ping implements statistics.Store. It reads the totals and one of the documents to count.
func (s *Statistics) Ping(ctx context.Context) error {
	if _, err := s.readState(ctx); err != nil {
		return trouble(err)
	}
	return canRead(ctx, s.fights)
}
