package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// fightsDatabase is the database in which every member stores its fights.
const fightsDatabase = "fights"

// fightCollections returns the names of the collections in which members store their fights: this one, Rust, Quarkus.
func fightCollections() []string { return []string{"fights", "fight_collection", "Fights"} }

// Collection is a MongoDB collection with the fights of a target.
type Collection struct {
	url      string // with a password, so it must not be printed
	place    string // host and port
	database string
	names    []string // names that the collection can have
}

// ParseCollection parses the URL of a MongoDB database or collection, mongodb://user:password@host/DATABASE.COLLECTION.
// The default database is the one that every member uses, and the default collections are those that members use. The
// error doesn't quote the URL, which may contain a password.
func ParseCollection(text string) (*Collection, error) {
	malformed := errors.New("must be a MongoDB URL such as mongodb://user:password@host:port/database.collection, " +
		"with special characters in user and password percent-encoded")
	server, query, _ := strings.Cut(text, "?")
	rest, found := strings.CutPrefix(server, "mongodb://")
	hosts, path, _ := strings.Cut(rest, "/")
	if !found || strings.Contains(path+query, "@") || strings.Count(hosts, "@") > 1 {
		return nil, malformed
	}
	database, collection, named := strings.Cut(path, ".")
	c := &Collection{
		url: fmt.Sprintf("mongodb://%s/%s?%s", hosts, database, query), place: hosts[strings.Index(hosts, "@")+1:],
		database: database, names: []string{collection},
	}
	if !named {
		c.names = fightCollections()
	}
	if database == "" {
		c.database = fightsDatabase
	}
	if _, err := connstring.ParseAndValidate(c.url); err != nil || named && collection == "" {
		return nil, malformed // not wrapped: the cause may reveal the password
	}
	return c, nil
}

// String describes the collection, without user and password.
func (c *Collection) String() string {
	text := fmt.Sprintf("MongoDB at %s, database %s", c.place, c.database)
	if len(c.names) == 1 {
		text += ", collection " + c.names[0]
	}
	return text
}

// Time limits: for finding the server, unless the URL has another one, and for counting. MongoDB reads a whole index to
// count, and FerretDB every document.
const (
	selectPatience = 5 * time.Second
	countPatience  = 10 * time.Minute
)

// count returns the number of documents in the collection.
func (c *Collection) count() (int64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), countPatience)
	defer cancel()
	client, err := mongo.Connect(options.Client().SetServerSelectionTimeout(selectPatience).ApplyURI(c.url))
	if err != nil {
		return 0, fmt.Errorf("the options of the URL of %s can't be used", c) // not wrapped: the cause may reveal the password
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	total, err := c.documents(ctx, client.Database(c.database))
	if err != nil {
		return 0, fmt.Errorf("counting the fights in %s: %w", c, err)
	}
	return total, nil
}

// documents counts the documents in those of the possible collections that exist. If the database has only others, it
// returns an error, as the fights may be in one of them.
func (c *Collection) documents(ctx context.Context, database *mongo.Database) (total int64, err error) {
	all, err := database.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return 0, err
	}
	found := false
	for _, name := range c.names {
		if !slices.Contains(all, name) {
			continue
		}
		found = true
		n, err := database.Collection(name).CountDocuments(ctx, bson.D{})
		if err != nil {
			return 0, err
		}
		total += n
	}
	if !found && len(all) > 0 {
		slices.Sort(all)
		return 0, fmt.Errorf("there is no such collection, but %s: name the one with the fights, .../%s.COLLECTION",
			strings.Join(all, ", "), c.database)
	}
	return total, nil
}
