package main

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"superheroes/internal/app"
	"superheroes/internal/buildinfo"
	"superheroes/internal/timerslack"
)

type upCommand struct {
	app.UpConfig `embed:""`
	Slack        timerslack.Config `embed:""`
}

func (c upCommand) Run(s *session) error {
	return s.serve(c.Slack, func(ctx context.Context, a *app.App) error { return a.Up(ctx, c.UpConfig) }, func(endpoints []app.Endpoint) {
		var text strings.Builder
		fmt.Fprintf(&text, "Super Heroes in Go, %s, profile %s\n\n", buildinfo.Version(version), c.Profile)
		fights := ""
		for _, at := range arenaFirst(endpoints) {
			switch at.Service {
			case "arena":
				fmt.Fprintf(&text, "  %-10s http://%s/\n", at.Service, reachable(at.Addr))
				continue
			case "fights":
				fights = reachable(at.Addr)
			}
			fmt.Fprintf(&text, "  %-10s http://%s/docs\n", at.Service, reachable(at.Addr))
		}
		fmt.Fprintf(&text, "  %-10s %s\n\nTry:  curl http://%s/api/fights/execute_fight\n", "data", c.Describe(), fights)
		fmt.Fprint(s.stdout, text.String())
	})
}

// arenaFirst sorts the page that a person opens before the services.
func arenaFirst(endpoints []app.Endpoint) []app.Endpoint {
	return slices.SortedStableFunc(slices.Values(endpoints), func(a, b app.Endpoint) int {
		first := func(at app.Endpoint) int {
			if at.Service == "arena" {
				return 0
			}
			return 1
		}
		return first(a) - first(b)
	})
}

// reachable returns the address at which this host reaches a service that listens on addr.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err == nil && (host == "" || net.ParseIP(host).IsUnspecified()) {
		return net.JoinHostPort("localhost", port)
	}
	return addr
}

type heroesCommand struct {
	app.CharacterConfig `embed:""`
	Slack               timerslack.Config `embed:""`
}

func (c heroesCommand) Run(s *session) error {
	return s.serve(c.Slack, func(ctx context.Context, a *app.App) error { return a.Heroes(ctx, c.CharacterConfig) }, nil)
}

type villainsCommand struct {
	app.CharacterConfig `embed:""`
	Slack               timerslack.Config `embed:""`
}

func (c villainsCommand) Run(s *session) error {
	return s.serve(c.Slack, func(ctx context.Context, a *app.App) error { return a.Villains(ctx, c.CharacterConfig) }, nil)
}

type locationsCommand struct {
	app.LocationConfig `embed:""`
	Slack              timerslack.Config `embed:""`
}

func (c locationsCommand) Run(s *session) error {
	return s.serve(c.Slack, func(ctx context.Context, a *app.App) error { return a.Locations(ctx, c.LocationConfig) }, nil)
}

type fightsCommand struct {
	app.FightConfig `embed:""`
	Slack           timerslack.Config `embed:""`
}

func (c fightsCommand) Run(s *session) error {
	return s.serve(c.Slack, func(ctx context.Context, a *app.App) error { return a.Fights(ctx, c.FightConfig) }, nil)
}

type arenaCommand struct {
	app.ArenaConfig `embed:""`
	Slack           timerslack.Config `embed:""`
}

func (c arenaCommand) Run(s *session) error {
	return s.serve(c.Slack, func(ctx context.Context, a *app.App) error { return a.Arena(ctx, c.ArenaConfig) }, nil)
}
