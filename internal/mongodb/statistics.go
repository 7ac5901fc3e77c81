package mongodb

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/fight"
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
	halfway   *pass // a failed pass with some parts of its batch done, or nil
	seen      int64 // the last batch of another process
	seenSince time.Time
}

var _ statistics.Store = (*Statistics)(nil)

// NewStatistics returns the store in the database of the fights, and creates missing indexes.
func NewStatistics(ctx context.Context, database *mongo.Database) (*Statistics, error) {
	s := &Statistics{collections: newCollections(database)}
	if err := s.createIndexes(ctx); err != nil {
		return nil, fmt.Errorf("creating the indexes of statistics: %w", Trouble(err))
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
		p = newPass(s.collections, s.leave)
	}
	s.halfway = nil
	result, err := p.run(ctx)
	if errors.Is(err, errNoState) {
		return statistics.Progress{More: true}, Trouble(s.createState(ctx))
	}
	if err != nil {
		s.failed = p.number
		if p.halfway() {
			s.halfway = p
		}
		return statistics.Progress{}, Trouble(err)
	}
	s.begun = true
	return statistics.Progress{
		Version: result.done, Counted: result.counted, More: result.full, Waiting: result.waiting, Unreadable: result.unreadable,
	}, nil
}

// leave reports whether an open batch is left to the process that froze it. The first pass leaves none, since its
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
func (s *Statistics) Read(ctx context.Context) (statistics.Statistics, error) {
	read, err := s.read(ctx)
	return read, Trouble(err)
}

func (s *Statistics) read(ctx context.Context) (read statistics.Statistics, err error) {
	for range readAttempts {
		var state stateDocument
		state, err = s.readState(ctx)
		if errors.Is(err, errNoState) {
			return statistics.Statistics{}, nil
		}
		if err != nil {
			return read, err
		}
		if read, err = s.readTop(ctx, state); err != nil {
			return read, err
		}
		still, err := s.isLatest(ctx, state.Done)
		if still || err != nil {
			return read, err
		}
	}
	return read, nil
}

// isLatest reports whether the batch is the last one done, and none is open.
func (s *Statistics) isLatest(ctx context.Context, done int64) (bool, error) {
	if _, open, err := s.open(ctx, done+1); open || err != nil {
		return false, err
	}
	now, err := s.done(ctx)
	return now == done, err
}

func (s *Statistics) readTop(ctx context.Context, state stateDocument) (read statistics.Statistics, err error) {
	read = statistics.Statistics{Total: state.Total, Heroes: state.Heroes, Villains: state.Villains, Version: state.Done}
	if state.Since != nil {
		read.Since = state.Since.UTC()
	}
	winners, err := top[winnerDocument](ctx, s.winners, "wins", winnersFirst())
	if err != nil {
		return read, err
	}
	for _, w := range winners {
		read.Winners = append(read.Winners, statistics.Winner{Name: w.Name, Team: fight.Team(w.Team), Wins: w.Wins})
	}
	places, err := top[placeDocument](ctx, s.places, "fights", placesFirst())
	for _, p := range places {
		read.Places = append(read.Places, statistics.Place{Name: p.Name, Fights: p.Fights})
	}
	return read, err
}

// top returns the first documents in that order whose field is positive.
func top[T any](ctx context.Context, of *mongo.Collection, field string, order bson.D) (documents []T, err error) {
	filter := bson.D{{Key: field, Value: bson.D{{Key: "$gt", Value: int64(0)}}}}
	return all[T](ctx, of, filter, options.Find().SetSort(order).SetLimit(statistics.Most))
}

func all[T any](ctx context.Context, of *mongo.Collection, filter bson.D, how *options.FindOptionsBuilder) (documents []T, err error) {
	cursor, err := of.Find(ctx, filter, how)
	if err != nil {
		return nil, err
	}
	return documents, cursor.All(ctx, &documents)
}

// Ping implements statistics.Store. It reads the totals and one of the documents to count.
func (s *Statistics) Ping(ctx context.Context) error {
	if _, err := s.readState(ctx); err != nil && !errors.Is(err, errNoState) {
		return Trouble(err)
	}
	err := s.fights.FindOne(ctx, bson.D{}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	return Trouble(err)
}
