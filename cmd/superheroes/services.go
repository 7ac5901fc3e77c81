package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"superheroes/internal/app"
	"superheroes/internal/buildinfo"
	"superheroes/internal/timerslack"
)

// serviceCommand is a command that runs a single service.
type serviceCommand[S app.Service] struct {
	Service S                 `embed:""`
	Slack   timerslack.Config `embed:""`
}

func (c serviceCommand[S]) Run(s *session) error {
	start := func(ctx context.Context, a *app.App) error { return a.Run(ctx, c.Service) }
	s.raiseSlack(c.Slack)
	return s.serve(start, func([]app.Endpoint) {})
}

type upCommand struct {
	app.UpConfig `embed:""`
	PortBase     portBase `default:"8000" placeholder:"PORT" help:"First of seven ports, for a second copy: addresses on 127.0.0.1 with the ports 8000 to 8006 get the ports from this one on. A second copy also needs its own --data-dir."`
}

func (c upCommand) Run(s *session) error {
	c.PortBase.move(&c.ArenaAddr, &c.HeroesAddr, &c.VillainsAddr, &c.LocationsAddr, &c.FightsAddr, &c.StatisticsAddr, &c.AdminAddr)
	start := func(ctx context.Context, a *app.App) error { return a.Up(ctx, c.UpConfig) }
	err := s.serve(start, func(endpoints []app.Endpoint) { c.announce(s.stdout, endpoints) })
	if errors.Is(err, syscall.EADDRINUSE) {
		err = fmt.Errorf("%w; or, if another copy is running, give this one ports and data of its own: "+
			"--port-base=9000 --data-dir=second", err)
	}
	return err
}

// portBase is the first of the ports that the services of one process listen on.
type portBase uint16

// usualPorts is the default port base, and the number of ports.
const usualPortBase, usualPorts = 8000, 7

// Validate implements kong's interface for flags.
func (p portBase) Validate() error {
	if p < 1 || p > 1<<16-usualPorts {
		return fmt.Errorf("must be from 1 to %d", 1<<16-usualPorts)
	}
	return nil
}

// move replaces the default port in each of the addresses by the port at the same distance from the port base.
func (p portBase) move(addresses ...*string) {
	for _, address := range addresses {
		for i := range usualPorts {
			if *address == fmt.Sprintf("127.0.0.1:%d", usualPortBase+i) {
				*address = fmt.Sprintf("127.0.0.1:%d", int(p)+i)
				break
			}
		}
	}
}

// announce prints the addresses of the services, beginning with the battle page, and the location of the data.
func (c upCommand) announce(w io.Writer, endpoints []app.Endpoint) {
	var page, services, fights string
	for _, at := range endpoints {
		addr := reachable(at.Addr)
		switch at.Service {
		case "arena":
			page = fmt.Sprintf("  %-10s http://%s/\n", at.Service, addr)
			continue
		case "admin":
			services += fmt.Sprintf("  %-10s http://%s/metrics\n", at.Service, addr)
			continue
		case "fights":
			fights = addr
		}
		services += fmt.Sprintf("  %-10s http://%s/docs\n", at.Service, addr)
	}
	fmt.Fprintf(w, "Super Heroes in Go, %s, profile %s\n\n%s%s  %-10s %s\n\nTry:  curl http://%s/api/fights/execute_fight\n",
		buildinfo.Version(version), c.Profile, page, services, "data", c.Describe(), fights)
}

// reachable returns the address at which a client on this host reaches a service that listens on addr.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}
