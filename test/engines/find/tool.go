package find

import (
	"context"

	"superheroes/test/engines"
)

// tool is a program that tests run themselves.
type tool struct {
	name     string // for people
	variable string // for its path
	programs programs
	packages packages
}

func pgbouncer() tool {
	return tool{"PgBouncer", engines.PgBouncerBin, programs{
		names:   []string{"pgbouncer"},
		folders: []string{"/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"},
	}, packages{"pgbouncer"}}
}

func mariadbDump() tool {
	return tool{"mariadb-dump", engines.MariaDBDump, programs{
		names:   []string{"mariadb-dump"},
		folders: []string{"/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"},
	}, packages{"mariadb-client"}}
}

func nginx() tool {
	return tool{"nginx", engines.NginxBin, programs{
		names:   []string{"nginx"},
		folders: []string{"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin"},
	}, packages{"nginx-light"}}
}

// tool returns a search for a tool.
func (f *Finder) tool(t tool) func(context.Context) *Engine {
	local := func(ctx context.Context) (*Engine, error) {
		path, err := f.machine.find(t.programs)
		if err != nil {
			return nil, err
		}
		return program(ctx, t.variable, path, "found "+path)
	}
	installed := func(ctx context.Context) (*Engine, error) {
		if err := f.apt.install(ctx, t.packages); err != nil {
			return nil, err
		}
		return local(ctx)
	}
	remedy := "install " + t.name + " (Debian: apt-get install " + t.packages[0] + "), or set " + t.variable
	return func(ctx context.Context) *Engine {
		return first(ctx, t.name, remedy, f.given(t.variable), source{"local programs", local}, source{"apt-get", installed})
	}
}
