package mongodb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"superheroes/internal/statistics"
)

// Statistics is a statistics.Store in the same database as the fights. The store relies only on atomic updates of
// single documents and on unique ids: not on transactions or change streams, which only a replica set has, nor on
// clocks or the order of ids. The counting protocol is explained in protocol.go.
type Statistics struct {
	fights, state, batches, winners, places *mongo.Collection
	batchSize                               int64 // maximum number of fights in a batch

	counting sync.Mutex
	counter  counter // guarded by counting
}

var _ statistics.Store = (*Statistics)(nil)

// NewStatistics returns the statistics store in the fights' database, and creates missing indexes.
func NewStatistics(ctx context.Context, database *mongo.Database) (*Statistics, error) {
	s := newStatistics(database)
	if err := s.createIndexes(ctx); err != nil {
		return nil, fmt.Errorf("creating the statistics indexes: %w", trouble(err))
	}
	return s, nil
}

// newStatistics returns the store, which reads and writes with majority concern on the primary, whatever the options in
// the URL say.
func newStatistics(database *mongo.Database) *Statistics {
	strict := durable().SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary())
	at := func(name string) *mongo.Collection { return database.Collection(name, strict) }
	s := &Statistics{
		fights: at(collection), state: at("statistics"), batches: at("statistics_batches"),
		winners: at("statistics_winners"), places: at("statistics_places"), batchSize: maxBatch,
	}
	s.counter.db = s
	return s
}

// winnersFirst and placesFirst return the sort orders of winners and places in the statistics.
func winnersFirst() bson.D {
	return bson.D{{Key: "wins", Value: -1}, {Key: "name", Value: 1}, {Key: "team", Value: 1}}
}

func placesFirst() bson.D { return bson.D{{Key: "fights", Value: -1}, {Key: "name", Value: 1}} }

// createIndexes creates missing indexes. The index of marks is not partial: a partial index would be smaller, but
// couldn't find fights without a mark. The index includes the ids, so that other applications' documents, which are
// never marked, are skipped without reading them each time, mostly as a range of index keys.
func (s *Statistics) createIndexes(ctx context.Context) error {
	for in, keys := range map[*mongo.Collection]bson.D{
		s.fights:  {{Key: markField, Value: 1}, {Key: "_id", Value: 1}},
		s.winners: winnersFirst(),
		s.places:  placesFirst(),
	} {
		if _, err := in.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keys}); err != nil {
			return err
		}
	}
	return nil
}

// Count implements statistics.Store.
func (s *Statistics) Count(ctx context.Context) (statistics.Progress, error) {
	s.counting.Lock()
	defer s.counting.Unlock()
	progress, err := s.counter.run(ctx)
	return progress, trouble(err)
}

// Ping implements statistics.Store. Ping reads the totals and one fight.
func (s *Statistics) Ping(ctx context.Context) error {
	if _, err := s.readState(ctx); err != nil {
		return trouble(err)
	}
	return canRead(ctx, s.fights)
}

// Read implements statistics.Store. If the statistics change during the read, Read tries again, but not forever.
func (s *Statistics) Read(ctx context.Context) (read statistics.Statistics, err error) {
	settled := false
	for attempt := 0; attempt < 3 && !settled && err == nil; attempt++ {
		read, settled, err = s.readOnce(ctx, statistics.Most)
	}
	return read, trouble(err)
}

// readOnce returns the totals and the first winners and places, up to most of each, or all if most is 0. settled
// reports whether they were read between two batches; otherwise the winners and places may be ahead of the totals.
func (s *Statistics) readOnce(ctx context.Context, most int64) (read statistics.Statistics, settled bool, err error) {
	totals, err := s.readState(ctx)
	if err != nil || totals.ID == "" {
		return read, false, err
	}
	read = statistics.Statistics{
		Total: totals.Total, Heroes: totals.Heroes, Villains: totals.Villains, Since: totals.Since, Version: totals.Done,
	}
	if err := find(ctx, s.winners, winnersFirst(), most, &read.Winners); err != nil {
		return read, false, err
	}
	if err := find(ctx, s.places, placesFirst(), most, &read.Places); err != nil {
		return read, false, err
	}
	open, err := s.open(ctx, totals.Done+1)
	if err != nil || open != nil {
		return read, false, err
	}
	now, err := s.readState(ctx)
	return read, now.Done == totals.Done, err
}

// find decodes the first documents in the given order, up to most of those whose first field is positive, or all if most
// is 0.
func find(ctx context.Context, in *mongo.Collection, order bson.D, most int64, into any) error {
	filter := bson.M{}
	if most > 0 {
		filter[order[0].Key] = bson.M{"$gt": int64(0)}
	}
	cursor, err := in.Find(ctx, filter, options.Find().SetSort(order).SetLimit(most))
	if err != nil {
		return err
	}
	return cursor.All(ctx, into)
}

// Rebuild implements statistics.Store. Each fight's mark is the number of its batch, so all fights up to a batch can be
// recounted while later fights are being counted. The difference from the stored statistics is added by a separate
// batch, which every process treats like any other.
func (s *Statistics) Rebuild(ctx context.Context) (report statistics.Report, err error) {
	recounted, upTo := statistics.NewTally(), int64(0)
	for first := true; ; first = false {
		stored, err := s.readSettled(ctx)
		if err == nil {
			later := bson.E{Key: markField, Value: bson.M{"$gt": upTo, "$lte": stored.Version}}
			_, err = s.eachFight(ctx, later, 0, recounted, func(any) {})
			upTo = stored.Version
		}
		if err != nil {
			return report, fmt.Errorf("recounting: %w", trouble(err))
		}
		counted := statistics.TallyOf(stored)
		now := statistics.ReportOn(counted, recounted)
		if first {
			report = now
		}
		if !now.Differed() {
			return report, nil
		}
		if err := s.correct(ctx, stored.Version+1, counted, recounted); err != nil {
			return report, fmt.Errorf("correcting: %w", trouble(err))
		}
	}
}

// readSettled reads all statistics between two batches. If there is no such moment, it finishes a batch that another
// process may have left unfinished, and tries again until ctx ends.
func (s *Statistics) readSettled(ctx context.Context) (read statistics.Statistics, err error) {
	for {
		read, settled, err := s.readOnce(ctx, 0)
		if err != nil || settled {
			return read, err
		}
		if _, err := s.Count(ctx); err != nil {
			return read, err
		}
		time.Sleep(400 * time.Millisecond) // longer than most batches take, since the next Count may take one over
	}
}

// correct adds the difference between counted and recounted as a batch with the given number. If another batch already
// has that number, nothing is changed. At most the given number of winners and of places fit into a batch.
func (s *Statistics) correct(ctx context.Context, number int64, counted, recounted *statistics.Tally) error {
	const most = 10_000
	b := newBatch(number, nil, recounted.Minus(counted))
	b.Since, b.SetSince = recounted.Since, true
	b.Winners, b.Places = b.Winners[:min(len(b.Winners), most)], b.Places[:min(len(b.Places), most)]
	s.counting.Lock()
	defer s.counting.Unlock()
	c := counter{db: s}
	if err := c.freeze(ctx, b); err != nil || c.batch == nil {
		return err
	}
	_, err := c.carryOut(ctx)
	return err
}
