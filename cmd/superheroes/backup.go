package main

import (
	"errors"
	"fmt"

	"superheroes/internal/app"
)

type backupCommand struct {
	Folder  string `arg:"" help:"Folder for the copies: a new one, or one that is empty."`
	DataDir string `default:"./superheroes-data" help:"Folder of the embedded store."`
}

// Validate refuses what names no folder.
func (c backupCommand) Validate() error {
	if c.Folder == "" || c.DataDir == "" {
		return errors.New("--data-dir and the folder for the copies must name a folder")
	}
	return nil
}

func (c backupCommand) Run(s *session) error {
	ctx, stop := untilSignal()
	defer stop()
	return app.Backup(ctx, c.DataDir, c.Folder, func(path string, size int64) {
		fmt.Fprintf(s.stdout, "%s  %d bytes\n", path, size)
	})
}
