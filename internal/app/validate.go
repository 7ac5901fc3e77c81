package app

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"superheroes/internal/remote"
)

// The Validate methods reject settings that can't work, naming the flag and the variable. The command line calls them
// after parsing.

// Setting names a setting for messages, by flag and variable: --pool-max, POOL_MAX.
func Setting(flag string) string {
	return flag + ", " + strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_"))
}

// invalid returns an error about the setting of a flag.
func invalid(flag, format string, args ...any) error {
	return fmt.Errorf("%s: %s", Setting(flag), fmt.Sprintf(format, args...))
}

// Validate checks the settings of all services in one process.
func (c UpConfig) Validate() error {
	return cmp.Or(
		validAddr("--heroes-addr", c.HeroesAddr),
		validAddr("--villains-addr", c.VillainsAddr),
		validAddr("--locations-addr", c.LocationsAddr),
		validAddr("--fights-addr", c.FightsAddr),
		validAddr("--arena-addr", c.ArenaAddr),
		c.validateStatistics(),
		c.Stores.Validate(),
		c.CatalogConfig.Validate(),
		c.Server.Validate(),
	)
}

// Validate checks the settings of heroes or villains on their own.
func (c CharacterConfig) Validate() error {
	return cmp.Or(validAddr("--addr", c.Addr), c.store("").validate(enginePostgreSQL), c.CatalogConfig.Validate(), c.Server.Validate())
}

// Validate checks the settings of locations on their own.
func (c LocationConfig) Validate() error {
	return cmp.Or(validAddr("--addr", c.Addr), c.store("").validate(engineMySQL), c.CatalogConfig.Validate(), c.Server.Validate())
}

// Validate checks the settings of fights on their own.
func (c FightConfig) Validate() error {
	return cmp.Or(
		validAddr("--addr", c.Addr),
		c.store("").validate(engineMongoDB),
		validPeer("--heroes-url", c.HeroesURL),
		validPeer("--villains-url", c.VillainsURL),
		validPeer("--locations-url", c.LocationsURL),
		validPeers(c.Peers),
		c.Server.Validate(),
	)
}

// Validate checks the settings of the arena on its own.
func (c ArenaConfig) Validate() error {
	return cmp.Or(
		validAddr("--addr", c.Addr),
		validPeer("--heroes-url", c.HeroesURL),
		validPeer("--villains-url", c.VillainsURL),
		validPeer("--locations-url", c.LocationsURL),
		validPeer("--fights-url", c.FightsURL),
		validPeer("--statistics-url", c.StatisticsURL),
		validPeers(c.Peers.Peers()),
		c.Server.Validate(),
	)
}

func (c UpStatistics) validateStatistics() error {
	if !c.Statistics {
		return nil
	}
	return cmp.Or(validAddr("--statistics-addr", c.StatisticsAddr), validStreams("--statistics-max-streams", c.MaxStreams))
}

// Validate checks the settings of statistics on their own.
func (c StatisticsConfig) Validate() error {
	return cmp.Or(
		validAddr("--addr", c.Addr), c.store("").validate(engineMongoDB), validStreams("--max-streams", c.MaxStreams), c.Server.Validate(),
	)
}

func validStreams(flag string, most int) error {
	if most < 1 {
		return invalid(flag, "must be at least 1")
	}
	return nil
}

// Validate checks the settings of all stores; one without a URL is a file in the data folder.
func (s Stores) Validate() error {
	if s.DataDir == "" {
		return invalid("--data-dir", "must name a folder")
	}
	return cmp.Or(
		s.Heroes.store("heroes-").validateGiven(enginePostgreSQL),
		s.Villains.store("villains-").validateGiven(enginePostgreSQL),
		s.Locations.store("locations-").validateGiven(engineMySQL),
		s.Fights.store("fights-").validateGiven(engineMongoDB),
	)
}

// ValidateFor checks the location of the given catalog.
func (c CatalogStore) ValidateFor(catalog string) error {
	if c.DataDir == "" {
		return invalid("--data-dir", "must name a folder")
	}
	engine := enginePostgreSQL
	if catalog == "locations" {
		engine = engineMySQL
	}
	return c.store(catalog).validURL(engine)
}

// Validate checks the memory limit, and that the token fits in a header.
func (c CatalogConfig) Validate() error {
	if c.SnapshotLimit < 0 {
		return invalid("--snapshot-limit", "must not be below 0")
	}
	if strings.TrimSpace(c.AdminToken) != c.AdminToken || strings.ContainsFunc(c.AdminToken, unicode.IsControl) {
		return invalid("--admin-token", "must not start or end with a space or contain a line break: it has to fit in a header")
	}
	return nil
}

// Validate checks the settings of a server.
func (c Server) Validate() error {
	switch {
	case c.Deadline <= 0:
		return invalid("--deadline", "must be longer than 0s")
	case c.WriteTimeout > 0 && c.WriteTimeout <= c.Deadline:
		return invalid("--write-timeout", "must be longer than --deadline, or a response at the deadline could not be sent")
	case c.MaxHeaderBytes < 8192:
		return invalid("--max-header-bytes", "must be at least 8192")
	case c.MaxConnections < 1:
		return invalid("--max-connections", "must be at least 1")
	}
	return nil
}

// mostConnections is more than any of the database servers supports.
const mostConnections = 100_000

func (s store) validate(engine string) error {
	if err := s.validURL(engine); err != nil {
		return err
	}
	if s.poolMin < 0 || s.poolMax < max(s.poolMin, 1) || s.poolMax > mostConnections {
		return invalid("--"+s.prefix+"pool-max", "must be from 1 to %d, and not below --%spool-min", mostConnections, s.prefix)
	}
	return nil
}

func (s store) validateGiven(engine string) error {
	if s.url == "" {
		return nil
	}
	return s.validate(engine)
}

// validURL checks a store URL.
func (s store) validURL(engine string) error {
	if _, err := parseStoreURL(s.url, engine); err != nil {
		return fmt.Errorf("%s: %w", s.flag, err)
	}
	return nil
}

// validAddr checks the form of a listen address.
func validAddr(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return invalid(flag, "must be host:port or :port, not %q", addr)
	}
	return nil
}

// validPeers checks the limits of calls to peers.
func validPeers(c remote.Config) error {
	switch {
	case c.Connect <= 0:
		return invalid("--peer-connect-timeout", "must be longer than 0s")
	case c.Write <= 0:
		return invalid("--peer-write-timeout", "must be longer than 0s")
	case c.Read <= 0:
		return invalid("--peer-read-timeout", "must be longer than 0s")
	case c.MaxConnections < 1:
		return invalid("--peer-max-connections", "must be at least 1")
	case c.IdleConnections < 1:
		return invalid("--peer-idle-connections", "must be at least 1")
	}
	return nil
}

// validPeer checks the base URL of a peer. The message doesn't repeat it, as it may contain a password.
func validPeer(flag, text string) error {
	base, err := url.Parse(text)
	switch {
	case err != nil, base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return invalid(flag, "must be a URL such as http://host:port")
	case base.User != nil:
		return invalid(flag, "must be just http://host:port; a user or password isn't sent to a peer")
	case base.Path != "" && base.Path != "/", base.RawQuery != "", base.ForceQuery, strings.Contains(text, "#"):
		return invalid(flag, "must be just http://host:port; a path, a query or a fragment would be lost")
	}
	return nil
}
