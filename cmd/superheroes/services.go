package main

import (
	"context"
	"fmt"
	"io"
	"net"

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
}

func (c upCommand) Run(s *session) error {
	start := func(ctx context.Context, a *app.App) error { return a.Up(ctx, c.UpConfig) }
	return s.serve(start, func(endpoints []app.Endpoint) { c.announce(s.stdout, endpoints) })
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
