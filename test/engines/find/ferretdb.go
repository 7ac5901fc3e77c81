package find

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"superheroes/test/engines"
)

// ferretdb builds FerretDB, a server that uses MongoDB's wire protocol, from tools/ferretdb on first use. It is not
// safe for concurrent use.
type ferretdb struct {
	module string
	given  string // path of an existing binary, from the environment

	folder string // folder for a copy of the binary
}

// program returns the path of a FerretDB binary that any account may run.
func (f *ferretdb) program(ctx context.Context) (string, error) {
	if f.given != "" {
		return f.given, nil
	}
	if f.folder != "" {
		return filepath.Join(f.folder, "ferretdb"), nil
	}
	built := filepath.Join(f.module, "build", "ferretdb")
	if err := f.build(ctx, built); err != nil {
		return "", err
	}
	return f.publish(built)
}

func (f *ferretdb) build(ctx context.Context, output string) error {
	command := exec.CommandContext(ctx, "go", "build",
		"-C", filepath.Join(f.module, "tools", "ferretdb"),
		"-tags", "ferretdb_no_postgresql", "-trimpath", "-o", output, ".")
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	if complaint, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building tools/ferretdb: %w: %s", err, complaint)
	}
	return nil
}

// publish copies the program out of the module's directory, because other accounts may be unable to access that
// directory.
func (f *ferretdb) publish(built string) (string, error) {
	folder, err := os.MkdirTemp("", "superheroes-ferretdb-")
	if err != nil {
		return "", fmt.Errorf("creating a folder for FerretDB: %w", err)
	}
	f.folder = folder
	if err := os.Chmod(folder, 0o755); err != nil {
		return "", fmt.Errorf("opening FerretDB's folder: %w", err)
	}
	program := filepath.Join(folder, "ferretdb")
	content, err := os.ReadFile(built)
	if err == nil {
		err = os.WriteFile(program, content, 0o755)
	}
	if err != nil {
		return "", fmt.Errorf("copying FerretDB: %w", err)
	}
	return program, nil
}

func (f *ferretdb) remove() error {
	if f.folder == "" {
		return nil
	}
	return os.RemoveAll(f.folder)
}

// version returns the FerretDB version recorded in the binary, or "" if the version can't be read.
func (f *ferretdb) version(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == "github.com/FerretDB/FerretDB" {
			return module.Version
		}
	}
	return ""
}

// ferretServer starts FerretDB in place of MongoDB.
func (f *Finder) ferretServer(ctx context.Context, kind kind, ferretdb *ferretdb) (*Engine, error) {
	f.Say("%s: there is none, building FerretDB from tools/ferretdb to stand in for it", kind.name)
	program, err := ferretdb.program(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := private(ctx, kind, program)
	if err != nil {
		return nil, err
	}
	engine.Name = "FerretDB " + strings.TrimPrefix(ferretdb.version(program), "v")
	engine.How = "started a private server in place of MongoDB"
	return engine, nil
}

// mongodb looks for a MongoDB server, and uses FerretDB as a last resort. Fault tests start their own server, which is
// a local mongod if available, otherwise FerretDB.
func (f *Finder) mongodb(ctx context.Context) *Engine {
	kind := mongodbKind()
	ferretdb := &ferretdb{module: f.Module, given: f.Getenv(engines.FerretDBBin)}
	engine := first(ctx, kind.name, kind.remedy,
		source{"environment", func(ctx context.Context) (*Engine, error) { return f.running(ctx, kind) }},
		source{"local programs", func(ctx context.Context) (*Engine, error) { return f.local(ctx, kind) }},
		source{"Docker", func(ctx context.Context) (*Engine, error) { return f.container(ctx, kind) }},
		source{"FerretDB", func(ctx context.Context) (*Engine, error) { return f.ferretServer(ctx, kind, ferretdb) }},
	)
	if engine.Missing != nil {
		engine.Missing = errors.Join(engine.Missing, ferretdb.remove())
		return engine
	}
	// The binary must not be removed until the servers that run it have stopped.
	engine.close = append([]func() error{ferretdb.remove}, engine.close...)
	if program, err := f.machine.find(kind.programs); err == nil {
		engine.Env = append(engine.Env, kind.binary+"="+program)
		return engine
	}
	program, err := ferretdb.program(ctx)
	if err != nil {
		f.Say("FerretDB is not available, so tests that start their own server are skipped: %v", err)
		return engine
	}
	engine.Env = append(engine.Env, engines.FerretDBBin+"="+program)
	return engine
}
