package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// databaseFile returns the path of a service's database in the data folder.
func databaseFile(dir, service string) string { return filepath.Join(dir, service+".db") }

// embeddedURL returns the store URL for a service's database in the data folder.
func embeddedURL(dir, service string) string { return "sqlite:" + databaseFile(dir, service) }

// databases returns the names of the services that have a database in the data folder.
func databases(dir string) (services []string, err error) {
	for _, service := range storing() {
		switch _, err := os.Stat(databaseFile(dir, service)); {
		case err == nil:
			services = append(services, service)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	if services == nil {
		return nil, fmt.Errorf("there is no embedded store in %s; choose its folder with --data-dir", dir)
	}
	return services, nil
}

// resolve assigns a file in the data folder to every store without a URL. If any store needs the data folder, resolve
// creates the folder and, if exclusive is true, locks it. The function unlock releases the lock.
func (s *Stores) resolve(exclusive bool) (unlock func() error, err error) {
	unlock = func() error { return nil }
	embedded := false
	for _, at := range s.urls() {
		if *at.url == "" {
			*at.url, embedded = embeddedURL(s.DataDir, at.service), true
		}
	}
	if !embedded {
		return unlock, nil
	}
	if err := makeFolder(s.DataDir); err != nil || !exclusive {
		return unlock, err
	}
	return lockFolder(s.DataDir)
}

// storeURLSetting is the setting for the URL of a service's store.
type storeURLSetting struct {
	service string
	url     *string
}

func (s *Stores) urls() []storeURLSetting {
	return []storeURLSetting{
		{"heroes", &s.Heroes.DatabaseURL}, {"villains", &s.Villains.DatabaseURL},
		{"locations", &s.Locations.MysqlURL}, {"fights", &s.Fights.MongodbURL},
	}
}

// storing returns the services that have their own store.
func storing() (services []string) {
	for _, at := range new(Stores).urls() {
		services = append(services, at.service)
	}
	return services
}

// Describe returns the locations of the stores, which the up command prints when it starts.
func (s Stores) Describe() string {
	for _, at := range s.urls() {
		if *at.url == "" {
			dir, err := filepath.Abs(s.DataDir)
			if err != nil {
				return s.DataDir
			}
			return dir
		}
	}
	return "in the configured databases"
}

// makeFolder creates the data folder unless it exists or dir is "".
func makeFolder(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("can't create the data folder %s: %w; choose another (%s)", dir, err, Setting("--data-dir"))
	}
	return nil
}

// lockFolder locks the data folder for this process. The operating system releases the lock no matter how the process
// exits.
func lockFolder(dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, "lock"))
	taken, err := lock.TryLock()
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) { // a read-only folder
		lock = flock.New(filepath.Join(dir, "lock"), flock.SetFlag(os.O_RDONLY))
		readOnly, failed := lock.TryLock()
		if _, none := databases(dir); none == nil && (failed == nil || errors.Is(failed, fs.ErrNotExist)) {
			taken, err = readOnly || failed != nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("can't write to the data folder %s: %w; choose another (%s)",
			dir, errors.Unwrap(err), Setting("--data-dir"))
	}
	if !taken {
		return nil, fmt.Errorf("the data folder %s is in use by another process; stop it, or choose another folder (%s)",
			dir, Setting("--data-dir"))
	}
	return lock.Close, nil
}
