package app

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"superheroes/internal/fight/peers"
)

// The Validate methods refuse settings with which no start could succeed, and name the flag. The command line calls
// them when it has read its flags and variables.

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

// Validate checks the settings of heroes or villains alone.
func (c CharacterConfig) Validate() error {
	return cmp.Or(validAddr("--addr", c.Addr), c.store("").validate(postgresql), c.CatalogConfig.Validate(), c.Server.Validate())
}

// Validate checks the settings of locations alone.
func (c LocationConfig) Validate() error {
	return cmp.Or(validAddr("--addr", c.Addr), c.store("").validate(mysqldb), c.CatalogConfig.Validate(), c.Server.Validate())
}

// Validate checks the settings of fights alone.
func (c FightConfig) Validate() error {
	return cmp.Or(
		validAddr("--addr", c.Addr),
		c.store("").validate(mongo),
		validPeer("--heroes-url", c.HeroesURL),
		validPeer("--villains-url", c.VillainsURL),
		validPeer("--locations-url", c.LocationsURL),
		validPeers(c.Peers),
		c.Server.Validate(),
	)
}

// Validate checks the settings of the arena alone.
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

// Validate checks the settings of statistics alone.
func (c StatisticsConfig) Validate() error {
	return cmp.Or(
		validAddr("--addr", c.Addr), c.store("").validate(mongo), validStreams("--max-streams", c.MaxStreams), c.Server.Validate(),
	)
}

func validStreams(flag string, most int) error {
	if most < 1 {
		return fmt.Errorf("%s: must be at least 1", flag)
	}
	return nil
}

// Validate checks the settings of all stores; one without a URL is a file in the data folder.
func (s Stores) Validate() error {
	if s.DataDir == "" {
		return errors.New("--data-dir: must name a folder")
	}
	return cmp.Or(
		s.Heroes.store("heroes-").validateGiven(postgresql),
		s.Villains.store("villains-").validateGiven(postgresql),
		s.Locations.store("locations-").validateGiven(mysqldb),
		s.Fights.store("fights-").validateGiven(mongo),
	)
}

// ValidateFor checks where that catalog lies, to be imported or exported.
func (c CatalogStore) ValidateFor(catalog string) error {
	if c.DataDir == "" {
		return errors.New("--data-dir: must name a folder")
	}
	engine := postgresql
	if catalog == "locations" {
		engine = mysqldb
	}
	at := c.store(catalog)
	return validURL(at.flag, at.url, engine)
}

// Validate checks how much may be kept in memory, and that a client can send the token.
func (c CatalogConfig) Validate() error {
	if c.SnapshotLimit < 0 {
		return errors.New("--snapshot-limit: must not be below 0")
	}
	if strings.TrimSpace(c.AdminToken) != c.AdminToken || strings.ContainsFunc(c.AdminToken, unicode.IsControl) {
		return errors.New("--admin-token: must not begin or end with a blank, or hold a line break: no header could carry it")
	}
	return nil
}

// Validate checks the settings of a server.
func (c Server) Validate() error {
	switch {
	case c.Deadline <= 0:
		return errors.New("--deadline: must be longer than 0s")
	case c.WriteTimeout > 0 && c.WriteTimeout <= c.Deadline:
		return errors.New("--write-timeout: must be longer than --deadline, or an answer at the deadline could not be sent")
	case c.MaxHeaderBytes < 8192:
		return errors.New("--max-header-bytes: must be at least 8192")
	case c.MaxConnections < 1:
		return errors.New("--max-connections: must be at least 1")
	}
	return nil
}

// mostConnections is more than any of the servers takes.
const mostConnections = 100_000

func (s store) validate(engine string) error {
	if _, err := parseStoreURL(s.url, engine); err != nil {
		return fmt.Errorf("%s: %w", s.flag, err)
	}
	if s.poolMin < 0 || s.poolMax < max(s.poolMin, 1) || s.poolMax > mostConnections {
		return fmt.Errorf("--%[1]spool-max: must be from 1 to %[2]d, and not below --%[1]spool-min", s.prefix, mostConnections)
	}
	return nil
}

func (s store) validateGiven(engine string) error {
	if s.url == "" {
		return nil
	}
	return s.validate(engine)
}

// validURL checks a store URL unless it is empty.
func validURL(flag, text, engine string) error {
	if text == "" {
		return nil
	}
	if _, err := parseStoreURL(text, engine); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// validAddr checks the form of an address to listen on.
func validAddr(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return fmt.Errorf("%s: must be host:port or :port, not %q", flag, addr)
	}
	return nil
}

// validPeers checks how peers are called.
func validPeers(c peers.Config) error {
	switch {
	case c.Connect <= 0:
		return errors.New("--peer-connect-timeout: must be longer than 0s")
	case c.Write <= 0:
		return errors.New("--peer-write-timeout: must be longer than 0s")
	case c.Read <= 0:
		return errors.New("--peer-read-timeout: must be longer than 0s")
	case c.MaxConnections < 1:
		return errors.New("--peer-max-connections: must be at least 1")
	case c.IdleConnections < 1:
		return errors.New("--peer-idle-connections: must be at least 1")
	}
	return nil
}

// validPeer checks the base URL of a peer.
func validPeer(flag, text string) error {
	parsed, err := url.Parse(text)
	if err != nil || parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Host == "" {
		return fmt.Errorf("%s: must be a URL such as http://host:port", flag)
	}
	return nil
}
