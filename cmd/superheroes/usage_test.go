package main

import (
	"bytes"
	"net"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"superheroes/internal/buildinfo"
	"superheroes/internal/timerslack"
)

// outcome is the result of running a command line.
type outcome struct {
	code           int
	stdout, stderr string
}

// invoke runs the program with the given arguments in this process.
func invoke(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(args, &stdout, &stderr, func(timerslack.Config) {})
	return outcome{code, stdout.String(), stderr.String()}
}

// exportedLine is what a successful command prints on stderr: what it exported, or nothing.
var exportedLine = regexp.MustCompile(`\A(wrote \d+ \w+ to .+\n)?\z`)

// check verifies the exit code, and that all the given strings appear in the output. A failure must print exactly one
// line on stderr and nothing on stdout.
func (o outcome) check(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d; stdout %s, stderr %s", o.code, code, o.stdout, o.stderr)
	}
	if code == exitOK && !exportedLine.MatchString(o.stderr) {
		t.Errorf("stderr: %s", o.stderr)
	}
	if code != exitOK && (o.stdout != "" || strings.Count(o.stderr, "\n") != 1 || !strings.HasSuffix(o.stderr, "\n")) {
		t.Errorf("want one line on stderr, got stdout %q, stderr %q", o.stdout, o.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(o.stdout+o.stderr, text) {
			t.Errorf("%q is neither in stdout %q nor in stderr %q", text, o.stdout, o.stderr)
		}
	}
	if strings.Contains(o.stderr, "hidden") {
		t.Errorf("stderr reveals a secret: %s", o.stderr)
	}
}

var commandNames = []string{
	"up", "heroes", "villains", "locations", "fights", "statistics", "arena", "migrate", "backup", "import", "export", "seed", "health", "completion", "version", "help",
}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		invoke(args...).check(t, exitOK, append([]string{"Usage: superheroes <command>", "--data-dir"}, commandNames...)...)
	}
	for _, command := range commandNames {
		t.Run(command, func(t *testing.T) {
			flag := invoke(command, "--help")
			flag.check(t, exitOK, "Usage: superheroes "+command)
			for _, args := range [][]string{{command, "-h"}, {"help", command}} {
				if got := invoke(args...); got != flag {
					t.Errorf("arguments %s: got %+v, want %+v", args, got, flag)
				}
			}
		})
	}
	invoke("help", "up").check(t, exitOK, "--data-dir", "$DATA_DIR", "--heroes-database-url", "$HEROES_DATABASE_URL_FILE")
	for _, args := range []string{"version", "--version"} {
		want := outcome{exitOK, "superheroes " + buildinfo.Version(version) + ", " + runtime.Version() + "\n", ""}
		if got := invoke(args); got != want {
			t.Errorf("%s: got %+v, want %+v", args, got, want)
		}
	}
}

// A parser for only the command named on the command line gives the same result as a parser for all commands.
func TestGrammar(t *testing.T) {
	parse := func(t *testing.T, grammar any, args []string) (target any, said string) {
		var out bytes.Buffer
		parser, err := newParser(grammar, &out, &out, func(int) {})
		if err != nil {
			t.Fatal(err)
		}
		command, err := parser.Parse(args)
		if err != nil {
			return nil, out.String() + err.Error()
		}
		return command.Selected().Target.Interface(), out.String()
	}
	for _, name := range append(commandNames, "") {
		for _, rest := range []string{"", "--help", "nonsense", "--profile=strict", "rebuild", "heroes file"} {
			args := strings.Fields(name + " " + rest)
			got, said := parse(t, grammar(args), args)
			want, wanted := parse(t, &commands{}, args)
			if !reflect.DeepEqual(got, want) || said != wanted {
				t.Errorf("%s: got %+v, %q, want %+v, %q", args, got, said, want, wanted)
			}
		}
	}
	for _, args := range [][]string{nil, {"heroes"}} {
		if _, all := grammar(args).(*commands); all {
			t.Errorf("%q makes the parser load all commands, not just one", args)
		}
	}
}

// The error for an invalid command line names the cause. TestErrorsNameFlagAndVariable covers malformed flag values;
// this test covers all other mistakes.
func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		args  string
		names string // text that the message must contain
	}{
		{"nonsense", "unknown command nonsense; see superheroes --help"},
		{"healt", "unknown command healt, did you mean health?"},
		{"viilains --addr=:1", "did you mean villains?"},
		{"b", "unknown command b; see"},
		{"help nonsense", "nonsense"},
		{"--nonsense", "--nonsense"},
		{"heroes --data-dir=x", "--data-dir"},
		{"up nonsense", "nonsense"},
		{"version nonsense", "nonsense; see superheroes version --help"},
		{"statistics forget", "forget"},
		{"bench --duration 3s --versus=http://localhost:1", "superheroes-bench"},
		{"heroes --pool-min", "--pool-min"},
		{"heroes --pool-min=0 --pool-max=0", "--pool-max"},
		{"heroes --pool-max=4294967296", "--pool-max"},
		{"up --villains-database-url=postgres://h/d --villains-pool-min=9 --villains-pool-max=8", "--villains-pool-max"},
		{"up --drain-delay=-1s", "--drain-delay"},
		{"up --port-base=0", "--port-base"},
		{"up --port-base=65530", "--port-base"},
		{"up --idle-timeout=5", "--idle-timeout"},
		{"heroes --deadline=0s", "--deadline"},
		{"heroes --deadline=20s", "--write-timeout"},
		{"heroes --max-connections=0", "--max-connections"},
		{"heroes --max-header-bytes=-1", "--max-header-bytes"},
		{"heroes --snapshot-limit=-1", "--snapshot-limit"},
		{"fights --peer-connect-timeout=0s", "--peer-connect-timeout"},
		{"fights --peer-write-timeout=0s", "--peer-write-timeout"},
		{"arena --peer-read-timeout=0s", "--peer-read-timeout"},
		{"fights --peer-max-connections=-1", "--peer-max-connections"},
		{"arena --peer-idle-connections=0", "--peer-idle-connections"},
		{"fights --profile=Strict", "--profile"},
		{"up --fights-addr=127.0.0.1:65536", "--fights-addr"},
		{"health --addr=127.0.0.1:http", "--addr"},
		{"up --statistics-max-streams=0", "--statistics-max-streams"},
		{"statistics --max-streams=0", "--max-streams"},
		{"up --data-dir=", "--data-dir"},
		{"statistics rebuild --data-dir=", "--data-dir"},
		{"seed heroes --data-dir=", "--data-dir"},
		{"backup --data-dir= copies", "--data-dir"},
		{"import", "<catalog>"},
		{"import heroes", "<file>"},
		{"import dogs x.csv", "<catalog>"},
		{"import heroes x.txt", "x.txt"},
		{"import heroes x", "x: unknown format"},
		{"import heroes -", "--format"},
		{"export heroes --format=sql", "--format"},
		{"export heroes -o x.sql", "--output"},
		{"export heroes -o x.txt", "x.txt"},
		{"seed heroes 1000", "1000"},
		{"seed heroes --count=0", "--count"},
		{"seed heroes --count=9223372036854775808", "--count"},

		{"heroes --database-url=", "--database-url"},
		{"heroes --database-url=mysql://u:hidden@h/d", "--database-url"},
		{"villains --database-url=mongodb://u:hidden@h/d", "--database-url"},
		{"locations --mysql-url=postgres://u:hidden@h/d", "--mysql-url"},
		{"fights --mongodb-url=mysql://u:hidden@h/d", "--mongodb-url"},
		{"statistics --mongodb-url=mysql://u:hidden@h/d", "--mongodb-url"},
		{"statistics rebuild --fights-mongodb-url=mysql://u:hidden@h/d", "--fights-mongodb-url"},
		{"up --villains-database-url=mysql://u:hidden@h/d", "--villains-database-url"},
		{"migrate --locations-mysql-url=postgres://u:hidden@h/d", "--locations-mysql-url"},
		{"import villains x.csv --database-url=mongodb://u:hidden@h/d", "--database-url"},
		{"export locations --mysql-url=postgres://u:hidden@h/d", "--mysql-url"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Chdir(t.TempDir()) // a temporary folder, in case a command creates files by mistake
			invoke(strings.Fields(c.args)...).check(t, exitUsage, c.names)
		})
	}
}

// If a service's store is unavailable, the error is one line with the host, the port and the cause, but without the
// password.
func TestUnavailableStores(t *testing.T) {
	t.Parallel()
	const nobody = "127.0.0.1:1"
	for args, setting := range map[string]string{
		"heroes --database-url=postgres://u:hidden@" + nobody + "/d":                        "(--database-url, DATABASE_URL)",
		"locations --mysql-url=mysql://u:hidden@" + nobody + "/d":                           "(--mysql-url, MYSQL_URL)",
		"fights --mongodb-url=mongodb://u:hidden@" + nobody + "/d":                          "(--mongodb-url, MONGODB_URL)",
		"statistics --mongodb-url=mongodb://u:hidden@" + nobody + "/d":                      "(--mongodb-url, MONGODB_URL)",
		"migrate --data-dir=DIR --heroes-database-url=postgres://u:hidden@" + nobody + "/d": "(--heroes-database-url, HEROES_DATABASE_URL)",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			line := strings.Fields(strings.ReplaceAll(args, "DIR", t.TempDir()))
			if line[0] == "migrate" {
				line = append(line, "--heroes-store-wait=600ms")
			} else {
				line = append(line, "--store-wait=600ms", "--addr=127.0.0.1:0")
			}
			invoke(line...).check(t, exitError, nobody, "within 600ms", "refused", setting)
		})
	}
}

// If an address, store or folder can't be opened, the error names it and the setting that specifies it.
func TestCannotOpen(t *testing.T) {
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	addr, nowhere := occupied.Addr().String(), filepath.Join(t.TempDir(), "nobody", "heroes.db")
	invoke("heroes", "--addr="+addr).check(t, exitError, addr, "(--addr, ADDR)")
	invoke(append([]string{"up", "--data-dir=" + t.TempDir()}, append(anyPort, "--heroes-addr="+addr)...)...).
		check(t, exitError, addr, "(--heroes-addr, HEROES_ADDR)", "--port-base")
	invoke("heroes", "--addr=127.0.0.1:0", "--database-url=sqlite:"+nowhere).check(t, exitError, nowhere, "(--database-url, DATABASE_URL)")
	invoke("export", "heroes", "--heroes-database-url=sqlite:"+nowhere).check(t, exitError, nowhere, "(--heroes-database-url, HEROES_DATABASE_URL)")
	folders := []string{filepath.Join(write(t, "file", ""), "data")}
	if runtime.GOOS == "linux" {
		folders = append(folders, "/proc/superheroes", "/proc/self/task") // no folder can be created in /proc
	}
	for _, folder := range folders {
		invoke(append([]string{"up", "--data-dir=" + folder}, anyPort...)...).check(t, exitError, folder, "(--data-dir, DATA_DIR)")
		for _, command := range []string{"migrate", "seed heroes", "statistics rebuild", "export heroes"} {
			invoke(append(strings.Fields(command), "--data-dir="+folder)...).check(t, exitError, folder)
		}
	}
}
