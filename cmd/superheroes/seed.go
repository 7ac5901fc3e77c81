package main

import (
	"fmt"

	"github.com/schollz/progressbar/v3"

	"superheroes/internal/app"
)

type seedCommand struct {
	Catalog          string `arg:"" enum:"heroes,villains,locations" help:"What to generate: heroes, villains or locations."`
	Count            int64  `default:"1000" env:"SEED_COUNT" help:"How many to generate."`
	Seed             uint64 `default:"1" env:"SEED" help:"Seed of the generator: the same seed generates the same entries."`
	Replace          bool   `env:"SEED_REPLACE" help:"Empty the catalog first, in the same transaction."`
	app.CatalogStore `embed:""`
}

// Validate rejects an invalid count and invalid store settings.
func (c seedCommand) Validate() error {
	if c.Count < 1 {
		return &settingError{"--count", "SEED_COUNT", fmt.Errorf("must be at least 1, not %d", c.Count)}
	}
	return c.ValidateFor(c.Catalog)
}

func (c seedCommand) Run(s *session) error {
	ctx, stop := s.untilSignal()
	defer stop()
	bar := s.bar(c.Count, c.Catalog, progressbar.OptionShowCount(), progressbar.OptionShowIts())
	taken := func() { _ = bar.Add(1) }
	options := app.SeedOptions{Count: c.Count, Seed: c.Seed, Replace: c.Replace, Taken: taken}
	err := app.Seed(ctx, c.Catalog, c.CatalogStore, options)
	_ = bar.Finish()
	if err != nil {
		return unchanged(err)
	}
	fmt.Fprintf(s.stdout, "%s generated in %s\n", counted(c.Count, c.Catalog), c.Place(c.Catalog))
	return nil
}
