package mongodb

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"superheroes/internal/fight"
	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// The other collections, and the field that marks a fight as counted with the number of its batch. A fight without it
// isn't counted, whoever stored it and whenever.
const (
	fightsName  = "fights"
	stateName   = "statistics"
	batchesName = "statistics_batches"
	winnersName = "statistics_winners"
	placesName  = "statistics_places"
	markField   = "counted"
)

// stateID is the id of the only document in the state collection.
const stateID = "state"

// maxBatch is the maximum number of fights in a batch.
const maxBatch = 1000

// collections implements documents on a real database.
type collections struct {
	fights, state, batches, winners, places *mongo.Collection
	most                                    int64
}

var _ documents = collections{}

// newCollections returns the collections with majority reads and writes at the primary, whatever the URL says.
func newCollections(database *mongo.Database) collections {
	journal := true
	strict := options.Collection().SetReadConcern(readconcern.Majority()).SetReadPreference(readpref.Primary()).
		SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal})
	at := func(name string) *mongo.Collection { return database.Collection(name, strict) }
	return collections{at(fightsName), at(stateName), at(batchesName), at(winnersName), at(placesName), maxBatch}
}

// formerIndex is the index of marks alone that older versions created.
const formerIndex = markField + "_1"

// createIndexes creates missing indexes. The index of marks is not partial: that would be smaller, but couldn't find
// fights without a mark. It includes the ids, so that foreign documents, which never get a mark, are skipped by their
// keys, mostly as a range, instead of being read again each time.
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
	// The new index replaces this one, which may not exist.
	if err := c.fights.Indexes().DropOne(ctx, formerIndex); err != nil && !isNotFound(err) {
		return err
	}
	return nil
}

// isNotFound reports whether an index or its collection doesn't exist.
func isNotFound(err error) bool {
	const namespaceNotFound, indexNotFound = 26, 27
	var answer mongo.ServerError
	return errors.As(err, &answer) && (answer.HasErrorCode(namespaceNotFound) || answer.HasErrorCode(indexNotFound))
}

// winnersFirst and placesFirst are the sort orders of the statistics.
func winnersFirst() bson.D {
	return bson.D{{Key: "wins", Value: -1}, {Key: "name", Value: 1}, {Key: "team", Value: 1}}
}

func placesFirst() bson.D { return bson.D{{Key: "fights", Value: -1}, {Key: "name", Value: 1}} }

// stateDocument holds the totals and the number of the last batch in them.
type stateDocument struct {
	ID       string     `bson:"_id"`
	Done     int64      `bson:"done"`
	Total    int64      `bson:"total"`
	Heroes   int64      `bson:"heroes"`
	Villains int64      `bson:"villains"`
	Since    *time.Time `bson:"since,omitempty"`
}

// winnerDocument and placeDocument record the last batch that changed them.
type winnerDocument struct {
	ID    string `bson:"_id"`
	Name  string `bson:"name"`
	Team  string `bson:"team"`
	Wins  int64  `bson:"wins"`
	Batch int64  `bson:"batch"`
}

type placeDocument struct {
	ID     string `bson:"_id"`
	Name   string `bson:"name"`
	Fights int64  `bson:"fights"`
	Batch  int64  `bson:"batch"`
}

// batchDocument is a frozen batch.
type batchDocument struct {
	Number   int64        `bson:"_id"`
	Fights   []any        `bson:"fights"`
	Total    int64        `bson:"total"`
	Heroes   int64        `bson:"heroes"`
	Villains int64        `bson:"villains"`
	Since    *time.Time   `bson:"since,omitempty"`
	SetSince bool         `bson:"set_since,omitempty"`
	Winners  []winnerPart `bson:"winners"`
	Places   []placePart  `bson:"places"`
}

type winnerPart struct {
	Name string `bson:"name"`
	Team string `bson:"team"`
	Wins int64  `bson:"wins"`
}

type placePart struct {
	Name   string `bson:"name"`
	Fights int64  `bson:"fights"`
}

// updatesPerCommand is how many updates are in one command, which is one part of a batch. Other clients get their turn
// between commands, and a server with a hundred connections that occupies one per update until the command ends, like
// FerretDB, doesn't run out of them.
const updatesPerCommand = 40

// newBatch returns a batch whose parts first raise the winners, then the places, and finally mark the fights.
func newBatch(number int64, fights []any, tally *statistics.Tally) batch {
	return batch{
		number: number, fights: fights, tally: tally,
		raises: parts(len(tally.Winners)) + parts(len(tally.Places)), marks: parts(len(fights)),
	}
}

// parts returns the number of parts for that many updates.
func parts(updates int) int { return (updates + updatesPerCommand - 1) / updatesPerCommand }

// partOf returns one part of all.
func partOf[T any](all []T, part int) []T {
	return all[part*updatesPerCommand : min((part+1)*updatesPerCommand, len(all))]
}

func (c collections) done(ctx context.Context) (int64, error) {
	state, err := c.readState(ctx)
	return state.Done, err
}

func (c collections) readState(ctx context.Context) (state stateDocument, err error) {
	err = c.state.FindOne(ctx, bson.D{{Key: "_id", Value: stateID}}).Decode(&state)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return state, errNoState
	}
	return state, err
}

// createState starts counting above every batch number that a fight is marked with: there are some if the statistics
// were lost. If several processes do it at the same time, one succeeds.
func (c collections) createState(ctx context.Context) error {
	var marked struct {
		Counted int64 `bson:"counted"`
	}
	highest := options.FindOne().SetSort(bson.D{{Key: markField, Value: -1}}).SetProjection(bson.D{{Key: markField, Value: 1}})
	err := c.fights.FindOne(ctx, bson.D{{Key: markField, Value: bson.D{{Key: "$gt", Value: int64(0)}}}}, highest).Decode(&marked)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return err
	}
	_, err = c.state.InsertOne(ctx, stateDocument{ID: stateID, Done: marked.Counted})
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

func (c collections) open(ctx context.Context, number int64) (batch, bool, error) {
	var kept batchDocument
	err := c.batches.FindOne(ctx, bson.D{{Key: "_id", Value: number}}).Decode(&kept)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return batch{}, false, nil
	}
	if err != nil {
		return batch{}, false, err
	}
	tally := statistics.NewTally()
	tally.Sums = statistics.Sums{Total: kept.Total, Heroes: kept.Heroes, Villains: kept.Villains}
	if kept.Since != nil {
		tally.Since = *kept.Since
	}
	for _, winner := range kept.Winners {
		tally.Winners[statistics.Fighter{Name: winner.Name, Team: fight.Team(winner.Team)}] = winner.Wins
	}
	for _, place := range kept.Places {
		tally.Places[place.Name] = place.Fights
	}
	found := newBatch(number, kept.Fights, tally)
	found.setSince = kept.SetSince
	return found, true, nil
}

// outcomeFields are the fields that determine whether a fight can be read, and its outcome.
func outcomeFields() bson.D {
	return bson.D{{Key: "fight_date", Value: 1}, {Key: "winner_team", Value: 1}, {Key: "hero", Value: 1}, {Key: "villain", Value: 1}, {Key: "location", Value: 1}}
}

func (c collections) uncounted(ctx context.Context, number int64) (batch, error) {
	tally, ids := statistics.NewTally(), []any(nil)
	unreadable, err := c.eachFight(ctx, bson.E{Key: markField, Value: nil}, c.most, tally, func(id any) { ids = append(ids, id) })
	found := newBatch(number, ids, tally)
	found.full, found.unreadable = tally.Total == c.most, unreadable
	return found, err
}

// eachFight adds the selected fights to the tally, at most limit unless that is 0, and calls take with their ids. It
// returns those that can't be read.
func (c collections) eachFight(ctx context.Context, chosen bson.E, limit int64, tally *statistics.Tally, take func(id any)) (unreadable []*storage.RowError, err error) {
	filter := bson.D{chosen, allFights()}
	cursor, err := c.fights.Find(ctx, filter, options.Find().SetProjection(outcomeFields()).SetLimit(limit))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cursor.Close(context.WithoutCancel(ctx))) }()
	for cursor.Next(ctx) {
		take(cursor.Current.Lookup("_id").StringValue())
		f, err := Parse(cursor.Current)
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

func (c collections) freeze(ctx context.Context, b batch) (bool, error) {
	frozen := batchDocument{
		Number: b.number, Fights: b.fights, Total: b.tally.Total, Heroes: b.tally.Heroes, Villains: b.tally.Villains,
		Since: optionalTime(b.tally.Since), SetSince: b.setSince,
	}
	for who, wins := range b.tally.Winners {
		frozen.Winners = append(frozen.Winners, winnerPart{who.Name, string(who.Team), wins})
	}
	for name, fights := range b.tally.Places {
		frozen.Places = append(frozen.Places, placePart{name, fights})
	}
	_, err := c.batches.InsertOne(ctx, frozen)
	if mongo.IsDuplicateKeyError(err) {
		return false, nil
	}
	return err == nil, err
}

// optionalTime returns nil for the zero time.
func optionalTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (c collections) raise(ctx context.Context, b batch, part int) error {
	by, empty := map[string]int64{}, map[string]any{}
	if winners := parts(len(b.tally.Winners)); part >= winners {
		for _, name := range partOf(slices.Sorted(maps.Keys(b.tally.Places)), part-winners) {
			by[name], empty[name] = b.tally.Places[name], placeDocument{ID: name, Name: name}
		}
		return raiseAll(ctx, c.places, "fights", b.number, by, empty)
	}
	for _, who := range partOf(slices.SortedFunc(maps.Keys(b.tally.Winners), byTeamAndName), part) {
		id := string(who.Team) + "/" + who.Name
		by[id], empty[id] = b.tally.Winners[who], winnerDocument{ID: id, Name: who.Name, Team: string(who.Team)}
	}
	return raiseAll(ctx, c.winners, "wins", b.number, by, empty)
}

func byTeamAndName(a, b statistics.Fighter) int {
	return cmp.Or(cmp.Compare(a.Team, b.Team), cmp.Compare(a.Name, b.Name))
}

// raiseAll increments a field of the documents with the ids in by, unless they already record this batch or a later
// one. Missing documents are created first, with zeros.
func raiseAll(ctx context.Context, in *mongo.Collection, field string, number int64, by map[string]int64, empty map[string]any) error {
	if err := insertMissing(ctx, in, empty); err != nil {
		return err
	}
	var updates []mongo.WriteModel
	for id, n := range by {
		updates = append(updates, mongo.NewUpdateOneModel().
			SetFilter(bson.D{{Key: "_id", Value: id}, {Key: "batch", Value: bson.D{{Key: "$lt", Value: number}}}}).
			SetUpdate(bson.D{{Key: "$inc", Value: bson.D{{Key: field, Value: n}}}, {Key: "$set", Value: bson.D{{Key: "batch", Value: number}}}}))
	}
	return update(ctx, in, updates)
}

// update applies the updates in any order.
func update(ctx context.Context, in *mongo.Collection, updates []mongo.WriteModel) error {
	_, err := in.BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false))
	return err
}

func insertMissing(ctx context.Context, in *mongo.Collection, empty map[string]any) error {
	ids := make([]string, 0, len(empty))
	for id := range empty {
		ids = append(ids, id)
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}
	cursor, err := in.Find(ctx, filter, options.Find().SetProjection(bson.D{{Key: "_id", Value: 1}}))
	if err != nil {
		return err
	}
	var there []struct {
		ID string `bson:"_id"`
	}
	if err := cursor.All(ctx, &there); err != nil {
		return err
	}
	for _, one := range there {
		delete(empty, one.ID)
	}
	if len(empty) == 0 {
		return nil
	}
	missing := make([]any, 0, len(empty))
	for _, document := range empty {
		missing = append(missing, document)
	}
	_, err = in.InsertMany(ctx, missing, options.InsertMany().SetOrdered(false))
	if onlyDuplicates(err) { // another process was doing the same
		return nil
	}
	return err
}

// onlyDuplicates reports whether the only errors are duplicate keys.
func onlyDuplicates(err error) bool {
	var several mongo.BulkWriteException
	if !errors.As(err, &several) || several.WriteConcernError != nil {
		return false
	}
	for _, each := range several.WriteErrors {
		if !mongo.IsDuplicateKeyError(each) {
			return false
		}
	}
	return true
}

// mark identifies each fight by its id, so that a server with only that index finds it quickly.
func (c collections) mark(ctx context.Context, b batch, part int) error {
	var marks []mongo.WriteModel
	set := bson.D{{Key: "$set", Value: bson.D{{Key: markField, Value: b.number}}}}
	for _, id := range partOf(b.fights, part) {
		marks = append(marks, mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: id}}).SetUpdate(set))
	}
	return update(ctx, c.fights, marks)
}

func (c collections) finish(ctx context.Context, b batch) error {
	set, change := bson.D{{Key: "done", Value: b.number}}, bson.D{}
	switch {
	case b.setSince && b.tally.Since.IsZero():
		change = append(change, bson.E{Key: "$unset", Value: bson.D{{Key: "since", Value: ""}}})
	case b.setSince:
		set = append(set, bson.E{Key: "since", Value: b.tally.Since})
	case !b.tally.Since.IsZero():
		change = append(change, bson.E{Key: "$min", Value: bson.D{{Key: "since", Value: b.tally.Since}}})
	}
	change = append(change, bson.E{Key: "$set", Value: set}, bson.E{Key: "$inc", Value: bson.D{
		{Key: "total", Value: b.tally.Total}, {Key: "heroes", Value: b.tally.Heroes}, {Key: "villains", Value: b.tally.Villains},
	}})
	_, err := c.state.UpdateOne(ctx, bson.D{{Key: "_id", Value: stateID}, {Key: "done", Value: b.number - 1}}, change)
	return err
}

func (c collections) forget(ctx context.Context, upTo int64) error {
	_, err := c.batches.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$lte", Value: upTo}}}})
	return err
}
