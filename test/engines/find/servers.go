package find

import (
	"context"
	"fmt"
)

// server tries all sources for a database server. The server's programs are always located as well, because fault tests
// need a server that they can stop.
func (f *Finder) server(ctx context.Context, kind kind) *Engine {
	engine := first(ctx, kind.name, kind.remedy,
		source{"environment", func(ctx context.Context) (*Engine, error) { return f.running(ctx, kind) }},
		source{"local programs", func(ctx context.Context) (*Engine, error) { return f.local(ctx, kind) }},
		source{"Docker", func(ctx context.Context) (*Engine, error) { return f.container(ctx, kind) }},
		source{"apt-get", func(ctx context.Context) (*Engine, error) { return f.installed(ctx, kind) }},
	)
	if program, err := f.machine.find(kind.programs); err == nil && engine.Missing == nil {
		engine.Env = append(engine.Env, kind.binary+"="+program)
	}
	return engine
}

// running uses the running server whose URL is in the environment.
func (f *Finder) running(ctx context.Context, kind kind) (*Engine, error) {
	url := f.Getenv(kind.variable)
	if url == "" {
		return nil, fmt.Errorf("%s is not set", kind.variable)
	}
	version, err := kind.ping(ctx, url)
	if err != nil {
		return nil, err
	}
	return &Engine{Name: version, How: "found at " + kind.variable, Env: []string{kind.variable + "=" + url}}, nil
}

// local starts a private server from a program on this machine.
func (f *Finder) local(ctx context.Context, kind kind) (*Engine, error) {
	program, err := f.machine.find(kind.programs)
	if err != nil {
		return nil, err
	}
	return private(ctx, kind, program)
}

func private(ctx context.Context, kind kind, program string) (*Engine, error) {
	server, err := kind.start(ctx, program)
	if err != nil {
		return nil, err
	}
	return &Engine{
		Name:  server.Version(),
		How:   "started a private server from " + program,
		Env:   []string{kind.variable + "=" + server.URL},
		PID:   server.Pid(),
		close: []func() error{server.Close},
	}, nil
}

// container starts a server in a container.
func (f *Finder) container(ctx context.Context, kind kind) (*Engine, error) {
	if err := f.docker.available(ctx); err != nil {
		return nil, err
	}
	f.Say("%s: starting %s with Docker", kind.name, kind.image.name)
	started, err := f.docker.run(ctx, kind.image)
	if err != nil {
		return nil, err
	}
	version, err := started.await(ctx, kind.ping)
	if err != nil {
		return nil, started.discard(err)
	}
	return &Engine{
		Name:  version,
		How:   "started a container of " + kind.image.name,
		Env:   []string{kind.variable + "=" + started.url},
		close: []func() error{started.close},
	}, nil
}

// installed installs the server's packages and starts a private server.
func (f *Finder) installed(ctx context.Context, kind kind) (*Engine, error) {
	if err := f.apt.install(ctx, kind.packages); err != nil {
		return nil, err
	}
	return f.local(ctx, kind)
}
