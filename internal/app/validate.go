package app

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	"superheroes/internal/otlp"
	"superheroes/internal/remote"
)

// The Validate methods reject invalid settings with an error that names the flag and the variable. After parsing, the
// command line calls the Validate methods of a command and of all structs embedded in it.

// Setting returns the name of a setting for messages, with the flag and the variable: --pool-max, POOL_MAX.
func Setting(flag string) string {
	return flag + ", " + strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_"))
}

// require returns an error that names the flag and its variable unless right is true.
func require(right bool, flag, format string, args ...any) error {
	if right {
		return nil
	}
	return fmt.Errorf("%s: %s", Setting(flag), fmt.Sprintf(format, args...))
}

// positive returns an error that names the flag, its variable and the value unless the value is at least 1.
func positive(flag string, value int) error {
	return require(value >= 1, flag, "must be at least 1, not %d", value)
}

// longerThanZero is the counterpart of positive for durations: it rejects 0 and less.
func longerThanZero(flag string, value time.Duration) error {
	return require(value > 0, flag, "must be longer than 0s, not %s", value)
}

// Validate checks the listen addresses and the statistics settings of the up command.
func (c UpConfig) Validate() error {
	return cmp.Or(
		ValidAddr("--heroes-addr", c.HeroesAddr),
		ValidAddr("--villains-addr", c.VillainsAddr),
		ValidAddr("--locations-addr", c.LocationsAddr),
		ValidAddr("--fights-addr", c.FightsAddr),
		ValidAddr("--arena-addr", c.ArenaAddr),
	)
}

// Validate checks the statistics settings of the up command, if statistics are enabled.
func (c UpStatistics) Validate() error {
	if !c.Statistics {
		return nil
	}
	return cmp.Or(
		ValidAddr("--statistics-addr", c.StatisticsAddr),
		positive("--statistics-max-streams", c.MaxStreams),
	)
}

// Validate checks the settings of the statistics service when it runs alone.
func (c StatisticsConfig) Validate() error {
	return cmp.Or(
		ValidAddr("--addr", c.Addr),
		c.store("").validate(),
		positive("--max-streams", c.MaxStreams),
	)
}

// Validate checks the settings of the heroes or villains service when it runs alone.
func (c CharacterConfig) Validate() error {
	return cmp.Or(ValidAddr("--addr", c.Addr), c.store("").validate())
}

// Validate checks the settings of the locations service when it runs alone.
func (c LocationConfig) Validate() error {
	return cmp.Or(ValidAddr("--addr", c.Addr), c.store("").validate())
}

// Validate checks the settings of the fights service when it runs alone.
func (c FightConfig) Validate() error {
	return cmp.Or(
		ValidAddr("--addr", c.Addr),
		c.store("").validate(),
		validPeer("--heroes-url", c.HeroesURL),
		validPeer("--villains-url", c.VillainsURL),
		validPeer("--locations-url", c.LocationsURL),
		validPeers(c.Peers),
	)
}

// Validate checks the settings of the arena when it runs alone.
func (c ArenaConfig) Validate() error {
	return cmp.Or(
		ValidAddr("--addr", c.Addr),
		validPeer("--heroes-url", c.HeroesURL),
		validPeer("--villains-url", c.VillainsURL),
		validPeer("--locations-url", c.LocationsURL),
		validPeer("--fights-url", c.FightsURL),
		validPeer("--statistics-url", c.StatisticsURL),
		validPeers(c.Peers.Peers()),
	)
}

// Validate checks the settings of all stores; a store without a URL is a file in the data folder.
func (s Stores) Validate() error {
	if err := validFolder(s.DataDir); err != nil {
		return err
	}
	for _, at := range []store{
		s.Heroes.store("heroes-"), s.Villains.store("villains-"),
		s.Locations.store("locations-"), s.Fights.store("fights-"),
	} {
		if at.url == "" {
			continue
		}
		if err := at.validate(); err != nil {
			return err
		}
	}
	return nil
}

// ValidateFor checks the settings that locate the store of the given catalog.
func (c CatalogStore) ValidateFor(catalog string) error {
	if err := validFolder(c.DataDir); err != nil {
		return err
	}
	return c.store(catalog).validURL()
}

// Validate checks the snapshot limit, and that the token can be sent in a header.
func (c CatalogConfig) Validate() error {
	fits := strings.TrimSpace(c.AdminToken) == c.AdminToken && !strings.ContainsFunc(c.AdminToken, unicode.IsControl)
	return cmp.Or(
		require(c.SnapshotLimit >= 0, "--snapshot-limit", "must be at least 0, not %d", c.SnapshotLimit),
		require(fits, "--admin-token",
			"must not start or end with a space or contain a line break: it is sent in a header"),
	)
}

// Validate checks the settings that every server has.
func (c Server) Validate() error {
	return cmp.Or(
		longerThanZero("--deadline", c.Deadline),
		require(c.WriteTimeout <= 0 || c.WriteTimeout > c.Deadline, "--write-timeout",
			"must be longer than --deadline (%s), not %s; otherwise, a response at the deadline could not be sent",
			c.Deadline, c.WriteTimeout),
		require(c.MaxHeaderBytes >= 8192, "--max-header-bytes", "must be at least 8192, not %d", c.MaxHeaderBytes),
		positive("--max-connections", c.MaxConnections),
		c.validAdminAddr(),
		validOTLP(),
	)
}

func validOTLP() error {
	_, err := otlp.FromEnv(os.Getenv, false)
	return err
}

func (c Server) validAdminAddr() error {
	if c.AdminAddr == "" || c.AdminAddr == adminOff {
		return nil
	}
	return ValidAddr("--admin-addr", c.AdminAddr)
}

// mostConnections is the maximum value of --pool-max. No supported database server allows that many connections.
const mostConnections = 100_000

// validate checks the store URL and the size of the pool.
func (s store) validate() error {
	if err := s.validURL(); err != nil {
		return err
	}
	least := max(s.PoolMin, 1)
	return cmp.Or(
		require(s.PoolMin >= 0, "--"+s.prefix+"pool-min", "must be at least 0, not %d", s.PoolMin),
		require(s.PoolMax >= least && s.PoolMax <= mostConnections, "--"+s.prefix+"pool-max",
			"must be from 1 to %d and at least --%spool-min (%d), not %d", mostConnections, s.prefix, s.PoolMin, s.PoolMax),
	)
}

func (s store) validURL() error {
	if _, err := parseStoreURL(s.url, s.engine); err != nil {
		return fmt.Errorf("%s: %w", s.setting, err)
	}
	return nil
}

// validFolder checks that the data folder has a name.
func validFolder(dir string) error { return require(dir != "", "--data-dir", "must name a folder") }

// ValidAddr checks that the listen address set by the given flag has the form host:port.
func ValidAddr(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	return require(err == nil, flag, "must be host:port or :port, not %q", addr)
}

// validPeers checks the timeouts and connection limits of calls to peers.
func validPeers(c remote.Config) error {
	return cmp.Or(
		longerThanZero("--peer-connect-timeout", c.Connect),
		longerThanZero("--peer-write-timeout", c.Write),
		longerThanZero("--peer-read-timeout", c.Read),
		positive("--peer-max-connections", c.MaxConnections),
		positive("--peer-idle-connections", c.IdleConnections),
	)
}

// validPeer checks the base URL of a peer. The error doesn't show the URL, since it may contain a password.
func validPeer(flag, text string) error {
	base, err := url.Parse(text)
	switch {
	case err != nil, base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return require(false, flag, "must be a URL such as http://host:port")
	case base.User != nil:
		return require(false, flag, "must be just http://host:port; a user or password isn't sent to a peer")
	case base.Path != "" && base.Path != "/", base.RawQuery != "", base.ForceQuery, strings.Contains(text, "#"):
		return require(false, flag, "must be just http://host:port; a path, a query or a fragment would be lost")
	}
	return nil
}
