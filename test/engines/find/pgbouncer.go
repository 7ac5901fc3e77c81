package find

import (
	"context"

	"superheroes/test/engines"
)

// pgbouncer looks for the pooler that tests put before their PostgreSQL. They start it themselves.
func (f *Finder) pgbouncer(ctx context.Context) *Engine {
	const remedy = "install PgBouncer (Debian: apt-get install pgbouncer), or set " + engines.PgBouncerBin
	return first(ctx, "PgBouncer", remedy,
		f.given(engines.PgBouncerBin),
		source{"local programs", f.localPgBouncer},
		source{"apt-get", func(ctx context.Context) (*Engine, error) {
			if err := f.apt.install(ctx, packages{"pgbouncer"}); err != nil {
				return nil, err
			}
			return f.localPgBouncer(ctx)
		}},
	)
}

func (f *Finder) localPgBouncer(ctx context.Context) (*Engine, error) {
	path, err := f.machine.find(programs{
		names:   []string{"pgbouncer"},
		folders: []string{"/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"},
	})
	if err != nil {
		return nil, err
	}
	return program(ctx, engines.PgBouncerBin, path, "found "+path)
}
