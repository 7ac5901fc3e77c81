// Command ferretdb serves MongoDB's wire protocol from SQLite files, for tests on machines without
// MongoDB. Once the server accepts connections, it prints its mongodb:// URL on a line of standard output. The
// server stops on SIGINT or SIGTERM.
//
// ferretdb has a module of its own, so that the product's go.mod stays small. Tests against FerretDB verify the wire
// protocol, not MongoDB's durability: FerretDB has no multi-document transactions and no change streams, and it ignores
// write concerns.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ferretdb:", err)
		os.Exit(1)
	}
}

// run serves until ctx is done. run writes the server's URL to stdout and warnings to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("ferretdb", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "TCP address to listen on; port 0 picks a free one")
	dir := flags.String("dir", "", "folder of the SQLite files, created if missing (required)")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the command line: %w", err)
	}
	if *dir == "" {
		return errors.New("--dir is required")
	}

	server, err := open(*listen, *dir, stderr)
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()

	// MongoDBURI blocks until Run listens, as its documentation promises.
	fmt.Fprintln(stdout, server.MongoDBURI())
	return <-stopped
}

// open prepares a server that stores its databases in dir.
func open(listen, dir string, stderr io.Writer) (*ferretdb.FerretDB, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding the data folder: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("creating the data folder: %w", err)
	}
	// FerretDB accepts a folder only if its URI ends with a slash.
	files := url.URL{Scheme: "file", Opaque: path + "/"}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: listen},
		Logger:    slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Handler:   "sqlite",
		SQLiteURL: files.String(),
	})
	if err != nil {
		return nil, fmt.Errorf("opening %s on %s: %w", dir, listen, err)
	}
	return server, nil
}
