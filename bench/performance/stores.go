package performance

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"

	"superheroes/test/engines"
	"superheroes/test/engines/find"
)

// stores are the database servers, found or started when the first of them is needed.
type stores struct {
	found []*find.Engine
	drops []func(context.Context) error // of databases on somebody else's server
}

// engine returns the server whose URL the tests would find in the variable.
func (l *lab) engine(ctx context.Context, variable string) (*find.Engine, error) {
	if l.stores.found == nil {
		l.stores.found = find.New(l.module, os.Getenv, l.say).Servers(ctx)
	}
	for _, engine := range l.stores.found {
		if engine.Setting(variable) != "" {
			return engine, nil
		}
	}
	for _, engine := range l.stores.found {
		if engine.Missing != nil {
			return nil, fmt.Errorf("%s is missing: %s", engine.Name, engine.Remedy)
		}
	}
	return nil, fmt.Errorf("nothing was found for %s", variable)
}

// database makes a fresh, empty database on a server, and returns its URL with the server's part in the CPU columns.
func (l *lab) database(ctx context.Context, variable, name string) (url string, server part, err error) {
	url, _, server, err = l.create(ctx, variable, name)
	return url, server, err
}

// create returns what drops the database, too. Nothing of it is left when the lab is closed.
func (l *lab) create(ctx context.Context, variable, name string) (store string, drop func(context.Context) error, server part, err error) {
	engine, err := l.engine(ctx, variable)
	if err != nil {
		return "", nil, part{}, err
	}
	store, drop, err = engines.Create(ctx, variable, engine.Setting(variable))
	if err != nil {
		return "", nil, part{}, err
	}
	server = part{name: name, store: true}
	if engine.PID > 0 {
		server.pids = []int{engine.PID}
	} else {
		server.pids = l.serving(store)
		l.stores.drops = append(l.stores.drops, drop) // a server of ours goes with all its data
	}
	return store, drop, server, nil
}

// serving returns the processes of somebody else's server, as far as they are on this host: its work is no stranger's.
func (l *lab) serving(store string) []int {
	at, err := url.Parse(store)
	if err != nil {
		return nil
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		return nil
	}
	pids, _ := l.procs.Listening(at.Hostname(), port) // none where it isn't told
	return pids
}

func (s *stores) close(ctx context.Context) error {
	var err error
	for _, drop := range s.drops {
		err = errors.Join(err, drop(ctx))
	}
	for _, engine := range s.found {
		err = errors.Join(err, engine.Close())
	}
	return err
}

// names returns the servers with their versions.
func (s *stores) names() []string {
	var names []string
	for _, engine := range s.found {
		if engine.Missing == nil {
			names = append(names, engine.Name+", "+engine.How)
		}
	}
	return names
}
