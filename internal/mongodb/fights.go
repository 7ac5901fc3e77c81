// Package mongodb keeps fights and their statistics in MongoDB, or in a server that speaks its protocol.
package mongodb

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"superheroes/internal/bounded"
	"superheroes/internal/fight"
	"superheroes/internal/storage"
)

// Config says where the database is and how many connections it gets.
type Config struct {
	URL                 string
	SRVService, SRVHost string // of a mongodb+srv URL, whose servers stand in the DNS; else ""
	Database            string
	PoolMin, PoolMax    int
	Grouped             bool          // concurrent inserts share one command
	Deadline            time.Duration // of the service's requests; 0 for programs that may wait
}

// The collections of fights, and of the one document that finds out whether writes are taken again.
const (
	collection      = "fights"
	probeCollection = "fights_probe"
)

// Fights is a fight.Store in a collection.
type Fights struct {
	client  *mongo.Client
	fights  *mongo.Collection
	reading *options.RunCmdOptionsBuilder // what the URL says about reads
	concern *readconcern.ReadConcern      // nil for the server's own
	reads   bounded.Reads                 // half of the connections are left for writes
	group   *fight.Committer              // nil when each fight has a command of its own
	refusal atomic.Pointer[error]         // why the last write was refused, where all are; nil while they are taken
}

var _ fight.Store = (*Fights)(nil)

// OpenFights connects, waits for an answer, and checks that the user may read and write fights. It tries once, for as long as
// ctx lasts. MongoDB makes the collection with the first fight, and its index of ids with it.
func OpenFights(ctx context.Context, cfg Config) (*Fights, error) {
	if err := lookUp(ctx, cfg); err != nil {
		return nil, err
	}
	settings := options.Client().ApplyURI(cfg.URL).
		SetMinPoolSize(uint64(cfg.PoolMin)).SetMaxPoolSize(uint64(cfg.PoolMax)).
		SetConnectTimeout(2 * time.Second).SetServerSelectionTimeout(2 * time.Second)
	client, err := mongo.Connect(settings)
	if err != nil {
		return nil, unusable(err)
	}
	s := &Fights{
		client: client, fights: client.Database(cfg.Database).Collection(collection), reading: options.RunCmd(), concern: settings.ReadConcern,
		reads: bounded.NewReads(cfg.PoolMax/2, cfg.Deadline),
	}
	if settings.ReadPreference != nil {
		s.reading.SetReadPreference(settings.ReadPreference)
	}
	if cfg.Grouped {
		s.group = fight.NewCommitter(s.write)
	}
	if err := s.checkAccess(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// lookUp finds out whether the servers of a mongodb+srv URL stand in the DNS. The driver asks by itself, but for as long as
// the resolver likes.
func lookUp(ctx context.Context, cfg Config) error {
	if cfg.SRVHost == "" {
		return nil
	}
	_, _, err := net.DefaultResolver.LookupSRV(ctx, cfg.SRVService, "tcp", cfg.SRVHost)
	return storage.As(storage.ErrUnavailable, err, "the DNS look-up of the servers of ", cfg.SRVHost, " (its SRV records) failed")
}

// unusable returns why the driver takes no URL. Its own text may show the password.
func unusable(err error) error {
	var file *fs.PathError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return storage.As(storage.ErrUnavailable, dns, "a DNS look-up failed")
	case errors.As(err, &file):
		return storage.As(storage.ErrSchema, file, "a file that the MongoDB URL names can't be read")
	}
	return storage.Errorf(storage.ErrSchema, "the MongoDB URL can't be used: a file that it names is not as expected, its options contradict each other, "+
		"or the DNS names no servers within its domain")
}

// checkAccess runs what requests run: a read, and a write that changes nothing. A server that takes no writes is open for
// reads.
func (s *Fights) checkAccess(ctx context.Context) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	err := s.writeNothing(ctx)
	if errors.Is(err, storage.ErrFull) {
		s.refusal.Store(&err)
		return nil
	}
	return err
}

// writeNothing changes a fight that isn't there, which needs a primary and the permission, and no space.
func (s *Fights) writeNothing(ctx context.Context) error {
	nobody, nothing := bson.D{{Key: "_id", Value: ""}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "nothing", Value: ""}}}}
	_, err := s.fights.Clone(durable()).UpdateOne(ctx, nobody, nothing)
	return Trouble(err)
}

// durable has writes acknowledged as fights are, whatever the URL says.
func durable() *options.CollectionOptionsBuilder {
	journal := true
	return options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal})
}

// Get implements fight.Store. It reads by the index of ids. As in Page and Count, a read that has begun goes on when its client
// has left: to end it there would cost the connection.
func (s *Fights) Get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	return bounded.Do(ctx, s.reads.ByKey, func(ctx context.Context) (fight.Fight, error) { return s.get(ctx, id) })
}

func (s *Fights) get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	if id == fight.MaxID() {
		return fight.Fight{}, fight.ErrNotFound
	}
	document, err := s.fights.FindOne(ctx, bson.D{{Key: "_id", Value: id.String()}}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return fight.Fight{}, fight.ErrNotFound
	}
	if err != nil {
		return fight.Fight{}, Trouble(err)
	}
	return Parse(document)
}

// Page implements fight.Store. It reads the index of ids downwards, and the documents of fights only.
func (s *Fights) Page(ctx context.Context, before fight.ID, limit int) ([]fight.Fight, error) {
	return bounded.Do(ctx, s.reads.Lists, func(ctx context.Context) ([]fight.Fight, error) { return s.page(ctx, before, limit) })
}

func (s *Fights) page(ctx context.Context, before fight.ID, limit int) (fights []fight.Fight, err error) {
	documents, err := s.newest(ctx, below(before, anyID), limit)
	if err != nil {
		return nil, err
	}
	for _, document := range documents {
		f, err := Parse(document)
		if err != nil {
			return fights, err
		}
		fights = append(fights, f)
	}
	return fights, nil
}

// newest returns the documents with the largest ids that fulfil a condition, largest first, and of each the fields that are
// named, or all.
func (s *Fights) newest(ctx context.Context, condition bson.E, limit int, fields ...string) (documents []bson.Raw, err error) {
	// The driver's Find has the server work on when the client has given up; a command as it is gets a maxTimeMS.
	command := bson.D{
		{Key: "find", Value: collection},
		{Key: "filter", Value: bson.D{condition}},
		{Key: "sort", Value: bson.D{{Key: "_id", Value: -1}}},
		{Key: "limit", Value: int64(limit)},
		{Key: "batchSize", Value: int32(limit)},
	}
	if len(fields) > 0 {
		chosen := bson.D{}
		for _, field := range fields {
			chosen = append(chosen, bson.E{Key: field, Value: 1})
		}
		command = append(command, bson.E{Key: "projection", Value: chosen})
	}
	if s.concern != nil {
		command = append(command, bson.E{Key: "readConcern", Value: bson.D{{Key: "level", Value: s.concern.Level}}})
	}
	cursor, err := s.fights.Database().RunCommandCursor(ctx, command, s.reading)
	if mongo.IsNetworkError(err) && ctx.Err() == nil { // a kept connection may be broken: a read can be repeated
		cursor, err = s.fights.Database().RunCommandCursor(ctx, command, s.reading)
	}
	if err != nil {
		return nil, Trouble(err)
	}
	return documents, Trouble(cursor.All(ctx, &documents))
}

// Count implements fight.Store: exact, so it reads the whole index of ids, and no document.
func (s *Fights) Count(ctx context.Context) (int64, error) {
	return bounded.Do(ctx, s.reads.Lists, func(ctx context.Context) (int64, error) {
		n, err := s.fights.CountDocuments(ctx, bson.D{allFights()})
		return n, Trouble(err)
	})
}

// Last implements fight.Store. It reads the index of ids downwards, past those that others made.
func (s *Fights) Last(ctx context.Context) (fight.ID, error) {
	documents, err := s.newest(ctx, below(fight.Beyond(), ourIDs), 1, "_id")
	if err != nil || len(documents) == 0 {
		return fight.ID{}, err
	}
	return fight.ParseID(documents[0].Lookup("_id").StringValue())
}

// Ping implements fight.Store: it reads from the collection, at the server that takes writes. After a write that the server
// refused, because it takes none or not from this user, it tries to write until that succeeds.
func (s *Fights) Ping(ctx context.Context) error {
	primary := s.fights.Clone(options.Collection().SetReadPreference(readpref.Primary()))
	err := primary.FindOne(ctx, bson.D{}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return Trouble(err)
	}
	refusal := s.refusal.Load()
	if refusal == nil {
		return nil
	}
	if err := s.probe(ctx); err != nil {
		return err
	}
	s.refusal.CompareAndSwap(refusal, nil)
	return nil
}

// probe finds out whether writes are taken: it writes a small document beside the fights.
func (s *Fights) probe(ctx context.Context) error {
	if err := s.writeNothing(ctx); err != nil {
		return err
	}
	probes, id := s.fights.Database().Collection(probeCollection, durable()), bson.D{{Key: "_id", Value: "probe"}}
	_, err := probes.ReplaceOne(ctx, id, bson.D{{Key: "at", Value: time.Now()}}, options.Replace().SetUpsert(true))
	if err = Trouble(err); errors.Is(err, storage.ErrSchema) { // who may write nothing but fights finds out by the next one
		return nil
	}
	return err
}

// Close implements fight.Store.
func (s *Fights) Close() error {
	s.reads.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s.client.Disconnect(ctx)
}

// Database returns the underlying database, for callers that store other data alongside the fights. It is closed with the
// store.
func (s *Fights) Database() *mongo.Database { return s.fights.Database() }
