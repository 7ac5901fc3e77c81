// Package mongodb stores fights and their statistics in MongoDB, or in a server that speaks its protocol. It fulfils
// the contracts of fight.Store and statistics.Store, relying only on atomic updates of single documents, and maps the
// server's errors to the error kinds in package storage. The package depends on neither HTTP nor the other engines.
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
	"superheroes/internal/telemetry"
)

// Config holds the address of the database and the size of the connection pool.
type Config struct {
	URL                 string
	SRVService, SRVHost string // set for a mongodb+srv URL, whose servers are listed in DNS; otherwise ""
	Database            string
	PoolMin, PoolMax    int
	Grouped             bool          // concurrent inserts share one command
	Deadline            time.Duration // time limit for the service's requests; 0 for none
}

// connectTimeout limits the time to connect to a server, and the time to wait for a server or a free connection, unless
// the URL contains connectTimeoutMS or serverSelectionTimeoutMS.
const connectTimeout = 2 * time.Second

// Names of the fights collection, and of the collection used to probe whether the server accepts writes again.
const (
	collection      = "fights"
	probeCollection = "fights_probe"
)

// Fights is a fight.Store in a MongoDB collection.
type Fights struct {
	client  *mongo.Client
	fights  *mongo.Collection
	reading *options.RunCmdOptionsBuilder // read options from the URL
	concern *readconcern.ReadConcern      // nil for the server's default
	reads   bounded.Reads                 // limits reads, so that half of the connections are reserved for writes
	group   *fight.Committer              // nil if each fight is inserted by its own command
	pool    *poolWatch
	written *fight.Written
	refusal atomic.Pointer[error] // why the server refused the last write; nil while it accepts writes
}

var _ fight.Store = (*Fights)(nil)

// OpenFights connects to the server, waits for a response, and checks that the user may read and write fights.
// OpenFights makes a single attempt, which is abandoned when ctx ends. MongoDB creates the collection and its id index
// when the first fight is stored.
func OpenFights(ctx context.Context, cfg Config) (*Fights, error) {
	if err := checkDNS(ctx, cfg); err != nil {
		return nil, err
	}
	pool := &poolWatch{most: cfg.PoolMax}
	settings := clientOptions(cfg).SetPoolMonitor(pool.monitor()).SetDialer(&dialer{})
	client, err := mongo.Connect(settings)
	if err != nil {
		return nil, unusable(err)
	}
	s := &Fights{
		client: client, fights: client.Database(cfg.Database).Collection(collection),
		reading: options.RunCmd(), concern: settings.ReadConcern,
		reads: bounded.NewReads(cfg.PoolMax/2, cfg.Deadline), pool: pool, written: fight.NewWritten(),
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

// clientOptions returns the driver's options. Timeouts in the URL override ours; the size of the pool is ours.
func clientOptions(cfg Config) *options.ClientOptions {
	return options.Client().SetConnectTimeout(connectTimeout).SetServerSelectionTimeout(connectTimeout).
		ApplyURI(cfg.URL).
		SetMinPoolSize(uint64(cfg.PoolMin)).SetMaxPoolSize(uint64(cfg.PoolMax))
}

// Measure adds the metrics of the writes and of the connection pool.
func (s *Fights) Measure(m *telemetry.Metrics) {
	s.written.Measure(m)
	if s.group != nil {
		s.group.Measure(m, "mongodb", collection)
	}
	s.MeasurePool(m)
}

// MeasurePool adds only the metrics of the connection pool, for a service that stores no fights.
func (s *Fights) MeasurePool(m *telemetry.Metrics) { m.Pool(collection, s.pool.stats) }

// checkDNS checks that DNS lists the servers of a mongodb+srv URL. The driver also looks the servers up, but without a
// deadline.
func checkDNS(ctx context.Context, cfg Config) error {
	if cfg.SRVHost == "" {
		return nil
	}
	_, _, err := net.DefaultResolver.LookupSRV(ctx, cfg.SRVService, "tcp", cfg.SRVHost)
	return storage.As(storage.ErrUnavailable, err, "the DNS lookup of the servers of ", cfg.SRVHost,
		" (its SRV records) failed")
}

// unusable returns an error that explains why the driver rejects a URL. The driver's own message may reveal the
// password.
func unusable(err error) error {
	var file *fs.PathError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return storage.As(storage.ErrUnavailable, dns, "a DNS lookup failed")
	case errors.As(err, &file):
		return storage.As(storage.ErrSchema, file, "a file named in the MongoDB URL can't be read")
	}
	return storage.Errorf(storage.ErrSchema, "the MongoDB URL can't be used: a file named in it is invalid, "+
		"its options contradict each other, or DNS lists no servers in its domain")
}

// checkAccess tries the operations that requests need: a read, and a write that changes nothing. It is not an error if
// the server doesn't accept writes, since it can still serve reads.
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

// writeNothing updates a fight that doesn't exist, which requires a primary and write permission, but no disk space.
func (s *Fights) writeNothing(ctx context.Context) error {
	_, err := s.fights.Clone(durable()).UpdateOne(ctx, bson.M{"_id": ""}, bson.M{"$unset": bson.M{"nothing": ""}})
	return trouble(err)
}

// durable returns options with the write concern for fights, which overrides the write concern in the URL.
func durable() *options.CollectionOptionsBuilder {
	journal := true
	return options.Collection().SetWriteConcern(&writeconcern.WriteConcern{W: "majority", Journal: &journal})
}

// Get implements fight.Store. Get uses the id index. As in Page and Count, a read that has begun continues even if its
// client gives up, since canceling it would cost the connection.
func (s *Fights) Get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	return bounded.Do(ctx, s.reads.ByKey, func(ctx context.Context) (fight.Fight, error) { return s.get(ctx, id) })
}

func (s *Fights) get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	if id == fight.MaxID() {
		return fight.Fight{}, fight.ErrNotFound
	}
	document, err := s.fights.FindOne(ctx, bson.M{"_id": id.String()}).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return fight.Fight{}, fight.ErrNotFound
	}
	if err != nil {
		return fight.Fight{}, trouble(err)
	}
	return parseFight(document)
}

// Page implements fight.Store. Page scans the id index backwards, and reads only the documents of fights.
func (s *Fights) Page(ctx context.Context, before fight.ID, limit int) ([]fight.Fight, error) {
	return bounded.Do(ctx, s.reads.Lists, func(ctx context.Context) ([]fight.Fight, error) {
		return s.page(ctx, before, limit)
	})
}

func (s *Fights) page(ctx context.Context, before fight.ID, limit int) (fights []fight.Fight, err error) {
	// A raw command gets a maxTimeMS; with the driver's Find, the server would keep working after the client has given
	// up.
	command := bson.D{
		{Key: "find", Value: collection},
		{Key: "filter", Value: bson.D{below(before, anyID)}},
		{Key: "sort", Value: newestFirst()},
		{Key: "limit", Value: int64(limit)},
		// With a batch that has room for more than the limit, no server keeps the cursor open for a second request.
		{Key: "batchSize", Value: int32(limit) + 1},
	}
	if s.concern != nil {
		command = append(command, bson.E{Key: "readConcern", Value: bson.D{{Key: "level", Value: s.concern.Level}}})
	}
	cursor, err := s.fights.Database().RunCommandCursor(ctx, command, s.reading)
	if mongo.IsNetworkError(err) && ctx.Err() == nil { // the idle connection was probably broken
		cursor, err = s.fights.Database().RunCommandCursor(ctx, command, s.reading)
	}
	if err != nil {
		return nil, trouble(err)
	}
	var documents []bson.Raw
	if err := cursor.All(ctx, &documents); err != nil {
		return nil, trouble(err)
	}
	for _, document := range documents {
		f, err := parseFight(document)
		if err != nil {
			return fights, err
		}
		fights = append(fights, f)
	}
	return fights, nil
}

func newestFirst() bson.D { return bson.D{{Key: "_id", Value: -1}} }

// Count implements fight.Store. For an exact count, it scans the whole id index, but it doesn't read any documents.
func (s *Fights) Count(ctx context.Context) (int64, error) {
	return bounded.Do(ctx, s.reads.Lists, func(ctx context.Context) (int64, error) {
		n, err := s.fights.CountDocuments(ctx, bson.D{allFights()})
		return n, trouble(err)
	})
}

// Last implements fight.Store. Last scans the id index backwards, skipping ids generated by other programs.
func (s *Fights) Last(ctx context.Context) (fight.ID, error) {
	newest := options.FindOne().SetSort(newestFirst()).SetProjection(bson.M{"_id": 1})
	document, err := s.fights.FindOne(ctx, bson.D{below(fight.Beyond(), ourIDs)}, newest).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return fight.ID{}, nil
	}
	if err != nil {
		return fight.ID{}, trouble(err)
	}
	return fight.ParseID(document.Lookup("_id").StringValue())
}

// Ping implements fight.Store. Ping reads from the collection on the primary. If the server refused the last write
// because it doesn't accept writes (in general or from this user), every call to Ping attempts a write until a write
// succeeds.
func (s *Fights) Ping(ctx context.Context) error {
	if err := canRead(ctx, s.fights.Clone(options.Collection().SetReadPreference(readpref.Primary()))); err != nil {
		return err
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

// canRead reads a document, and returns an error unless it is readable or the collection is empty.
func canRead(ctx context.Context, from *mongo.Collection) error {
	err := from.FindOne(ctx, bson.M{}, options.FindOne().SetProjection(bson.M{"_id": 1})).Err()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	return trouble(err)
}

// probe checks whether writes are accepted, by writing a small document to a separate collection.
func (s *Fights) probe(ctx context.Context) error {
	if err := s.writeNothing(ctx); err != nil {
		return err
	}
	probes := s.fights.Database().Collection(probeCollection, durable())
	_, err := probes.ReplaceOne(ctx, bson.M{"_id": "probe"}, bson.M{"at": time.Now()}, options.Replace().SetUpsert(true))
	if err = trouble(err); errors.Is(err, storage.ErrSchema) {
		return nil // the user can write only to the fights collection: only inserting a fight can show whether writes succeed
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

// Database returns the underlying database, for callers that store other data alongside the fights. It is closed
// together with the store.
func (s *Fights) Database() *mongo.Database { return s.fights.Database() }
