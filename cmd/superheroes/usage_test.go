package main

import (
	"bytes"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"superheroes/internal/buildinfo"
	"superheroes/internal/timerslack"
)

// outcome is the result of a command line.
type outcome struct {
	code           int
	stdout, stderr string
}

// invoke runs a command line in this process.
func invoke(args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := run(args, &stdout, &stderr, func(timerslack.Config) {})
	return outcome{code, stdout.String(), stderr.String()}
}

// check checks the exit code, that a failure prints exactly one line on stderr and nothing else, and that the output
// contains the texts.
func (o outcome) check(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit code %d, want %d; stdout %s, stderr %s", o.code, code, o.stdout, o.stderr)
	}
	if code == exitOK && o.stderr != "" {
		t.Errorf("stderr: %s", o.stderr)
	}
	if code != exitOK && (o.stdout != "" || strings.Count(o.stderr, "\n") != 1 || !strings.HasSuffix(o.stderr, "\n")) {
		t.Errorf("want one line on stderr, got stdout %q, stderr %q", o.stdout, o.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(o.stdout+o.stderr, text) {
			t.Errorf("%q is missing from stdout %q, stderr %q", text, o.stdout, o.stderr)
		}
	}
}

var commandNames = []string{"up", "heroes", "villains", "locations", "fights", "statistics", "arena", "migrate", "import", "export", "seed", "health", "version", "help"}

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			invoke(args...).check(t, exitOK, append([]string{"Usage: superheroes <command>"}, commandNames...)...)
		})
	}
	for _, command := range commandNames {
		t.Run(command, func(t *testing.T) {
			flag := invoke(command, "--help")
			flag.check(t, exitOK, "Usage: superheroes "+command)
			invoke(command, "-h").check(t, exitOK, flag.stdout)
			if asked := invoke("help", command); asked != flag {
				t.Errorf("help %s: got %+v, want %+v", command, asked, flag)
			}
		})
	}
	t.Run("a flag and its variable", func(t *testing.T) {
		invoke("help", "up").check(t, exitOK, "--data-dir", "$DATA_DIR", "--heroes-addr", "$HEROES_ADDR", "--heroes-database-url", "$HEROES_DATABASE_URL")
		invoke("help", "fights").check(t, exitOK, "--addr", "$ADDR", "--mongodb-url", "$MONGODB_URL", "--heroes-url", "$HEROES_URL")
	})
}

func TestVersion(t *testing.T) {
	got := invoke("version")
	got.check(t, exitOK, "superheroes "+buildinfo.Version(version))
	if strings.Count(got.stdout, "\n") != 1 {
		t.Errorf("got %q", got.stdout)
	}
}

// A parser that knows one command parses each line like the one that knows all.
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
		for _, rest := range []string{"", "--help", "--nonsense", "nonsense", "--deadline=soon", "--profile=strict", "rebuild", "heroes file", "a b c"} {
			args := strings.Fields(name + " " + rest)
			t.Run(strings.Join(args, " "), func(t *testing.T) {
				got, said := parse(t, grammar(args), args)
				want, wanted := parse(t, &commands{}, args)
				if !reflect.DeepEqual(got, want) || said != wanted {
					t.Errorf("got %+v, %q, want %+v, %q", got, said, want, wanted)
				}
			})
		}
	}
	for _, args := range [][]string{nil, {"heroes"}} {
		if _, all := grammar(args).(*commands); all {
			t.Errorf("%q makes the parser load all commands", args)
		}
	}
}

func TestWrongUsage(t *testing.T) {
	for _, c := range []struct {
		name, args string
		env        string // NAME=value, set before
		names      string // what the message must name
	}{
		{"an unknown command", "nonsense", "", "nonsense"},
		{"an unknown command of help", "help nonsense", "", "nonsense"},
		{"an unknown flag", "--nonsense", "", "--nonsense"},
		{"an unknown flag of up", "up --nonsense=1", "", "--nonsense"},
		{"another command's flag", "heroes --data-dir=x", "", "--data-dir"},
		{"an extra argument of up", "up nonsense", "", "nonsense"},
		{"an extra argument of heroes", "heroes nonsense", "", "nonsense"},
		{"an extra argument of version", "version nonsense", "", "nonsense"},
		{"an extra argument of migrate", "migrate nonsense", "", "nonsense"},
		{"a flag without its value", "heroes --pool-min", "", "--pool-min"},
		{"a number that is none", "heroes --pool-max=many", "", "--pool-max"},
		{"a pool of none", "heroes --pool-min=0 --pool-max=0", "", "--pool-max"},
		{"a pool with its ends swapped", "up --villains-database-url=postgres://h/d --villains-pool-min=9 --villains-pool-max=8", "", "--villains-pool-max"},
		{"a bad duration", "heroes --deadline=soon", "", "--deadline"},
		{"a duration without a unit", "up --idle-timeout=5", "", "--idle-timeout"},
		{"a negative duration", "up --drain-delay=-1s", "", "--drain-delay"},
		{"no time at all", "heroes --deadline=0s", "", "--deadline"},
		{"no time to write an answer at the deadline", "heroes --deadline=20s", "", "--write-timeout"},
		{"no connection", "heroes --max-connections=0", "", "--max-connections"},
		{"headers that can't be", "heroes --max-header-bytes=-1", "", "--max-header-bytes"},
		{"a pool beyond counting", "heroes --pool-max=4294967296", "", "--pool-max"},
		{"no time for peers", "fights --peer-write-timeout=0s", "", "--peer-write-timeout"},
		{"no connection to peers", "fights --peer-max-connections=-1", "", "--peer-max-connections"},
		{"a folder without a name", "up --data-dir=", "", "--data-dir"},
		{"an unknown parameter", "locations --mysql-url=mysql://u:p@h/d?charset=latin1", "", "--mysql-url"},
		{"a bad value of several", "up --log-format=xml", "", "--log-format"},
		{"a bad level", "up --log-level=loud", "", "--log-level"},
		{"a bad yes or no", "up --access-log=perhaps", "", "--access-log"},
		{"an unknown profile", "up --profile=lazy", "", "--profile"},
		{"an unknown profile of one service", "fights --profile=Strict", "", "--profile"},
		{"an unknown profile in a variable", "heroes", "PROFILE=lazy", "--profile"},
		{"a snapshot below nothing", "up --snapshot-limit=-1", "", "--snapshot-limit"},
		{"a snapshot below nothing of one service", "locations --snapshot-limit=-1", "", "--snapshot-limit"},
		{"a snapshot of fights", "fights --snapshot-limit=1", "", "--snapshot-limit"},
		{"a bad duration in a variable", "heroes", "DEADLINE=soon", "DEADLINE"},
		{"a bad number in a variable", "up", "HEROES_POOL_MAX=many", "HEROES_POOL_MAX"},
		{"a bad value in a variable", "up", "LOG_FORMAT=xml", "--log-format"},
		{"a bad address in a variable", "heroes", "ADDR=nonsense", "--addr"},
		{"an address without a port", "heroes --addr=localhost", "", "--addr"},
		{"an address of the arena that is none", "up --arena-addr=nonsense", "", "--arena-addr"},
		{"an arena without a peer", "arena --statistics-url=nonsense", "", "--statistics-url"},
		{"a port beyond all", "up --fights-addr=127.0.0.1:65536", "", "--fights-addr"},
		{"a port of statistics beyond all", "up --statistics-addr=127.0.0.1:65536", "", "--statistics-addr"},
		{"nobody may listen", "up --statistics-max-streams=0", "", "--statistics-max-streams"},
		{"nobody may listen to statistics alone", "statistics --max-streams=0", "", "--max-streams"},
		{"statistics at a bad address", "statistics --addr=nonsense", "", "--addr"},
		{"a rebuild of a folder without a name", "statistics rebuild --data-dir=", "", "--data-dir"},
		{"an unknown command of statistics", "statistics forget", "", "forget"},
		{"a port that is none", "up --locations-addr=127.0.0.1:nonsense", "", "--locations-addr"},
		{"a peer that is no URL", "fights --villains-url=villains:8000", "", "--villains-url"},
		{"a peer of another scheme", "fights", "HEROES_URL=ftp://heroes", "--heroes-url"},
		{"import without anything", "import", "", "<catalog>"},
		{"import without a file", "import heroes", "", "<file>"},
		{"import of an unknown catalog", "import dogs x.csv", "", "<catalog>"},
		{"import of an unknown extension", "import heroes x.txt", "", "x.txt"},
		{"import of no extension", "import heroes x", "", "x: unknown format"},
		{"import of an unknown format", "import heroes x.csv --format=xml", "", "--format"},
		{"import of stdin without a format", "import heroes -", "", "--format"},
		{"export without anything", "export", "", "<catalog>"},
		{"export of an unknown catalog", "export dogs", "", "<catalog>"},
		{"export as SQL", "export heroes --format=sql", "", "--format"},
		{"export to an SQL file", "export heroes -o x.sql", "", "--output"},
		{"export to an unknown extension", "export heroes -o x.txt", "", "x.txt"},
		{"a token that no header carries", "heroes", "ADMIN_TOKEN=two\nlines", "--admin-token"},
		{"a token with a blank behind", "up", "ADMIN_TOKEN=secret ", "--admin-token"},
		{"a token of fights", "fights --admin-token=x", "", "--admin-token"},
		{"seed without anything", "seed", "", "<catalog>"},
		{"seed of an unknown catalog", "seed dogs", "", "<catalog>"},
		{"seed of none", "seed heroes --count=0", "", "--count"},
		{"seed of less than none", "seed heroes --count=-1", "", "--count"},
		{"seed of a part", "seed heroes --count=1.5", "", "--count"},
		{"seed of words", "seed heroes --count=many", "", "--count"},
		{"seed beyond counting", "seed heroes --count=9223372036854775808", "", "--count"},
		{"seed of a bad count in a variable", "seed heroes", "SEED_COUNT=0", "--count"},
		{"a seed that is no number", "seed heroes --seed=x", "", "--seed"},
		{"a seed below nothing", "seed heroes --seed=-1", "", "--seed"},
		{"seed with an extra argument", "seed heroes 1000", "", "1000"},
		{"the bench, which is another program", "bench", "", "superheroes-bench"},
		{"the bench with flags", "bench --duration 3s --versus=http://localhost:1", "", "superheroes-bench"},
		{"health of a bad address", "health --addr=nonsense", "", "--addr"},
		{"health of a bad address of one", "health --fights-addr=nonsense", "", "--fights-addr"},
		{"health of a bad address in a variable", "health", "ADDR=nonsense", "--addr"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir()) // in case something is created by mistake
			if name, value, set := strings.Cut(c.env, "="); set {
				t.Setenv(name, value)
			}
			invoke(strings.Fields(c.args)...).check(t, exitUsage, message(t, c.args, c.names))
		})
	}
}

// message returns how a message names a flag of a command: with its variable. Other texts are unchanged.
func message(t *testing.T, line, name string) string {
	t.Helper()
	commands := model(t)
	words := strings.Fields(line)
	for _, command := range []string{strings.Join(words[:min(2, len(words))], " "), words[0], words[0] + " serve"} {
		if commands[command] == nil {
			continue
		}
		for _, flag := range commands[command].Flags {
			if "--"+flag.Name == name {
				return name + ", " + flag.Envs[0]
			}
		}
	}
	return name
}

func TestBadStoreURLs(t *testing.T) {
	for _, c := range []struct{ name, args, flag string }{
		{"heroes: another engine", "heroes --database-url=mysql://u:hidden@h/d", "--database-url"},
		{"heroes: no URL", "heroes --database-url=", "--database-url"},
		{"heroes: only words", "heroes --database-url=hidden", "--database-url"},
		{"heroes: a bad port", "heroes --database-url=postgres://u:hidden@h:port/d", "--database-url"},
		{"heroes: a bad escape", "heroes --database-url=postgres://u:hidden%zz@h/d", "--database-url"},
		{"villains: another engine", "villains --database-url=mongodb://u:hidden@h/d", "--database-url"},
		{"locations: another engine", "locations --mysql-url=postgres://u:hidden@h/d", "--mysql-url"},
		{"locations: no database", "locations --mysql-url=mysql://u:hidden@h", "--mysql-url"},
		{"locations: no host", "locations --mysql-url=mysql:///hidden", "--mysql-url"},
		{"locations: a bad port", "locations --mysql-url=mysql://u:hidden@h:port/d", "--mysql-url"},
		{"locations: the driver's own spelling", "locations --mysql-url=u:hidden@tcp(h)/d", "--mysql-url"},
		{"fights: another engine", "fights --mongodb-url=mysql://u:hidden@h/d", "--mongodb-url"},
		{"fights: no host", "fights --mongodb-url=mongodb://u:hidden@", "--mongodb-url"},
		{"fights: a bad escape", "fights --mongodb-url=mongodb://u:hidden%zz@h/d", "--mongodb-url"},
		{"fights: a bad option", "fights --mongodb-url=mongodb://u:hidden@h/d?w=-5", "--mongodb-url"},
		{"statistics: another engine", "statistics --mongodb-url=mysql://u:hidden@h/d", "--mongodb-url"},
		{"statistics: a bad option", "statistics --mongodb-url=mongodb://u:hidden@h/d?w=-5", "--mongodb-url"},
		{"rebuild: another engine", "statistics rebuild --mongodb-url=mysql://u:hidden@h/d", "--mongodb-url"},
		{"rebuild: up's settings", "statistics rebuild --fights-mongodb-url=mongodb://u:hidden@", "--fights-mongodb-url"},
		{"a file without a name", "heroes --database-url=sqlite:", "--database-url"},
		{"a folder", "heroes --database-url=sqlite:///tmp/hidden/", "--database-url"},
		{"memory", "fights --mongodb-url=sqlite::memory:", "--mongodb-url"},
		{"up: heroes", "up --heroes-database-url=hidden", "--heroes-database-url"},
		{"up: villains", "up --villains-database-url=mysql://u:hidden@h/d", "--villains-database-url"},
		{"up: locations", "up --locations-mysql-url=mysql://u:hidden@h", "--locations-mysql-url"},
		{"up: fights", "up --fights-mongodb-url=mongodb://u:hidden@", "--fights-mongodb-url"},
		{"migrate", "migrate --heroes-database-url=postgres://u:hidden@h:port/d", "--heroes-database-url"},
		{"import", "import heroes x.csv --database-url=postgres://u:hidden@h:port/d", "--database-url"},
		{"import of locations", "import locations x.csv --mysql-url=mysql://u:hidden@h", "--mysql-url"},
		{"seed", "seed heroes --database-url=postgres://u:hidden@h:port/d", "--database-url"},
		{"export", "export villains --database-url=mongodb://u:hidden@h/d", "--database-url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			got := invoke(strings.Fields(c.args)...)
			got.check(t, exitUsage, message(t, c.args, c.flag)+": ")
			if strings.Contains(got.stderr, "hidden") {
				t.Errorf("the password is revealed: %s", got.stderr)
			}
		})
	}
}

// If a service's store is unavailable, the error is one line with host, port and cause, and no password.
func TestStoresThatDoNotAnswer(t *testing.T) {
	const nobody = "127.0.0.1:1"
	for _, c := range []struct{ name, args, setting string }{
		{"heroes", "heroes --addr=127.0.0.1:0 --store-wait=600ms --database-url=postgres://u:hidden@" + nobody + "/d", "(--database-url, DATABASE_URL)"},
		{"villains", "villains --addr=127.0.0.1:0 --store-wait=600ms --database-url=postgres://u:hidden@" + nobody + "/d", "(--database-url, DATABASE_URL)"},
		{"locations", "locations --addr=127.0.0.1:0 --store-wait=600ms --mysql-url=mysql://u:hidden@" + nobody + "/d", "(--mysql-url, MYSQL_URL)"},
		{"fights", "fights --addr=127.0.0.1:0 --store-wait=600ms --mongodb-url=mongodb://u:hidden@" + nobody + "/d", "(--mongodb-url, MONGODB_URL)"},
		{"statistics", "statistics --addr=127.0.0.1:0 --store-wait=600ms --mongodb-url=mongodb://u:hidden@" + nobody + "/d", "(--mongodb-url, MONGODB_URL)"},
		{"migrate", "migrate --data-dir=DIR --heroes-store-wait=600ms --heroes-database-url=postgres://u:hidden@" + nobody + "/d", "(--heroes-database-url, HEROES_DATABASE_URL)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := invoke(strings.Fields(strings.ReplaceAll(c.args, "DIR", t.TempDir()))...)
			got.check(t, exitError, nobody, "within 600ms", "refused", c.setting)
			if strings.Contains(got.stderr, "hidden") {
				t.Errorf("the password is revealed: %s", got.stderr)
			}
		})
	}
	t.Run("a file that can't be opened", func(t *testing.T) {
		invoke("heroes", "--addr=127.0.0.1:0", "--database-url=sqlite:"+t.TempDir()+"/nobody/heroes.db").check(t, exitError, "heroes.db", "(--database-url, DATABASE_URL)")
	})
	t.Run("a store by the setting of up", func(t *testing.T) {
		invoke("export", "heroes", "--heroes-database-url=sqlite:"+t.TempDir()+"/nobody/heroes.db").check(t, exitError, "(--heroes-database-url, HEROES_DATABASE_URL)")
	})
	t.Run("an address in use", func(t *testing.T) {
		taken := silent(t)
		invoke("heroes", "--addr="+taken).check(t, exitError, taken, "(--addr, ADDR)")
		invoke("up", "--data-dir="+t.TempDir(), "--villains-addr="+taken, "--heroes-addr=127.0.0.1:0").check(t, exitError, taken, "(--villains-addr, VILLAINS_ADDR)")
	})
	t.Run("a data folder that can't be made", func(t *testing.T) {
		folder := filepath.Join(write(t, "file", ""), "data")
		for _, command := range []string{"up --heroes-addr=127.0.0.1:0 --villains-addr=127.0.0.1:0 --locations-addr=127.0.0.1:0 --fights-addr=127.0.0.1:0 --no-arena --no-statistics", "migrate", "seed heroes"} {
			invoke(append(strings.Fields(command), "--data-dir="+folder)...).check(t, exitError, folder, "(--data-dir, DATA_DIR)")
		}
	})
}
