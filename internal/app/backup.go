package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"superheroes/internal/sqlite"
)

// draft is the suffix of the copies' file names until the whole backup is durable.
const draft = ".part"

// Backup copies the databases of a data folder into a new or empty folder, even while the databases are in use. Each
// copy is a consistent snapshot; the copy of the fights includes the statistics. If Backup fails or ctx ends, it leaves
// nothing behind. Backup calls report for each copy.
func Backup(ctx context.Context, dataDir, folder string, report func(path string, size int64)) (err error) {
	services, err := databases(dataDir)
	if err != nil {
		return err
	}
	made, err := emptyFolder(folder)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("nothing was written: %w", err), discard(folder, services, made))
		}
	}()
	for _, service := range services {
		if err := sqlite.Backup(ctx, databaseFile(dataDir, service), databaseFile(folder, service)+draft); err != nil {
			return err
		}
	}
	for _, service := range services {
		path := databaseFile(folder, service)
		if err := os.Rename(path+draft, path); err != nil {
			return err
		}
	}
	if err := sqlite.FlushFolder(folder); err != nil {
		return err
	}
	for _, service := range services {
		path := databaseFile(folder, service)
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		report(path, info.Size())
	}
	return nil
}

// emptyFolder creates the folder, or checks that an existing folder is empty.
func emptyFolder(folder string) (made bool, err error) {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, os.Mkdir(folder, 0o750)
	case err != nil:
		return false, err
	case len(entries) > 0:
		return false, fmt.Errorf("%s is not empty; choose a new folder", folder)
	}
	return false, nil
}

// discard removes everything that an incomplete backup has written.
func discard(folder string, services []string, made bool) error {
	var failures []error
	for _, service := range services {
		for _, suffix := range []string{"", draft, draft + "-journal"} {
			if err := os.Remove(databaseFile(folder, service) + suffix); !errors.Is(err, fs.ErrNotExist) {
				failures = append(failures, err)
			}
		}
	}
	if made {
		failures = append(failures, os.Remove(folder))
	}
	return errors.Join(failures...)
}
