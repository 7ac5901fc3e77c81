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
type stores struct{ found []*find.Engine }

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
// which drops the database. Stopping the system drops it as well, since a server also works for databases that nobody
// uses any more.
func (s *system) database(variable, name string) (store string, drop func(context.Context) error, err error) {
	server, err := s.storeServer(variable, name)
	if err != nil {
		return "", nil, err
	}
	store, drop, err = engines.Create(s.ctx, variable, server)
	if err != nil {
		return "", nil, err
	}
	s.stops = append(s.stops, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), stopPatience)
		defer cancel()
		if err := drop(ctx); err != nil {
			s.say("dropping a database of %s: %v", name, err)
		}
	})
	return store, drop, nil
}

// storeServer adds a database server to the parts of the system and returns the server's URL.
func (s *system) storeServer(variable, name string) (server string, err error) {
	engine, err := s.engine(s.ctx, variable)
	if err != nil {
		return "", err
	}
	server = engine.Setting(variable)
	of := part{name: name, store: true, pids: []int{engine.PID}}
	if engine.PID == 0 {
		of.pids = s.serving(server)
	}
	s.addPart(of)
	return server, nil
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

func (s *stores) close() error {
	var err error
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
