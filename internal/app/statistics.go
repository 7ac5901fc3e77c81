package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/mongodb"
	"superheroes/internal/sqlite"
	"superheroes/internal/statistics"
	"superheroes/internal/web"
)

// Statistics starts the statistics service on its own. It polls for fights that other processes store.
func (a *App) Statistics(ctx context.Context, cfg StatisticsConfig) (err error) {
	defer a.undo(&err)
	part, err := a.listen(ctx, "statistics", cfg.Addr, Setting("--addr"), cfg.Server)
	if err != nil {
		return err
	}
	fights, store, err := openStatistics(ctx, cfg.store(""))
	if err != nil {
		return err
	}
	a.atStop(fights.Close)
	startStatistics(a, part, store, fights.engine, statistics.Looking(), cfg.StatisticsLimits)
	serveParts(part)
	return nil
}

// startCounting starts the statistics service in the process of fights, and returns the function to call after each stored fight. Only
// this process stores fights in the embedded store, so the counter needn't poll there.
func (a *App) startCounting(ctx context.Context, p *part, fights fightStore, cfg store, limits UpStatistics, damaged *damage) (stored func(), err error) {
	at, err := parseStoreURL(cfg.url, engineMongoDB)
	if err != nil {
		return nil, fmt.Errorf("statistics: %w (%s)", err, cfg.flag)
	}
	store, err := openWithRetry(ctx, "statistics", at, cfg, func(ctx context.Context) (statistics.Store, error) {
		return statisticsOf(ctx, fights.Store)
	})
	if damaged.tolerate("statistics", err) {
		store = damagedStatistics{err}
	} else if err != nil {
		return nil, err
	}
	pace := statistics.Looking()
	if fights.engine == engineSQLite {
		pace = statistics.Woken()
	}
	return startStatistics(a, p, store, fights.engine, pace, limits.StatisticsLimits).Wake, nil
}

// startStatistics adds the routes of statistics, and starts counting.
func startStatistics(a *App, p *part, store statistics.Store, engine string, pace statistics.Pace, cfg web.StatisticsLimits) *statistics.Service {
	service := statistics.NewService(store, pace, p.log)
	a.atStop(func() error {
		service.Close()
		return nil
	})
	p.server.OnShutdown(web.AddStatistics(service, p.api, cfg))
	p.addHealth(engine, store.Ping, nil)
	return service
}

// openStatistics opens the store of fights, and the store of statistics in the same database.
func openStatistics(ctx context.Context, cfg store) (fights fightStore, counted statistics.Store, err error) {
	at, err := parseStoreURL(cfg.url, engineMongoDB)
	if err != nil {
		return fights, nil, fmt.Errorf("statistics: %w (%s)", err, cfg.flag)
	}
	counted, err = openWithRetry(ctx, "statistics", at, cfg, func(ctx context.Context) (statistics.Store, error) {
		if fights, err = openFightsOnce(ctx, at, cfg, false); err != nil {
			return nil, err
		}
		counted, err := statisticsOf(ctx, fights.Store)
		if err != nil {
			err = errors.Join(err, fights.Close())
		}
		return counted, err
	})
	return fights, counted, err
}

// statisticsOf returns the store of statistics in the database of a store of fights.
func statisticsOf(ctx context.Context, fights fight.Store) (statistics.Store, error) {
	switch fights := fights.(type) {
	case interface{ File() *sqlite.DB }:
		return asStatistics(sqlite.NewStatistics(ctx, fights.File(), database.SQLiteStatistics))
	case *mongodb.Fights:
		return asStatistics(mongodb.NewStatistics(ctx, fights.Database()))
	case damagedFights:
		return nil, fights.err
	}
	return nil, fmt.Errorf("fights in a %T can't be counted", fights)
}

// asStatistics converts a concrete store to the interface; with an error it returns nil.
func asStatistics[S statistics.Store](store S, err error) (statistics.Store, error) {
	if err != nil {
		return nil, err
	}
	return store, nil
}

// RebuildConfig locates the fights to recount: by the URL of up's settings or of the service's own, or else in the
// data folder.
type RebuildConfig struct {
	DataDir          string `default:"./superheroes-data" help:"Folder of the embedded store, used if no URL is given."`
	MongodbURL       string `secret:"" help:"Store of fights: mongodb://user:password@host:port/database or sqlite:PATH."`
	FightsMongodbURL string `secret:"" help:"The same, named as in up."`
}

func (c RebuildConfig) store() store {
	at := FightStore{MongodbURL: c.MongodbURL, PoolMax: transferConnections, StoreWait: transferWait}.store("")
	if c.FightsMongodbURL != "" {
		at.url, at.flag = c.FightsMongodbURL, Setting("--fights-mongodb-url")
	}
	if at.url == "" {
		at.url, at.flag = embeddedURL(c.DataDir, "fights"), Setting("--data-dir")
	}
	return at
}

// Validate checks the location of the fights.
func (c RebuildConfig) Validate() error {
	if c.DataDir == "" {
		return invalid("--data-dir", "must name a folder")
	}
	return c.store().validURL(engineMongoDB)
}

// Rebuild counts the fights not counted yet, then recounts all, and corrects any differences. Other processes may
// store fights meanwhile.
func Rebuild(ctx context.Context, cfg RebuildConfig) (report statistics.Report, err error) {
	from := cfg.store()
	at, err := parseStoreURL(from.url, engineMongoDB)
	if err != nil {
		return report, fmt.Errorf("statistics: %w (%s)", err, from.flag)
	}
	if at.engine == engineSQLite {
		if _, err := os.Stat(at.place); err != nil {
			return report, fmt.Errorf("there are no fights to count: %w (%s)", err, from.flag)
		}
	}
	fights, store, err := openStatistics(ctx, from)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, fights.Close()) }()
	for more := true; more; {
		progress, err := store.Count(ctx)
		if err != nil {
			return report, err
		}
		more = progress.More
	}
	return store.Rebuild(ctx)
}
