package mongodb

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// This file implements the operations of the counting protocol on a database.

const (
	// markField is the field that marks a fight as counted; its value is the number of the batch that contains the
	// fight. A fight without this field has not been counted yet, no matter which program stored it or when.
	markField = "counted"
	// stateID is the id of the only document in the collection that holds the totals.
	stateID = "state"
	// maxBatch is the maximum number of fights in a batch.
	maxBatch = 1000
	// updatesPerCommand limits the updates in one command. Between commands, the server can serve other clients. A low
	// limit also makes it unlikely that FerretDB runs out of its hundred connections, after which it never answers: each
	// update occupies one until its command ends, even if the client has given up and sent the command again.
	updatesPerCommand = 20
)

// state holds the totals and the number of the last batch included in the totals.
type state struct {
	ID              string `bson:"_id"`
	Done            int64  `bson:"done"`
	statistics.Sums `bson:",inline"`
	Since           time.Time `bson:"since,omitempty"`
}

// readState reads the state. If nothing has been counted yet, it returns the zero state, which has no id.
func (s *Statistics) readState(ctx context.Context) (totals state, err error) {
	err = s.state.FindOne(ctx, bson.M{"_id": stateID}).Decode(&totals)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return totals, nil
	}
	return totals, err
}

// done creates a missing state, with a number above every batch number that a fight is marked with: if the statistics
// were lost, fights may be marked already.
func (s *Statistics) done(ctx context.Context) (int64, error) {
	totals, err := s.readState(ctx)
	if err != nil || totals.ID != "" {
		return totals.Done, err
	}
	var marked struct{ Counted int64 }
	highest := options.FindOne().SetSort(bson.M{markField: -1}).SetProjection(bson.M{markField: 1})
	err = s.fights.FindOne(ctx, bson.M{markField: bson.M{"$gt": int64(0)}}, highest).Decode(&marked)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return 0, err
	}
	_, err = s.state.InsertOne(ctx, state{ID: stateID, Done: marked.Counted})
	if mongo.IsDuplicateKeyError(err) { // another process has just created the state
		return s.done(ctx)
	}
	return marked.Counted, err
}

func (s *Statistics) open(ctx context.Context, number int64) (*batch, error) {
	b := &batch{full: true} // it is unknown whether there are more fights
	err := s.batches.FindOne(ctx, bson.M{"_id": number}).Decode(b)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	return b, err
}

func (s *Statistics) uncounted(ctx context.Context, number int64) (*batch, error) {
	tally := statistics.NewTally()
	var ids []any
	unmarked := bson.E{Key: markField, Value: nil}
	unreadable, err := s.eachFight(ctx, unmarked, s.batchSize, tally, func(id any) { ids = append(ids, id) })
	b := newBatch(number, ids, tally)
	b.full, b.unreadable = b.Total == s.batchSize, unreadable
	return b, err
}

// eachFight adds the selected fights to the tally and calls take with the id of each. It reads at most limit fights, or
// all if limit is 0, and returns the errors for unreadable fights.
func (s *Statistics) eachFight(
	ctx context.Context, selected bson.E, limit int64, tally *statistics.Tally, take func(id any),
) (unreadable []*storage.RowError, err error) {
	// Only these fields determine the outcome of a fight and whether it is readable.
	fields := bson.M{"fight_date": 1, "winner_team": 1, "hero": 1, "villain": 1, "location": 1}
	cursor, err := s.fights.Find(ctx, bson.D{selected, allFights()}, options.Find().SetProjection(fields).SetLimit(limit))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cursor.Close(context.WithoutCancel(ctx))) }()
	for cursor.Next(ctx) {
		take(cursor.Current.Lookup("_id").StringValue())
		f, err := parseFight(cursor.Current)
		var row *storage.RowError
		if errors.As(err, &row) {
			tally.AddUnreadable()
			unreadable = append(unreadable, row)
			continue
		}
		tally.Add(f.Outcome())
	}
	return unreadable, cursor.Err()
}

func (s *Statistics) freeze(ctx context.Context, b *batch) (bool, error) {
	_, err := s.batches.InsertOne(ctx, b)
	if mongo.IsDuplicateKeyError(err) {
		return false, nil
	}
	return err == nil, err
}

func (s *Statistics) updates(b *batch) []command {
	return slices.Concat(
		commands(s.winners, b.Winners, func(w statistics.Winner) update {
			names := bson.M{"name": w.Name, "team": w.Team}
			return raise(string(w.Team)+"/"+w.Name, names, "wins", w.Wins, b.Number)
		}),
		commands(s.places, b.Places, func(p statistics.Place) update {
			return raise(p.Name, bson.M{"name": p.Name}, "fights", p.Fights, b.Number)
		}),
		// Fights are marked individually by id, so that a server needs no other index to find them.
		commands(s.fights, b.Fights, func(id any) update {
			return update{filter: bson.M{"_id": id}, change: bson.M{"$set": bson.M{markField: b.Number}}}
		}),
	)
}

// update is a change of one document. If missing is set, it is first inserted unless a document with its id exists: an
// upsert isn't atomic on every server, but no server stores two documents with the same id.
type update struct{ missing, filter, change bson.M }

// raise returns an update that adds n to a field, and records the batch, unless the document records this batch or a
// later one. A missing document is inserted with the given names.
func raise(id string, names bson.M, field string, n, batch int64) update {
	names["_id"], names[field], names["batch"] = id, int64(0), int64(0)
	return update{
		missing: names, filter: bson.M{"_id": id, "batch": bson.M{"$lt": batch}},
		change: bson.M{"$inc": bson.M{field: n}, "$set": bson.M{"batch": batch}},
	}
}

// commands returns commands that each carry out the updates for some of the items.
func commands[T any](in *mongo.Collection, items []T, updateFor func(T) update) (commands []command) {
	for some := range slices.Chunk(items, updatesPerCommand) {
		var missing []any
		var changes []mongo.WriteModel
		for _, item := range some {
			u := updateFor(item)
			if u.missing != nil {
				missing = append(missing, u.missing)
			}
			changes = append(changes, mongo.NewUpdateOneModel().SetFilter(u.filter).SetUpdate(u.change))
		}
		commands = append(commands, func(ctx context.Context) error {
			if err := insertMissing(ctx, in, missing); err != nil {
				return err
			}
			_, err := in.BulkWrite(ctx, changes, options.BulkWrite().SetOrdered(false))
			return err
		})
	}
	return commands
}

// insertMissing inserts those of the documents whose id doesn't exist.
func insertMissing(ctx context.Context, in *mongo.Collection, documents []any) error {
	if len(documents) == 0 {
		return nil
	}
	_, err := in.InsertMany(ctx, documents, options.InsertMany().SetOrdered(false))
	var several mongo.BulkWriteException
	if !errors.As(err, &several) || several.WriteConcernError != nil {
		return err
	}
	for _, each := range several.WriteErrors {
		if !mongo.IsDuplicateKeyError(each) {
			return err
		}
	}
	return nil
}

func (s *Statistics) finish(ctx context.Context, b *batch) error {
	set := bson.M{"done": b.Number}
	change := bson.M{"$set": set, "$inc": bson.M{"total": b.Total, "heroes": b.Heroes, "villains": b.Villains}}
	switch {
	case b.SetSince && b.Since.IsZero():
		change["$unset"] = bson.M{"since": ""}
	case b.SetSince:
		set["since"] = b.Since
	case !b.Since.IsZero():
		change["$min"] = bson.M{"since": b.Since}
	}
	_, err := s.state.UpdateOne(ctx, bson.M{"_id": stateID, "done": b.Number - 1}, change)
	return err
}

func (s *Statistics) forget(ctx context.Context, upTo int64) error {
	_, err := s.batches.DeleteMany(ctx, bson.M{"_id": bson.M{"$lte": upTo}})
	return err
}
