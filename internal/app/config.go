package app

import (
	"time"

	"superheroes/internal/httpserver"
	"superheroes/internal/logging"
	"superheroes/internal/remote"
	"superheroes/internal/web"
)

// The structs below contain the commands' settings. Their tags define the flags and environment variables; ${…} stands
// for a default that differs between a single service and all services in one process. A secret can also be read from a
// file named by another variable; no message reveals the secret.

// CharacterStore configures the store of heroes or villains.
type CharacterStore struct {
	DatabaseURL string `secret:"" default:"${database_url}" help:"Store: postgres://user:password@host:port/database or sqlite:PATH."`
	Pool        `embed:"" set:"pool_min=10" set:"pool_max=50" set:"store_wait=10s"`
}

// LocationStore configures the store of locations.
type LocationStore struct {
	MysqlURL string `secret:"" default:"${mysql_url}" help:"Store: mysql://user:password@host:port/database or sqlite:PATH."`
	Pool     `embed:"" set:"pool_min=1" set:"pool_max=10" set:"store_wait=30s"`
}

// FightStore configures the store of fights.
type FightStore struct {
	MongodbURL string `secret:"" default:"${mongodb_url}" help:"Store: mongodb://user:password@host:port/database or sqlite:PATH."`
	Pool       `embed:"" set:"pool_min=0" set:"pool_max=100" set:"store_wait=30s"`
}

// Pool configures the connections to a store.
type Pool struct {
	PoolMin   int           `default:"${pool_min}" help:"Minimum pool size."`
	PoolMax   int           `default:"${pool_max}" help:"Maximum pool size."`
	StoreWait time.Duration `default:"${store_wait}" help:"How long to retry the store at startup."`
}

// Stores configures the stores of all services in one process. A store without a URL is a file in DataDir.
type Stores struct {
	DataDir   string         `default:"./superheroes-data" help:"Folder of the embedded store, used for every service without a store URL."`
	Heroes    CharacterStore `embed:"" prefix:"heroes-"`
	Villains  CharacterStore `embed:"" prefix:"villains-"`
	Locations LocationStore  `embed:"" prefix:"locations-"`
	Fights    FightStore     `embed:"" prefix:"fights-"`
}

// Profile selects how much work the services do per response. Any value other than Eco means Strict.
type Profile string

const (
	// Strict reads each randomly picked item from the database and stores each fight with its own write, as the other
	// implementations of Super Heroes do.
	Strict Profile = "strict"
	// Eco produces the same responses with the least work.
	Eco Profile = "eco"
)

// CatalogConfig holds the settings of a catalog service.
type CatalogConfig struct {
	SnapshotLimit int64  `default:"67108864" help:"Maximum size of a catalog kept in memory in the eco profile, in bytes: its JSON plus 256 per row. For a larger catalog, every random pick queries the database, as in the strict profile."`
	AdminToken    string `secret:"" placeholder:"TOKEN" help:"Token that allows changing catalogs, sent as Authorization: Bearer TOKEN. If it is not set, changes are disabled. Prefer the variable: other users can see the flags of a process."`
}

// Server holds the settings of every server.
type Server struct {
	Profile           Profile `enum:"strict,eco" default:"eco" help:"How much work to do per response: strict works like the other implementations of Super Heroes, eco does the minimum."`
	httpserver.Config `embed:""`
	AdminAddr         string         `default:"${admin_addr}" help:"Address of the admin listener, which serves metrics and profiles; off for none. Only operators should be able to reach it."`
	TrustTrace        bool           `help:"Record every trace whose client asks for it, without counting it against the limit on new traces."`
	Log               logging.Config `embed:""`
}

// UpConfig configures all services in one process.
type UpConfig struct {
	Stores        `embed:""`
	HeroesAddr    string `default:"127.0.0.1:8001" help:"Address heroes listens on; port 0 selects a free one."`
	VillainsAddr  string `default:"127.0.0.1:8002" help:"Address villains listens on."`
	LocationsAddr string `default:"127.0.0.1:8003" help:"Address locations listens on."`
	FightsAddr    string `default:"127.0.0.1:8004" help:"Address fights listens on."`
	CatalogConfig `embed:""`
	UpStatistics  `embed:""`
	Arena         bool   `default:"true" negatable:"" help:"Also serve the battle page."`
	ArenaAddr     string `default:"127.0.0.1:8000" help:"Address the battle page listens on."`
	Server        `embed:""`
}

// UpStatistics configures the statistics service within the up command.
type UpStatistics struct {
	Statistics           bool   `default:"true" negatable:"" help:"Count the fights and serve the statistics."`
	StatisticsAddr       string `default:"127.0.0.1:8005" help:"Address statistics listens on."`
	web.StatisticsLimits `embed:"" prefix:"statistics-"`
}

// HeroesConfig configures the heroes service when it runs alone.
type HeroesConfig struct {
	CharacterConfig `embed:""`
}

// VillainsConfig configures the villains service when it runs alone.
type VillainsConfig struct {
	CharacterConfig `embed:""`
}

// CharacterConfig configures the heroes or villains service when it runs alone.
type CharacterConfig struct {
	Addr           string `default:"${addr}" help:"Address the service listens on; port 0 selects a free one."`
	CharacterStore `embed:""`
	CatalogConfig  `embed:""`
	Server         `embed:""`
}

// LocationConfig configures the locations service when it runs alone.
type LocationConfig struct {
	Addr          string `default:"${addr}" help:"Address the service listens on; port 0 selects a free one."`
	LocationStore `embed:""`
	CatalogConfig `embed:""`
	Server        `embed:""`
}

// FightConfig configures the fights service when it runs alone.
type FightConfig struct {
	Addr         string `default:"${addr}" help:"Address the service listens on; port 0 selects a free one."`
	FightStore   `embed:""`
	HeroesURL    string        `default:"http://heroes:8000" help:"URL of heroes."`
	VillainsURL  string        `default:"http://villains:8000" help:"URL of villains."`
	LocationsURL string        `default:"http://locations:8000" help:"URL of locations."`
	Peers        remote.Config `embed:""`
	Server       `embed:""`
}

// ArenaConfig configures the arena when it runs alone.
type ArenaConfig struct {
	Addr          string             `default:"${addr}" help:"Address the service listens on; port 0 selects a free one."`
	HeroesURL     string             `default:"http://heroes:8000" help:"URL of heroes."`
	VillainsURL   string             `default:"http://villains:8000" help:"URL of villains."`
	LocationsURL  string             `default:"http://locations:8000" help:"URL of locations."`
	FightsURL     string             `default:"http://fights:8000" help:"URL of fights."`
	StatisticsURL string             `default:"http://statistics:8000" help:"URL of statistics."`
	Peers         remote.ProxyConfig `embed:""`
	Server        `embed:""`
}

// StatisticsConfig configures the statistics service when it runs alone.
type StatisticsConfig struct {
	Addr                 string `default:"${addr}" help:"Address the service listens on; port 0 selects a free one."`
	FightStore           `embed:""`
	web.StatisticsLimits `embed:""`
	Server               `embed:""`
}

// store is the configuration of one store, whichever command's settings it comes from.
type store struct {
	Pool
	engine   string // engine that the service supports besides SQLite
	url      string
	setting  string        // flag and variable that the URL comes from, for messages
	prefix   string        // of the pool's flags
	folder   string        // folder to create before the store is opened, unless ""
	deadline time.Duration // time limit for the service's requests; 0 for none, as in a one-off command
}

// within returns the configuration for requests with the given deadline.
func (s store) within(deadline time.Duration) store {
	s.deadline = deadline
	return s
}

// newStore returns the configuration of a store. The names of the pool's flags start with prefix.
func newStore(engine, url, prefix, flag string, pool Pool) store {
	return store{engine: engine, url: url, setting: Setting("--" + prefix + flag), prefix: prefix, Pool: pool}
}

func (c CharacterStore) store(prefix string) store {
	return newStore(enginePostgreSQL, c.DatabaseURL, prefix, "database-url", c.Pool)
}

func (c LocationStore) store(prefix string) store {
	return newStore(engineMySQL, c.MysqlURL, prefix, "mysql-url", c.Pool)
}

func (c FightStore) store(prefix string) store {
	return newStore(engineMongoDB, c.MongodbURL, prefix, "mongodb-url", c.Pool)
}
