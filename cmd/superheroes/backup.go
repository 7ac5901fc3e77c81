package main

import (
	"errors"
	"fmt"

	"superheroes/internal/app"
)

type backupCommand struct {
	Folder  string `arg:"" help:"Folder for the copies, new or empty."`
	DataDir string `default:"./superheroes-data" help:"Folder of the embedded store."`
}

// Validate rejects an empty name for either folder.
func (c backupCommand) Validate() error {
	switch {
	case c.DataDir == "":
		return &settingError{"--data-dir", "DATA_DIR", errors.New("must name a folder")}
	case c.Folder == "":
		return errors.New("the folder for the copies must have a name")
	}
	return nil
}

func (c backupCommand) Run(s *session) error {
	ctx, stop := s.untilSignal()
	defer stop()
	return app.Backup(ctx, c.DataDir, c.Folder, func(path string, size int64) {
		fmt.Fprintf(s.stdout, "%s  %d bytes\n", path, size)
	})
}
