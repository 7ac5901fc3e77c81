package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"superheroes/internal/app"
)

// healthCommand implements the health check for a container. If ADDR is set, the command checks the service at that
// address; otherwise, it checks the services that the up command runs.
type healthCommand struct {
	Addr           string        `help:"Address of one service, as passed to its own --addr flag."`
	HeroesAddr     string        `default:"127.0.0.1:8001" help:"Address of heroes."`
	VillainsAddr   string        `default:"127.0.0.1:8002" help:"Address of villains."`
	LocationsAddr  string        `default:"127.0.0.1:8003" help:"Address of locations."`
	FightsAddr     string        `default:"127.0.0.1:8004" help:"Address of fights."`
	Statistics     bool          `default:"true" negatable:"" help:"Also check statistics."`
	StatisticsAddr string        `default:"127.0.0.1:8005" help:"Address of statistics."`
	Arena          bool          `default:"true" negatable:"" help:"Also check the battle page."`
	ArenaAddr      string        `default:"127.0.0.1:8000" help:"Address of the battle page."`
	PortBase       portBase      `default:"8000" placeholder:"PORT" help:"The --port-base of the services."`
	Timeout        time.Duration `default:"3s" env:"HEALTH_TIMEOUT" help:"How long to wait for a response."`
}

// services returns the services that the command checks.
func (c healthCommand) services() []checked {
	if c.Addr != "" {
		return []checked{{"--addr", c.Addr}}
	}
	services := []checked{
		{"--heroes-addr", c.HeroesAddr}, {"--villains-addr", c.VillainsAddr},
		{"--locations-addr", c.LocationsAddr}, {"--fights-addr", c.FightsAddr},
	}
	if c.Arena {
		services = append(services, checked{"--arena-addr", c.ArenaAddr})
	}
	if c.Statistics {
		services = append(services, checked{"--statistics-addr", c.StatisticsAddr})
	}
	return services
}

// checked is a service to check: its address, and the flag that sets the address.
type checked struct{ flag, addr string }

// Validate rejects malformed addresses before any service is contacted.
func (c healthCommand) Validate() error {
	for _, service := range c.services() {
		if err := app.ValidAddr(service.flag, service.addr); err != nil {
			return err
		}
	}
	return nil
}

func (c healthCommand) Run(s *session) error {
	c.PortBase.move(&c.ArenaAddr, &c.HeroesAddr, &c.VillainsAddr, &c.LocationsAddr, &c.FightsAddr, &c.StatisticsAddr)
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	var failures []string
	for _, service := range c.services() {
		if err := checkReady(ctx, service.addr); err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", service.addr, err))
			continue
		}
		fmt.Fprintln(s.stdout, service.addr, "is ready")
	}
	if len(failures) > 0 {
		return errors.New(strings.Join(failures, "; "))
	}
	return nil
}

// checkReady requests /readyz from a service. If the service isn't ready, the error contains the response.
func checkReady(ctx context.Context, addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	at := "http://" + net.JoinHostPort(host, port) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // a Transport that uses no proxy
	response, err := client.Do(request)
	if err != nil {
		return errors.Unwrap(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(body)))
	}
	return err
}
