package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"

	"superheroes/internal/app"
	"superheroes/internal/httpserver"
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
		return []checked{{addr: c.Addr}}
	}
	services := []checked{
		{"heroes", c.HeroesAddr}, {"villains", c.VillainsAddr}, {"locations", c.LocationsAddr}, {"fights", c.FightsAddr},
	}
	if c.Arena {
		services = append(services, checked{"arena", c.ArenaAddr})
	}
	if c.Statistics {
		services = append(services, checked{"statistics", c.StatisticsAddr})
	}
	return services
}

// checked is a service to check. Only the address is known of a service that is given by its address.
type checked struct{ name, addr string }

// flag returns the name of the flag that sets the address.
func (s checked) flag() string {
	if s.name == "" {
		return "--addr"
	}
	return "--" + s.name + "-addr"
}

func (s checked) String() string {
	if s.name == "" {
		return s.addr
	}
	return s.name + " on " + s.addr
}

// Validate rejects malformed addresses before any service is contacted.
func (c healthCommand) Validate() error {
	if c.Timeout == 0 {
		return &settingError{"--timeout", "HEALTH_TIMEOUT", errors.New("must be longer than 0s")}
	}
	for _, service := range c.services() {
		if err := app.ValidAddr(service.flag(), service.addr); err != nil {
			return err
		}
	}
	return nil
}

// Run checks all services at once, and reports them in order, those that aren't ready last.
func (c healthCommand) Run(s *session) error {
	c.PortBase.move(&c.ArenaAddr, &c.HeroesAddr, &c.VillainsAddr, &c.LocationsAddr, &c.FightsAddr, &c.StatisticsAddr)
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	services := c.services()
	problems := make([]string, len(services))
	var group sync.WaitGroup
	for i, service := range services {
		group.Go(func() {
			if err := checkReady(ctx, service.addr); err != nil {
				problems[i] = c.describe(err)
			}
		})
	}
	group.Wait()
	var failed failures
	for i, service := range services {
		if problems[i] == "" {
			fmt.Fprintln(s.stdout, service, "is", styled(s.stdout, "ready", green))
		} else {
			failed = append(failed, fmt.Sprintf("%v is not ready: %s", service, problems[i]))
		}
	}
	if failed != nil {
		return failed
	}
	return nil
}

// failures is an error of several lines.
type failures []string

func (f failures) Error() string { return strings.Join(f, "\n") }

// checkReady requests /readyz from a service. If the service isn't ready, the error is a notReady.
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
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil || response.StatusCode == http.StatusOK {
		return err
	}
	var problem httpserver.Problem
	if err := json.Unmarshal(body, &problem); err != nil || problem.Detail == "" {
		return notReady("it responds with " + response.Status)
	}
	return notReady(problem.Detail)
}

// notReady is the reason for not being ready that a service's response gives.
type notReady string

func (n notReady) Error() string { return string(n) }

// describe says in plain words why a service isn't ready.
func (c healthCommand) describe(err error) string {
	var reason notReady
	var failed syscall.Errno
	var unknown *net.DNSError
	switch {
	case errors.As(err, &reason):
		return string(reason)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no response within %s", c.Timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing is listening there (connection refused)"
	case errors.As(err, &unknown):
		return fmt.Sprintf("the host name %s can't be resolved", unknown.Name)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the connection was closed without a response"
	case errors.As(err, &failed):
		return failed.Error()
	}
	return "what listens there doesn't speak HTTP; it is probably another program"
}
