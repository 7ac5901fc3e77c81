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
	servers []*engines.Server
	proxies map[string]*tcpproxy.Proxy // by the variable of the engine's URL
	urls    map[string]*url.URL        // by service, as the pods see them
}

// startDatabases starts PostgreSQL, MariaDB, and MongoDB or FerretDB, and makes a database for each service.
func startDatabases(ctx context.Context) (*databases, error) {
	d := &databases{proxies: map[string]*tcpproxy.Proxy{}, urls: map[string]*url.URL{}}
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
		d.servers = append(d.servers, server)
		if err := d.expose(ctx, engine.variable, server, engine.services); err != nil {
			return nil, errors.Join(err, d.close())
		}
	}
	return d, nil
}

// expose makes databases on a server, and lets pods reach it.
func (d *databases) expose(ctx context.Context, variable string, server *engines.Server, services []string) error {
	proxy, err := tcpproxy.Listen(ctx, net.JoinHostPort(node.Address, "0"), server.Addr(), tcpproxy.All)
	if err != nil {
		return err
	}
	d.proxies[variable] = proxy
	for _, service := range services {
		local, _, err := engines.Create(ctx, variable, server.URL)
		if err != nil {
			return err
		}
		location, err := url.Parse(local)
		if err != nil {
			return errors.New("the URL of a database can't be parsed") // it contains a password
		}
		location.Host = proxy.Addr()
		d.urls[service] = location
	}
	return nil
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
