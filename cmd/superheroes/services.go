package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

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
	return s.serve(start, nil)
}

type upCommand struct {
	app.UpConfig `embed:""`
	PortBase     portBase `default:"8000" placeholder:"PORT" help:"First of seven ports, for a second copy: addresses on 127.0.0.1 with the ports 8000 to 8006 get the ports from this one on. A second copy also needs its own --data-dir."`
}

func (c upCommand) Run(s *session) error {
	c.PortBase.move(&c.ArenaAddr, &c.HeroesAddr, &c.VillainsAddr, &c.LocationsAddr, &c.FightsAddr, &c.StatisticsAddr, &c.AdminAddr)
	start := func(ctx context.Context, a *app.App) error { return a.Up(ctx, c.UpConfig) }
	err := s.serve(start, func(endpoints []app.Endpoint) { c.announce(s, endpoints) })
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

// decodePortBase decodes a port base.
func decodePortBase(ctx *kong.DecodeContext, target reflect.Value) error {
	const most = 1<<16 - usualPorts
	text := ctx.Scan.Pop().String()
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port < 1 || port > most {
		return fmt.Errorf("must be a port from 1 to %d, not %q", most, text)
	}
	target.SetUint(port)
	return nil
}

// move shifts the default port in each address to the port base, keeping its offset: with 9000, 8004 becomes 9004.
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

// reportStart prints that the services start, and each that begins to serve. Standard error is left to the log.
func (s *session) reportStart(a *app.App) {
	a.OnStarting = func() { fmt.Fprintln(s.stdout, "Starting Super Heroes in Go …") }
	a.OnServing = func(at app.Endpoint) {
		fmt.Fprintf(s.stdout, "%s is %s on %s\n", at.Service, styled(s.stdout, "ready", green), s.link(at, ""))
	}
}

// announce prints the addresses of the services, beginning with the battle page, and the location of the data.
func (c upCommand) announce(s *session, endpoints []app.Endpoint) {
	var page, services, fights string
	for _, at := range endpoints {
		path := "/docs"
		switch at.Service {
		case "arena":
			page = fmt.Sprintf("  %-10s %s\n", at.Service, s.link(at, "/"))
			continue
		case "admin":
			path = "/metrics"
		case "fights":
			fights = s.link(at, "/api/fights/execute_fight")
		}
		services += fmt.Sprintf("  %-10s %s\n", at.Service, s.link(at, path))
	}
	name := styled(s.stdout, "Super Heroes in Go", bold)
	fmt.Fprintf(s.stdout, "\n%s, %s, profile %s\n\n%s%s  %-10s %s\n\nTry:  curl %s\n",
		name, buildinfo.Version(version), c.Profile, page, services, "data", c.Describe(), fights)
}

// link returns the URL of a path of a service.
func (s *session) link(at app.Endpoint, path string) string {
	return styled(s.stdout, "http://"+reachable(at.Addr)+path, cyan)
}

// reachable returns the address at which a client on this host reaches a service that listens on addr.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}
