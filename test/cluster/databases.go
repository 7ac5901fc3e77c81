package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	"superheroes/test/cluster/node"
	"superheroes/test/engines"
	"superheroes/test/steps"
	"superheroes/test/tcpproxy"
)

// databases are servers on the node, each behind a proxy that listens on the node's address, which pods can reach.
type databases struct {
	servers map[string]*engines.Server // by the variable of the engine's URL
	proxies map[string]*tcpproxy.Proxy // likewise
	urls    map[string]*url.URL        // by service, as the pods see them
}

// startDatabases starts PostgreSQL, MariaDB, and MongoDB or FerretDB, and makes a database for each service.
func startDatabases(ctx context.Context) (*databases, error) {
	d := &databases{servers: map[string]*engines.Server{}, proxies: map[string]*tcpproxy.Proxy{}, urls: map[string]*url.URL{}}
	mongo := os.Getenv(engines.MongodBin)
	if mongo == "" {
		mongo = os.Getenv(engines.FerretDBBin)
	}
	for _, engine := range []struct {
		variable, program string
		start             func(context.Context, string) (*engines.Server, error)
		services          []string
	}{
		{engines.PostgresURL, os.Getenv(engines.PostgresBin), engines.StartPostgres, []string{"heroes", "villains"}},
		{engines.MySQLURL, os.Getenv(engines.MariaDBBin), engines.StartMariaDB, []string{"locations"}},
		{engines.MongoDBURL, mongo, engines.StartMongoDB, []string{"fights"}},
	} {
		if engine.program == "" {
			return nil, errors.Join(steps.Skip("the programs of a database are missing, see "+engine.variable), d.close())
		}
		server, err := engine.start(ctx, engine.program)
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.servers[engine.variable] = server
		if err := d.expose(ctx, engine.variable); err != nil {
			return nil, errors.Join(err, d.close())
		}
		for _, service := range engine.services {
			if err := d.create(ctx, engine.variable, service); err != nil {
				return nil, errors.Join(err, d.close())
			}
		}
	}
	return d, nil
}

// expose lets pods reach an engine's server.
func (d *databases) expose(ctx context.Context, variable string) error {
	proxy, err := tcpproxy.Listen(ctx, net.JoinHostPort(node.Address, "0"), d.servers[variable].Addr(), tcpproxy.All)
	if err == nil {
		d.proxies[variable] = proxy
	}
	return err
}

// create makes a new database for a service, which must use it from then on.
func (d *databases) create(ctx context.Context, variable, service string) error {
	local, _, err := engines.Create(ctx, variable, d.servers[variable].URL)
	if err != nil {
		return err
	}
	location, err := url.Parse(local)
	if err != nil {
		return errors.New("the URL of a database can't be parsed") // it contains a password
	}
	if variable == engines.MongoDBURL && os.Getenv(engines.MongodBin) == "" {
		if err := indexIDs(ctx, location); err != nil {
			return fmt.Errorf("indexing FerretDB's collections: %w", err)
		}
	}
	location.Host = d.proxies[variable].Addr()
	d.urls[service] = location
	return nil
}

// emptyFights makes a new database for fights.
func (d *databases) emptyFights(ctx context.Context) error {
	return d.create(ctx, engines.MongoDBURL, "fights")
}

// values returns values of the chart for these databases.
func (d *databases) values() string {
	text := "databases:\n  mode: external\n  external:\n"
	for service, location := range d.urls {
		text += fmt.Sprintf("    %s: {url: %q, port: %s}\n", service, location, location.Port())
	}
	return text
}

// withoutFights makes the database of fights unreachable while do runs, and returns its error.
func (d *databases) withoutFights(do func() error) error {
	proxy := d.proxies[engines.MongoDBURL]
	proxy.Become(tcpproxy.Refuses)
	proxy.Cut()
	defer proxy.Become(tcpproxy.Passes)
	return do()
}

func (d *databases) close() error {
	for _, proxy := range d.proxies {
		proxy.Close()
	}
	var errs []error
	for _, server := range d.servers {
		errs = append(errs, server.Close())
	}
	return errors.Join(errs...)
}
