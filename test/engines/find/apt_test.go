package find

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeApt records the commands that are run, and what the policy and cluster settings contain during installation.
type fakeApt struct {
	root     string
	commands []string
	policies []string // recorded at each installation
	clusters []string // recorded at each installation
	fail     string   // name of a package whose installation fails
}

func (f *fakeApt) execute(_ context.Context, program string, args ...string) (string, error) {
	f.commands = append(f.commands, program+" "+args[len(args)-1])
	if program == "apt-cache" {
		return "mariadb-server-core-9.1\nmariadb-server-core-10.6\nmariadb-server-corearchive\npostgresql\npostgresql-15\n", nil
	}
	if args[len(args)-1] == "update" {
		return "", errors.New("no network")
	}
	f.policies = append(f.policies, contentOf(f.root+"/usr/sbin/policy-rc.d"))
	f.clusters = append(f.clusters, contentOf(f.root+"/etc/postgresql-common/createcluster.conf"))
	if f.fail != "" && args[len(args)-1] == f.fail {
		return "", errors.New("it fails")
	}
	return "", nil
}

func contentOf(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return "-"
	}
	return string(content)
}

func TestAptStartsNothingAndPutsThingsBack(t *testing.T) {
	const denied, noCluster = "#!/bin/sh\nexit 101\n", "create_main_cluster = false\n"
	tests := []struct {
		name   string
		policy string // before the installation
		fail   string
	}{
		{"no policy before", "", ""},
		{"a policy before", "#!/bin/sh\nexit 0\n", ""},
		{"a failed install", "", "postgresql"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			fake := &fakeApt{root: t.TempDir(), fail: test.fail}
			policy, clusters := fake.root+"/usr/sbin/policy-rc.d", fake.root+"/etc/postgresql-common/createcluster.conf"
			write(t, fake.root+"/etc/os-release", "ID=debian\n", 0o600)
			write(t, clusters, "# the package's own\n", 0o640)
			write(t, policy, test.policy, 0o700)
			if test.policy == "" {
				if err := os.Remove(policy); err != nil {
					t.Fatal(err)
				}
			}
			before := contentOf(policy)

			apt := &apt{root: fake.root, say: t.Logf, execute: fake.execute}
			err := apt.install(t.Context(), packages{"postgresql"})

			if (err != nil) != (test.fail != "") {
				t.Errorf("got error %v", err)
			}
			if diff := cmp.Diff([]string{denied, denied}, fake.policies); diff != "" {
				t.Errorf("the policy during installation (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"# the package's own\n", noCluster}, fake.clusters); diff != "" {
				t.Errorf("the cluster settings during installation (-want +got):\n%s", diff)
			}
			if got := contentOf(policy); got != before {
				t.Errorf("the policy after installation is %q, want %q as before", got, before)
			}
			if got := contentOf(clusters); got != "# the package's own\n" {
				t.Errorf("the cluster settings after installation are %q", got)
			}
		})
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
