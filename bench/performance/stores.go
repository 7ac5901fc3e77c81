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

// stores holds the database servers, which are found or started when one of the servers is first needed.
type stores struct {
	found []*find.Engine
	drops []func(context.Context) error // functions that drop databases on servers that we did not start
}

// engine returns the database server whose URL the tests would read from the given environment variable.
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
	return nil, fmt.Errorf("no server found for %s", variable)
}

// database creates an empty database on a server, and adds the server to the parts of the system. It returns drop,
// which drops the database. Closing the lab removes the database even if drop is never called.
func (s *system) database(variable, name string) (store string, drop func(context.Context) error, err error) {
	engine, err := s.engine(s.ctx, variable)
	if err != nil {
		return "", nil, err
	}
	store, drop, err = engines.Create(s.ctx, variable, engine.Setting(variable))
	if err != nil {
		return "", nil, err
	}
	server := part{name: name, store: true}
	if engine.PID > 0 {
		server.pids = []int{engine.PID}
	} else {
		server.pids = s.serving(store)
		s.stores.drops = append(s.stores.drops, drop) // servers that we started are deleted together with their data
	}
	s.addPart(server)
	return store, drop, nil
}

// serving returns the processes of a database server that runs on this host but was not started by the bench, so that
// its processes don't count as unrelated.
func (l *lab) serving(store string) []int {
	at, err := url.Parse(store)
	if err != nil {
		return nil
	}
	port, err := strconv.Atoi(at.Port())
	if err != nil {
		return nil
	}
	pids, _ := l.procs.Listening(at.Hostname(), port) // nil if not available
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
