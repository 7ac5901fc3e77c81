package app

import (
	"context"
	"errors"

	"superheroes/internal/catalog"
)

// SeedOptions select the roster to generate.
type SeedOptions struct {
	Count   int64  // number of entries, at least 1
	Seed    uint64 // the same seed generates the same entries
	Replace bool   // empty the catalog first
	Taken   func() // called after each accepted entry
}

// Seed generates a roster and writes it into the catalog of heroes, villains or locations, in one transaction. An
// entry whose name is taken is skipped and replaced by another one.
func Seed(ctx context.Context, name string, into CatalogStore, options SeedOptions) error {
	at := into.store(name)
	if at.inDataDir {
		if err := makeFolder(into.DataDir); err != nil {
			return err
		}
	}
	switch name {
	case "heroes":
		return seedInto(ctx, heroes(), at, options)
	case "villains":
		return seedInto(ctx, villains(), at, options)
	}
	return seedInto(ctx, locations(), at, options)
}

func seedInto[T catalog.Item](ctx context.Context, kind kindOfCatalog[T], at store, options SeedOptions) (err error) {
	target, err := openCatalog(ctx, kind, at)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return target.Import(ctx, options.Replace, func(put func(T) error) error {
		left := options.Count
		for item := range kind.synthetic(options.Seed) {
			switch err := put(item); {
			case errors.Is(err, catalog.ErrTaken):
				continue
			case err != nil:
				return err
			}
			options.Taken()
			if left--; left == 0 {
				return nil
			}
		}
		return nil
	})
}
