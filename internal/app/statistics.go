package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"superheroes/database"
	"superheroes/internal/fight"
	"superheroes/internal/mongodb"
	"superheroes/internal/sqlite"
	"superheroes/internal/statistics"
	"superheroes/internal/telemetry"
	"superheroes/internal/web"
)

// start starts the statistics service, which polls for fights that other processes store.
func (c StatisticsConfig) start(ctx context.Context, p *part) error {
	opened, err := openStatistics(ctx, c.store(""))
	if err != nil {
		return err
	}
	p.app.atStop(opened.store.fights.Close)
	startStatistics(p, opened.store.totals, opened.engine, statistics.Looking(), c.StatisticsLimits)
	if pool, ok := opened.store.fights.(interface{ MeasurePool(*telemetry.Metrics) }); ok {
		pool.MeasurePool(p.metrics)
	}
	return nil
}

// startCounting starts the statistics service in the process of the fights service, and returns the function to call
// after each stored fight. With the embedded store, only this process stores fights, so the counter need not poll.
func startCounting(
	ctx context.Context, p *part, fights opened[fight.Store], cfg UpConfig, damaged *damage,
) (stored func(), err error) {
	open := func(ctx context.Context, _ storeURL) (statistics.Store, error) {
		return statisticsOf(ctx, fights.store)
	}
	opened, err := openStore(ctx, "statistics", cfg.Fights.store("fights-"), open)
	if damaged.tolerate("statistics", err) {
		opened.store = damagedStatistics{unusable{err}}
	} else if err != nil {
		return nil, err
	}
	pace := statistics.Looking()
	if fights.engine == engineSQLite {
		pace = statistics.Woken()
	}
	return startStatistics(p, opened.store, fights.engine, pace, cfg.StatisticsLimits).Wake, nil
}

// startStatistics adds the routes of the statistics service, and starts counting.
func startStatistics(
	p *part, store statistics.Store, engine string, pace statistics.Pace, cfg web.StatisticsLimits,
) *statistics.Service {
	service := statistics.NewService(store, pace, p.log)
	service.Measure(p.metrics, engine)
	p.app.atStop(func() error {
		service.Close()
		return nil
	})
	p.server.OnShutdown(web.AddStatistics(service, p.api, cfg))
	p.addHealth(engine, store.Ping, nil)
	return service
}

// counted holds a fight store and the statistics store in the same database.
type counted struct {
	fights fight.Store
	totals statistics.Store
}

func openStatistics(ctx context.Context, cfg store) (opened[counted], error) {
	return openStore(ctx, "statistics", cfg, func(ctx context.Context, at storeURL) (counted, error) {
		fights, err := openFightsOnce(ctx, at, cfg, false)
		if err != nil {
			return counted{}, err
		}
		totals, err := statisticsOf(ctx, fights)
		if err != nil {
			return counted{}, errors.Join(err, fights.Close())
		}
		return counted{fights, totals}, nil
	})
}

// statisticsOf returns the statistics store in the database of a fight store.
func statisticsOf(ctx context.Context, fights fight.Store) (statistics.Store, error) {
	switch fights := fights.(type) {
	case interface{ File() *sqlite.DB }:
		return sqlite.NewStatistics(ctx, fights.File(), database.SQLiteStatistics)
	case *mongodb.Fights:
		return mongodb.NewStatistics(ctx, fights.Database())
	case damagedFights:
		return nil, fights.err
	}
	return nil, fmt.Errorf("fights in a %T can't be counted", fights)
}

// RebuildConfig specifies where the fights to recount are stored: at a store URL or else in the data folder. The URL
// can be given with the flag of either the up command or the fights service.
type RebuildConfig struct {
	DataDir          string `default:"./superheroes-data" help:"Folder of the embedded store, used if no URL is given."`
	MongodbURL       string `secret:"" help:"Store of fights: mongodb://user:password@host:port/database or sqlite:PATH."`
	FightsMongodbURL string `secret:"" help:"Store of fights; same flag and variable as for up."`
}

func (c RebuildConfig) store() store {
	return locate(engineMongoDB, c.DataDir, "fights",
		urlFlag{"--fights-mongodb-url", c.FightsMongodbURL}, urlFlag{"--mongodb-url", c.MongodbURL})
}

// Validate checks the settings that locate the fights.
func (c RebuildConfig) Validate() error {
	return cmp.Or(validFolder(c.DataDir), c.store().validURL())
}

// Rebuild first counts any new fights, then recounts all fights and corrects the statistics. Meanwhile, other processes
// may store fights.
func Rebuild(ctx context.Context, cfg RebuildConfig) (report statistics.Report, err error) {
	from := cfg.store()
	if err := from.mustExist("there are no fights to count"); err != nil {
		return report, err
	}
	opened, err := openStatistics(ctx, from)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, opened.store.fights.Close()) }()
	for more := true; more; {
		progress, err := opened.store.totals.Count(ctx)
		if err != nil {
			return report, err
		}
		more = progress.More
	}
	return opened.store.totals.Rebuild(ctx)
}
