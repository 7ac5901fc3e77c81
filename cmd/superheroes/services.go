package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"superheroes/internal/app"
)

type upCommand struct {
	app.UpConfig `embed:""`
}

func (c upCommand) Run(s *session) error {
	return s.serve(func(ctx context.Context, a *app.App) error { return a.Up(ctx, c.UpConfig) }, func(endpoints []app.Endpoint) {
		var text strings.Builder
		fmt.Fprintf(&text, "Super Heroes in Go, %s, profile %s\n\n", versionText(), c.Profile)
		fights := ""
		for _, at := range endpoints {
			fmt.Fprintf(&text, "  %-10s http://%s/docs\n", at.Service, reachable(at.Addr))
			if at.Service == "fights" {
				fights = reachable(at.Addr)
			}
		}
		fmt.Fprintf(&text, "  %-10s %s\n\nTry:  curl http://%s/api/fights/execute_fight\n", "data", c.Describe(), fights)
		fmt.Fprint(s.stdout, text.String())
	})
}

// reachable returns the address under which this host reaches a service that listens on addr.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}

type heroesCommand struct {
	app.CharacterConfig `embed:""`
}

func (c heroesCommand) Run(s *session) error {
	return s.serve(func(ctx context.Context, a *app.App) error { return a.Heroes(ctx, c.CharacterConfig) }, nil)
}

type villainsCommand struct {
	app.CharacterConfig `embed:""`
}

func (c villainsCommand) Run(s *session) error {
	return s.serve(func(ctx context.Context, a *app.App) error { return a.Villains(ctx, c.CharacterConfig) }, nil)
}

type locationsCommand struct {
	app.LocationConfig `embed:""`
}

func (c locationsCommand) Run(s *session) error {
	return s.serve(func(ctx context.Context, a *app.App) error { return a.Locations(ctx, c.LocationConfig) }, nil)
}

type fightsCommand struct {
	app.FightConfig `embed:""`
}

func (c fightsCommand) Run(s *session) error {
	return s.serve(func(ctx context.Context, a *app.App) error { return a.Fights(ctx, c.FightConfig) }, nil)
}
