// Package mongodb keeps fights in MongoDB, or in a server that speaks its protocol.
package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"superheroes/internal/character"
	"superheroes/internal/fight"
	"superheroes/internal/fight/groupcommit"
	"superheroes/internal/location"
)

// Config says where the database is and how many connections it gets.
type Config struct {
	URL              string
	Database         string
	PoolMin, PoolMax int
	Grouped          bool // concurrent inserts share one command
}

const collection = "fights"

// Store is a fight.Store in a collection.
type Store struct {
	client *mongo.Client
	fights *mongo.Collection
	group  *groupcommit.Committer // nil when each fight has a command of its own
}

var _ fight.Store = (*Store)(nil)

// Open connects and waits for an answer. It tries once, for as long as ctx lasts. MongoDB makes the collection with
// the first fight, and its index of ids with it.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(cfg.URL).
		SetMinPoolSize(uint64(cfg.PoolMin)).SetMaxPoolSize(uint64(cfg.PoolMax)).
		SetConnectTimeout(2 * time.Second).SetServerSelectionTimeout(2 * time.Second))
	if err != nil {
		return nil, errors.New("the MongoDB URL can't be used") // the cause may show the password
	}
	s := &Store{client: client, fights: client.Database(cfg.Database).Collection(collection)}
	if cfg.Grouped {
		s.group = groupcommit.New(s.write)
	}
	if err := s.Ping(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// document is a fight as the collection keeps it, which appendDocument writes. The id is text, as clients see it.
type document struct {
	ID            string    `bson:"_id"`
	Date          time.Time `bson:"fight_date"`
	WinnerName    string    `bson:"winner_name"`
	WinnerLevel   int32     `bson:"winner_level"`
	WinnerPowers  string    `bson:"winner_powers"`
	WinnerPicture string    `bson:"winner_picture"`
	WinnerTeam    string    `bson:"winner_team"`
	LoserName     string    `bson:"loser_name"`
	LoserLevel    int32     `bson:"loser_level"`
	LoserPowers   string    `bson:"loser_powers"`
	LoserPicture  string    `bson:"loser_picture"`
	LoserTeam     string    `bson:"loser_team"`
	Hero          fighter   `bson:"hero"`
	Villain       fighter   `bson:"villain"`
	Location      *place    `bson:"location"`
}

type fighter struct {
	ID        int64  `bson:"id"`
	Name      string `bson:"name"`
	OtherName string `bson:"otherName"`
	Level     int32  `bson:"level"`
	Picture   string `bson:"picture"`
	Powers    string `bson:"powers"`
}

type place struct {
	ID          int64  `bson:"id"`
	Name        string `bson:"name"`
	Description string `bson:"description"`
	Picture     string `bson:"picture"`
	Type        string `bson:"type"`
}

func (d document) fight() (fight.Fight, error) {
	id, err := fight.ParseID(d.ID)
	if err != nil {
		return fight.Fight{}, fmt.Errorf("a stored fight has the id %.40q: %w", d.ID, err)
	}
	return fight.Fight{
		ID: id, Date: d.Date.UTC(), Winner: fight.Team(d.WinnerTeam),
		Hero: character.Character(d.Hero), Villain: character.Character(d.Villain), Location: (*location.Location)(d.Location),
	}, nil
}

// Get implements fight.Store.
func (s *Store) Get(ctx context.Context, id fight.ID) (fight.Fight, error) {
	var stored document
	err := s.fights.FindOne(ctx, bson.D{{Key: "_id", Value: id.String()}}).Decode(&stored)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return fight.Fight{}, fight.ErrNotFound
	}
	if err != nil {
		return fight.Fight{}, err
	}
	return stored.fight()
}

// Page implements fight.Store. Documents that another application left in the collection are passed over.
func (s *Store) Page(ctx context.Context, before fight.ID, limit int) (fights []fight.Fight, err error) {
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: before.String()}}}}
	cursor, err := s.fights.Find(ctx, filter, newestFirst(limit))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, cursor.Close(context.WithoutCancel(ctx))) }()
	for len(fights) < limit && cursor.Next(ctx) {
		var stored document
		if cursor.Decode(&stored) != nil {
			continue // not a fight of ours
		}
		if f, err := stored.fight(); err == nil {
			fights = append(fights, f)
		}
	}
	return fights, cursor.Err()
}

func newestFirst(limit int) *options.FindOptionsBuilder {
	return options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetBatchSize(int32(limit))
}

// Count implements fight.Store: exact, so it reads every id.
func (s *Store) Count(ctx context.Context) (int64, error) {
	return s.fights.CountDocuments(ctx, bson.D{})
}

// Last implements fight.Store.
func (s *Store) Last(ctx context.Context) (fight.ID, error) {
	fights, err := s.Page(ctx, fight.MaxID(), 1)
	if err != nil || len(fights) == 0 {
		return fight.ID{}, err
	}
	return fights[0].ID, nil
}

// Ping implements fight.Store.
func (s *Store) Ping(ctx context.Context) error { return s.client.Ping(ctx, nil) }

// Close implements fight.Store.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s.client.Disconnect(ctx)
}

// Database returns the database, for those that keep something beside the fights. It is closed with the store.
func (s *Store) Database() *mongo.Database { return s.fights.Database() }
