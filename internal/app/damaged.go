package app

import (
	"context"
	"errors"
	"slices"
	"sync"

	"superheroes/internal/catalog"
	"superheroes/internal/fight"
	"superheroes/internal/statistics"
	"superheroes/internal/storage"
)

// unusable is embedded in the stand-ins for stores that were damaged when `up` started. A service with such a stand-in
// responds with 503 and isn't ready, while the other services run. Every method of the stand-ins returns the error from
// opening the damaged store.
type unusable struct{ err error }

func (u unusable) Ping(context.Context) error { return u.err }

func (u unusable) Close() error { return nil }

type damagedCatalog[T catalog.Item] struct{ unusable }

func (d damagedCatalog[T]) Get(context.Context, int64) (item T, err error) { return item, d.err }

func (d damagedCatalog[T]) GetMany(context.Context, []int64) ([]T, error) { return nil, d.err }

func (d damagedCatalog[T]) Page(context.Context, int64, int) ([]T, error) { return nil, d.err }

func (d damagedCatalog[T]) IDs(context.Context, catalog.Version) ([]int64, catalog.Version, error) {
	return nil, "", d.err
}

func (d damagedCatalog[T]) Import(context.Context, bool, func(func(T) error) error) error {
	return d.err
}

func (d damagedCatalog[T]) Write(context.Context, int64, func(*T) (*T, error)) (*T, error) {
	return nil, d.err
}

type damagedFights struct{ unusable }

func (d damagedFights) Insert(context.Context, fight.Fight, []byte) error { return d.err }

func (d damagedFights) Get(context.Context, fight.ID) (f fight.Fight, err error) { return f, d.err }

func (d damagedFights) Page(context.Context, fight.ID, int) ([]fight.Fight, error) { return nil, d.err }

func (d damagedFights) Count(context.Context) (int64, error) { return 0, d.err }

// Last returns the zero ID. This is harmless, because no fight will be stored.
func (d damagedFights) Last(context.Context) (id fight.ID, err error) { return id, nil }

type damagedStatistics struct{ unusable }

func (d damagedStatistics) Count(context.Context) (p statistics.Progress, err error) { return p, d.err }

func (d damagedStatistics) Read(context.Context) (s statistics.Statistics, err error) {
	return s, d.err
}

func (d damagedStatistics) Rebuild(context.Context) (r statistics.Report, err error) { return r, d.err }

// damage collects the errors of stores that were damaged at startup, by service.
type damage struct {
	mu     sync.Mutex
	errors map[string]error
}

// tolerate reports whether err means that the service's store is damaged, and records such an error. A nil *damage
// tolerates no error.
func (d *damage) tolerate(service string, err error) bool {
	if d == nil || !errors.Is(err, storage.ErrDamaged) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.errors == nil {
		d.errors = map[string]error{}
	}
	d.errors[service] = err
	return true
}

// of returns the error that means that the service's store is damaged, or nil.
func (d *damage) of(service string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.errors[service]
}

// report logs each damaged store in its service's log. It returns an error if all stores are damaged.
func (d *damage) report(parts map[string]*part) error {
	if !slices.ContainsFunc(storing(), func(service string) bool { return d.errors[service] == nil }) {
		return d.errors["fights"] // the other stores' errors are similar
	}
	for service, err := range d.errors {
		if p := parts[service]; p != nil {
			p.log.Error("the store can't be used; this service returns 503 until it is repaired and the program is restarted",
				"cause", err)
		}
	}
	return nil
}
