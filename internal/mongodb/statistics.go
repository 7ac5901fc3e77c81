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

// courtesy is how long a batch that another process froze is left to it. A shorter one would only cost work that is
// done twice.
const courtesy = 400 * time.Millisecond

// Statistics is a statistics.Store in the database of the fights. It relies on nothing but that a change of one document is
// atomic and that an id is there once: neither on transactions nor on change streams, which only a replica set has, nor on the
// order of ids or on clocks. How is told in protocol.go.
type Statistics struct {
	collections
	counting sync.Mutex // held during a pass

	// Guarded by counting.
	begun     bool  // a pass was made
	failed    int64 // the batch that this process was at when a pass failed
	halfway   *pass // that failed with some of its batch's parts done, nil for none
	seen      int64 // the batch of another process
	seenSince time.Time
}

var _ statistics.Store = (*Statistics)(nil)

// NewStatistics returns the store in the database of the fights, and creates the indexes that are missing.
func NewStatistics(ctx context.Context, database *mongo.Database) (*Statistics, error) {
	s := &Statistics{collections: newCollections(database)}
	if err := s.createIndexes(ctx); err != nil {
		return nil, fmt.Errorf("creating the indexes of statistics: %w", Trouble(err))
	}
	return s, nil
}

// Count implements statistics.Store: one pass of the protocol, or the rest of one. A batch may take a slow server longer
// than a caller waits: the next call goes on where this one ended, or no call would ever come to the end of it.
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

// leave tells whether a batch that is open is left to the process that froze it. The first pass leaves none: it is often
// that of a process that was started in the place of one that died.
func (s *Statistics) leave(number int64) bool {
	if !s.begun || number == s.failed {
		return false
	}
	if number != s.seen {
		s.seen, s.seenSince = number, time.Now()
	}
	return time.Since(s.seenSince) < courtesy
}

// readAttempts is how often statistics are read that change meanwhile; the last reading is then taken as it is, though
// winners and places may be a batch ahead of the totals.
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
		still, err := s.still(ctx, state.Done)
		if still || err != nil {
			return read, err
		}
	}
	return read, nil
}

// still tells whether that batch is the last one done, and none is open.
func (s *Statistics) still(ctx context.Context, done int64) (bool, error) {
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

// top returns the first documents that have more than none.
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

// Ping implements statistics.Store. It reads what is counted, and one of the documents to count.
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
