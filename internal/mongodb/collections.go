package mongodb

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

const (
	// markField is the field that marks a fight as counted; its value is the number of the batch that contains the
	// fight. A fight without this field has not been counted yet, no matter which program stored it or when.
	markField = "counted"
	// stateID is the id of the only document in the collection that holds the totals.
	stateID = "state"
	// maxBatch is the maximum number of fights in a batch.
	maxBatch = 1000
	// updatesPerCommand limits the updates in one command. Between commands, the server can serve other clients. The
	// limit also keeps FerretDB, which occupies one of its hundred connections for each update until the command ends,
	// from running out of connections.
	updatesPerCommand = 40
)

// collections implements the documents interface on a real database.
type collections struct {
	fights, state, batches, winners, places *mongo.Collection
	batchSize                               int64
}

var _ documents = collections{}

// newCollections returns the collections, read and written with majority concern on the primary, whatever the options
// in the URL say.
func newCollections(database *mongo.Database) collections {
	strict := durable().SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary())
	at := func(name string) *mongo.Collection { return database.Collection(name, strict) }
	return collections{
		fights: at(collection), state: at("statistics"), batches: at("statistics_batches"),
		winners: at("statistics_winners"), places: at("statistics_places"), batchSize: maxBatch,
	}
}

// state holds the totals and the number of the last batch included in the totals.
type state struct {
	ID              string `bson:"_id"`
	Done            int64  `bson:"done"`
	statistics.Sums `bson:",inline"`
	Since           time.Time `bson:"since,omitempty"`
}

// winnersFirst and placesFirst return the sort orders of winners and places in the statistics.
func winnersFirst() bson.D {
	return bson.D{{Key: "wins", Value: -1}, {Key: "name", Value: 1}, {Key: "team", Value: 1}}
}

func placesFirst() bson.D { return bson.D{{Key: "fights", Value: -1}, {Key: "name", Value: 1}} }

// createIndexes creates missing indexes. The index of marks is not partial: a partial index would be smaller, but
// couldn't find fights without a mark. The index includes the ids, so that other applications' documents, which are
// never marked, are skipped without reading them each time, mostly as a range of index keys.
func (c collections) createIndexes(ctx context.Context) error {
	for _, index := range []struct {
		of   *mongo.Collection
		keys bson.D
	}{
		{c.fights, bson.D{{Key: markField, Value: 1}, {Key: "_id", Value: 1}}},
		{c.winners, winnersFirst()},
		{c.places, placesFirst()},
	} {
		if _, err := index.of.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: index.keys}); err != nil {
			return err
		}
	}
	return nil
}

// readState reads the state. If nothing has been counted yet, it returns the zero state, which has no id.
func (c collections) readState(ctx context.Context) (s state, err error) {
	err = c.state.FindOne(ctx, bson.M{"_id": stateID}).Decode(&s)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return s, nil
	}
	return s, err
}

func (c collections) done(ctx context.Context) (int64, error) {
	s, err := c.readState(ctx)
	if err != nil || s.ID != "" {
		return s.Done, err
	}
	if err := c.createState(ctx); err != nil {
		return 0, err
	}
	s, err = c.readState(ctx)
	return s.Done, err
}

// createState creates the state, with a number above every batch number that a fight is marked with: if the statistics
// were lost, fights may be marked already. If several processes call createState at the same time, only one of them
// creates the state.
func (c collections) createState(ctx context.Context) error {
	var marked struct{ Counted int64 }
	highest := options.FindOne().SetSort(bson.M{markField: -1}).SetProjection(bson.M{markField: 1})
	err := c.fights.FindOne(ctx, bson.M{markField: bson.M{"$gt": int64(0)}}, highest).Decode(&marked)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return err
	}
	_, err = c.state.InsertOne(ctx, state{ID: stateID, Done: marked.Counted})
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

func (c collections) open(ctx context.Context, number int64) (*batch, error) {
	b := &batch{full: true} // it is unknown whether there are more fights
	err := c.batches.FindOne(ctx, bson.M{"_id": number}).Decode(b)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, nil
	}
	return b, err
}

func (c collections) uncounted(ctx context.Context, number int64) (*batch, error) {
	tally := statistics.NewTally()
	var ids []any
	unmarked := bson.E{Key: markField, Value: nil}
	unreadable, err := c.eachFight(ctx, unmarked, c.batchSize, tally, func(id any) { ids = append(ids, id) })
	b := newBatch(number, ids, tally)
	b.full, b.unreadable = b.Total == c.batchSize, unreadable
	return b, err
}

// eachFight adds the selected fights to the tally and calls take with the id of each. It reads at most limit fights, or
// all if limit is 0, and returns the errors for unreadable fights.
func (c collections) eachFight(
	ctx context.Context, selected bson.E, limit int64, tally *statistics.Tally, take func(id any),
) (unreadable []*storage.RowError, err error) {
	// Only these fields determine the outcome of a fight and whether it is readable.
	fields := bson.M{"fight_date": 1, "winner_team": 1, "hero": 1, "villain": 1, "location": 1}
	cursor, err := c.fights.Find(ctx, bson.D{selected, allFights()}, options.Find().SetProjection(fields).SetLimit(limit))
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

func (c collections) freeze(ctx context.Context, b *batch) (bool, error) {
	_, err := c.batches.InsertOne(ctx, b)
	if mongo.IsDuplicateKeyError(err) {
		return false, nil
	}
	return err == nil, err
}

func (c collections) raise(ctx context.Context, b *batch, at int) (next int, err error) {
	winners := len(b.Winners)
	if at < winners {
		next = min(at+updatesPerCommand, winners)
		r := raises{in: c.winners, field: "wins", batch: b.Number}
		for _, w := range b.Winners[at:next] {
			r.add(string(w.Team)+"/"+w.Name, w.Wins, bson.M{"name": w.Name, "team": w.Team})
		}
		return next, r.write(ctx)
	}
	next = min(at+updatesPerCommand, winners+len(b.Places))
	r := raises{in: c.places, field: "fights", batch: b.Number}
	for _, p := range b.Places[at-winners : next-winners] {
		r.add(p.Name, p.Fights, bson.M{"name": p.Name})
	}
	return next, r.write(ctx)
}

// raises collects updates to the documents that hold the number of a winner's wins or of the fights at a place. One
// field of the document holds the count; another holds the number of the last batch that raised it.
type raises struct {
	in        *mongo.Collection
	field     string
	batch     int64
	documents []any
	updates   []mongo.WriteModel
}

// add adds an update that raises the count in the document with the given id by n. A missing document is created with
// the given names.
func (r *raises) add(id string, n int64, names bson.M) {
	names["_id"], names[r.field], names["batch"] = id, int64(0), int64(0)
	r.documents = append(r.documents, names)
	r.updates = append(r.updates, mongo.NewUpdateOneModel().
		SetFilter(bson.M{"_id": id, "batch": bson.M{"$lt": r.batch}}).
		SetUpdate(bson.M{"$inc": bson.M{r.field: n}, "$set": bson.M{"batch": r.batch}}))
}

// write creates missing documents first, so that the updates need not be upserts: an upsert isn't atomic on every
// server, but no server stores two documents with the same id.
func (r *raises) write(ctx context.Context) error {
	_, err := r.in.InsertMany(ctx, r.documents, options.InsertMany().SetOrdered(false))
	if err != nil && !onlyDuplicates(err) {
		return err
	}
	return update(ctx, r.in, r.updates)
}

// onlyDuplicates reports whether all write errors in err are duplicate keys.
func onlyDuplicates(err error) bool {
	var several mongo.BulkWriteException
	return errors.As(err, &several) && several.WriteConcernError == nil &&
		!slices.ContainsFunc(several.WriteErrors, func(e mongo.BulkWriteError) bool { return !mongo.IsDuplicateKeyError(e) })
}

// update applies the updates, in any order.
func update(ctx context.Context, in *mongo.Collection, updates []mongo.WriteModel) error {
	_, err := in.BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false))
	return err
}

// mark marks fights individually by id, so that even a server that uses no other index finds them quickly.
func (c collections) mark(ctx context.Context, b *batch, at int) (next int, err error) {
	next = min(at+updatesPerCommand, len(b.Fights))
	var marks []mongo.WriteModel
	set := bson.M{"$set": bson.M{markField: b.Number}}
	for _, id := range b.Fights[at:next] {
		marks = append(marks, mongo.NewUpdateOneModel().SetFilter(bson.M{"_id": id}).SetUpdate(set))
	}
	return next, update(ctx, c.fights, marks)
}

func (c collections) finish(ctx context.Context, b *batch) error {
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
	_, err := c.state.UpdateOne(ctx, bson.M{"_id": stateID, "done": b.Number - 1}, change)
	return err
}

func (c collections) forget(ctx context.Context, upTo int64) error {
	_, err := c.batches.DeleteMany(ctx, bson.M{"_id": bson.M{"$lte": upTo}})
	return err
}
