package engines

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// MongoDBServer starts a private server: MongoDB if the path of mongod is known, otherwise FerretDB. The server is
// stopped and its data is removed when the test ends.
func MongoDBServer(tb testing.TB) *Server {
	tb.Helper()
	bin := os.Getenv(MongodBin)
	if bin == "" {
		bin = setting(tb, "a MongoDB-wire server's program", FerretDBBin)
	}
	return private(tb, func(ctx context.Context) (*Server, error) { return StartMongoDB(ctx, bin) })
}

// StartMongoDB starts a private server by running the program bin. A program named mongod is treated as MongoDB; any
// other program is treated as the program built from tools/ferretdb. The caller must close the server.
func StartMongoDB(ctx context.Context, bin string) (*Server, error) {
	return open(ctx, func(room *room, port int) (*Server, error) {
		data, err := room.folder("data")
		if err != nil {
			return nil, err
		}
		location := loopbackURL("mongodb", port, "/")
		command := []string{bin, "--listen", location.Host, "--dir", data}
		if filepath.Base(bin) == "mongod" {
			command = []string{
				bin, "--bind_ip", "127.0.0.1", "--port", strconv.Itoa(port), "--dbpath", data,
				"--nounixsocket", "--wiredTigerCacheSizeGB", "0.25",
			}
		}
		return &Server{
			URL: location.String(), command: command, stop: syscall.SIGTERM, ping: PingMongoDB, create: nameMongoDB,
		}, nil
	})
}

// PingMongoDB returns the version of the server at url. Servers other than MongoDB return the MongoDB version with
// which they claim to be compatible.
func PingMongoDB(ctx context.Context, url string) (string, error) {
	client, err := openMongoDB(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	var info struct {
		Version string `bson:"version"`
	}
	if err := client.Database("admin").RunCommand(ctx, bson.D{{Key: "buildInfo", Value: 1}}).Decode(&info); err != nil {
		return "", fmt.Errorf("getting MongoDB's version: %w", err)
	}
	return "MongoDB " + info.Version, nil
}

// nameMongoDB returns a database name without creating the database, because MongoDB creates a database when the first
// document is inserted.
func nameMongoDB(_ context.Context, server, name string) (string, func(context.Context) error, error) {
	database, err := withDatabase(server, name)
	if err != nil {
		return "", nil, err
	}
	drop := func(ctx context.Context) error {
		client, err := openMongoDB(server)
		if err != nil {
			return err
		}
		defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
		if err := client.Database(name).Drop(ctx); err != nil {
			return fmt.Errorf("dropping the MongoDB database %s: %w", name, err)
		}
		return nil
	}
	return database, drop, nil
}

func openMongoDB(url string) (*mongo.Client, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(url).SetServerSelectionTimeout(5 * time.Second))
	if err != nil {
		return nil, fmt.Errorf("creating a MongoDB client: %w", err)
	}
	return client, nil
}
