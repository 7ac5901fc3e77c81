package find

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindPrograms(t *testing.T) {
	postgres := programs{names: []string{"initdb", "postgres"}, folders: []string{"/usr/lib/postgresql/*/bin"}, wantFolder: true}
	mariadb := programs{names: []string{"mariadbd"}, folders: []string{"/usr/sbin", "/usr/libexec"}}
	tests := []struct {
		name   string
		files  []string // executables; with a leading minus, plain files
		links  map[string]string
		wanted programs
		want   string
	}{
		{
			name:   "the PATH comes first",
			files:  []string{"bin/mariadbd", "usr/sbin/mariadbd"},
			wanted: mariadb,
			want:   "bin/mariadbd",
		},
		{
			name:   "then the folders in order",
			files:  []string{"usr/libexec/mariadbd", "usr/sbin/mariadbd"},
			wanted: mariadb,
			want:   "usr/sbin/mariadbd",
		},
		{
			name: "the newest of several versions",
			files: []string{
				"usr/lib/postgresql/9.6/bin/initdb", "usr/lib/postgresql/9.6/bin/postgres",
				"usr/lib/postgresql/16/bin/initdb", "usr/lib/postgresql/16/bin/postgres",
			},
			wanted: postgres,
			want:   "usr/lib/postgresql/16/bin",
		},
		{
			name: "not where only some of the programs are",
			files: []string{
				"bin/postgres", "usr/lib/postgresql/16/bin/initdb",
				"usr/lib/postgresql/15/bin/initdb", "usr/lib/postgresql/15/bin/postgres",
			},
			wanted: postgres,
			want:   "usr/lib/postgresql/15/bin",
		},
		{
			name:   "links lead to the real folder",
			files:  []string{"opt/pg/initdb", "opt/pg/postgres"},
			links:  map[string]string{"bin/initdb": "opt/pg/initdb", "bin/postgres": "opt/pg/postgres"},
			wanted: postgres,
			want:   "opt/pg",
		},
		{
			name:   "what can't be executed is no program",
			files:  []string{"-usr/sbin/mariadbd"},
			wanted: mariadb,
		},
		{
			name:   "nothing there",
			wanted: postgres,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			root := fakeRoot(t, test.files)
			for link, target := range test.links {
				if err := os.Symlink(filepath.Join(root, target), filepath.Join(root, link)); err != nil {
					t.Fatal(err)
				}
			}
			got, err := machine{root: root, path: []string{filepath.Join(root, "bin")}}.find(test.wanted)
			if test.want == "" {
				if err == nil {
					t.Fatalf("got %s, want nothing", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(root, test.want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// fakeRoot creates a folder with the files, and an empty bin for PATH.
func fakeRoot(t *testing.T, files []string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		mode := os.FileMode(0o700)
		if file[0] == '-' {
			file, mode = file[1:], 0o600
		}
		path := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
