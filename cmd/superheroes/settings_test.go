package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	gocmp "github.com/google/go-cmp/cmp"

	"superheroes/internal/app"
	"superheroes/internal/httpserver"
	"superheroes/test/engines"
)

// line returns a valid command line of a command, with the required arguments.
func line(name string) []string {
	args := strings.Fields(name)
	switch name {
	case "import":
		args = append(args, "heroes", "x.csv")
	case "backup":
		args = append(args, "copies")
	case "export", "seed":
		args = append(args, "heroes")
	case "floor":
		args = append(args, "1")
	}
	return args
}

// parsed returns the settings that result from a command line and the environment.
func parsed(t *testing.T, args ...string) any {
	t.Helper()
	parser, err := newParser(&commands{}, io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return command.Selected().Target.Interface()
}

// each calls check for each flag with a variable of each command, with a valid command line.
func each(t *testing.T, check func(t *testing.T, flag *kong.Flag, args []string)) {
	for name, command := range model(t) {
		for _, flag := range command.Flags {
			t.Run(name+" "+flag.Name, func(t *testing.T) {
				t.Chdir(t.TempDir()) // in case something is created by mistake
				check(t, flag, line(name))
			})
		}
	}
}

func TestEmptyVariableCountsAsUnset(t *testing.T) {
	each(t, func(t *testing.T, flag *kong.Flag, args []string) {
		want := parsed(t, args...)
		t.Setenv(flag.Envs[0], "")
		t.Setenv(flag.Envs[0]+"_FILE", "")
		if diff := gocmp.Diff(want, parsed(t, args...), gocmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("the settings differ (-unset +empty):\n%s", diff)
		}
	})
}

// A flag may be repeated, a variable has commas; both accept what a person would write.
func TestListsOfNamesAndOrigins(t *testing.T) {
	t.Setenv("ALLOWED_HOSTS", "A.example, b.example.")
	t.Setenv("TRUSTED_ORIGINS", "https://unused.example")
	got := parsed(t, "arena", "--trusted-origin=https://A.example:443", "--trusted-origin", "http://b.example:80,http://c.example:81").(serviceCommand[app.ArenaConfig]).Service
	if want := []httpserver.HostName{"a.example", "b.example"}; !slices.Equal(got.AllowedHosts, want) {
		t.Errorf("hosts %q, want %q", got.AllowedHosts, want)
	}
	if want := []httpserver.Origin{"https://a.example", "http://b.example", "http://c.example:81"}; !slices.Equal(got.TrustedOrigins, want) {
		t.Errorf("origins %q, want %q", got.TrustedOrigins, want)
	}
}

// wrongValue returns an invalid value for a flag, or "" if it accepts any text.
func wrongValue(flag *kong.Flag) string {
	anyText := []string{"data-dir", "report", "rapl", "watts-source"}
	switch {
	case flag.Name == "admin-token":
		return "hidden\nsecret"
	case flag.Name == "output":
		return "x.sql"
	case flag.Name == "allowed-host":
		return "hidden:80"
	case slices.Contains(anyText, flag.Name):
		return ""
	}
	return "hidden"
}

// An error about a setting names the flag and the variable in one line, wherever the value came from.
func TestErrorsNameFlagAndVariable(t *testing.T) {
	each(t, func(t *testing.T, flag *kong.Flag, args []string) {
		value := wrongValue(flag)
		if value == "" {
			return
		}
		if strings.HasSuffix(flag.Name, "-mysql-url") || flag.Name == "mysql-url" {
			args = slices.Clone(args)
			if i := slices.Index(args, "heroes"); i > 0 {
				args[i] = "locations"
			}
		}
		if flag.Name == "villains-database-url" && slices.Contains(args, "heroes") {
			args[slices.Index(args, "heroes")] = "villains"
		}
		names := []string{"--" + flag.Name, flag.Envs[0]}
		got := invoke(append(slices.Clone(args), "--"+flag.Name+"="+value)...)
		got.check(t, exitUsage, names...)
		if secret := fileVariable(flag) != ""; secret && strings.Contains(got.stderr, "hidden") {
			t.Errorf("the secret is revealed: %s", got.stderr)
		}
		t.Setenv(flag.Envs[0], value)
		if same := invoke(args...); same != got {
			t.Errorf("as a variable: got %+v\nwant %+v", same, got)
		}
	})
}

// secretValue returns a valid value for a flag that holds a secret.
func secretValue(flag *kong.Flag) string {
	switch {
	case strings.HasSuffix(flag.Name, "database-url"):
		return "postgres://u:hidden@h/d"
	case strings.HasSuffix(flag.Name, "mysql-url"):
		return "mysql://u:hidden@h/d"
	case strings.HasSuffix(flag.Name, "mongodb-url"):
		return "mongodb://u:hidden@h/d"
	}
	return "hidden"
}

func TestSecretFiles(t *testing.T) {
	found := map[string]bool{}
	each(t, func(t *testing.T, flag *kong.Flag, args []string) {
		isSecret := strings.HasSuffix(flag.Name, "database-url") || strings.HasSuffix(flag.Name, "mysql-url") ||
			strings.HasSuffix(flag.Name, "mongodb-url") || flag.Name == "admin-token"
		variable := fileVariable(flag)
		if isSecret != (variable != "") {
			t.Fatalf("its file variable is %q", variable)
		}
		if !isSecret {
			return
		}
		found[flag.Envs[0]] = true
		value := secretValue(flag)
		want := parsed(t, append(slices.Clone(args), "--"+flag.Name+"="+value)...)
		for _, end := range []string{"", "\n", "\r\n", "\n\n"} {
			t.Setenv(variable, write(t, "secret", value+end))
			if got := parsed(t, args...); !reflect.DeepEqual(got, want) {
				t.Errorf("from a file that ends in %q: got %+v, want %+v", end, got, want)
			}
		}
		if got := parsed(t, append(slices.Clone(args), "--"+flag.Name+"="+value)...); !reflect.DeepEqual(got, want) {
			t.Errorf("beside the flag: got %+v", got)
		}
		refused := func(path string, names ...string) {
			t.Helper()
			t.Setenv(variable, path)
			got := invoke(args...)
			got.check(t, exitUsage, append(names, "--"+flag.Name, flag.Envs[0]+": ", variable)...)
			if strings.Contains(got.stderr, "hidden") {
				t.Errorf("the secret is revealed: %s", got.stderr)
			}
		}
		folder := t.TempDir()
		refused(filepath.Join(folder, "nobody"), filepath.Join(folder, "nobody"), "no such file")
		refused(folder, folder, "not a regular file")
		empty, large := write(t, "empty", "\n"), write(t, "large", strings.Repeat("hidden ", 10_000))
		refused(empty, empty, "is empty")
		refused(large, large, "more than 65536 bytes")
		refused("postgres://u:hidden@h/d", "path of a file")
		t.Setenv(flag.Envs[0], value)
		refused(write(t, "secret", value), "both "+flag.Envs[0]+" and "+variable)
		t.Setenv(flag.Envs[0], "")
		wrong := write(t, "wrong", wrongValue(flag))
		if !slices.Contains(args, "heroes") || strings.HasPrefix(flag.Name, "heroes") || flag.Name == "database-url" { // a setting that applies to this catalog
			t.Setenv(variable, wrong)
			got := invoke(args...)
			got.check(t, exitUsage, "--"+flag.Name, flag.Envs[0])
			if strings.Contains(got.stderr, "hidden") {
				t.Errorf("the secret is revealed: %s", got.stderr)
			}
		}
	})
	for _, name := range []string{
		"DATABASE_URL", "MYSQL_URL", "MONGODB_URL", "ADMIN_TOKEN",
		"HEROES_DATABASE_URL", "VILLAINS_DATABASE_URL", "LOCATIONS_MYSQL_URL", "FIGHTS_MONGODB_URL",
	} {
		if !found[name] {
			t.Errorf("no command reads %s from a file", name)
		}
	}
	t.Run("a file that may not be read", func(t *testing.T) {
		if os.Getuid() == 0 {
			t.Skip("root reads every file")
		}
		path := write(t, "secret", "hidden")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		t.Setenv("ADMIN_TOKEN_FILE", path)
		invoke("heroes").check(t, exitUsage, path, "permission denied", "ADMIN_TOKEN_FILE")
	})
}

func TestLogLevels(t *testing.T) {
	for _, level := range []string{"WARNING", "warning", "WARN", "Warn", "debug", "INFO", "error"} {
		t.Run(level, func(t *testing.T) {
			want := parsed(t, "heroes", "--log-level="+strings.TrimSuffix(strings.ToUpper(level), "ING"))
			t.Setenv("LOG_LEVEL", level)
			if got := parsed(t, "heroes"); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	for _, level := range []string{"WARN+1", "loud", "4"} {
		t.Setenv("LOG_LEVEL", level)
		invoke("heroes").check(t, exitUsage, "--log-level, LOG_LEVEL", "WARNING", level)
	}
}

// Passwords that must be escaped in a URL: drivers take parts of them for something else, which messages show.
var unusual = []string{
	"pa@ss", "@pass", "pass@127.0.0.1:1", "pa/ss", "12/pass", "12/@pass", "127.0.0.1:1/pass", "pa#ss", "12#pass", "pa?ss", "12?pass", "12?pass=1",
	"pa:ss", "pa%zzss", "pa ss", "päss", "[pass", `pa\ss`, "pa,ss=x", "pa,pid=ss", "pa=ss", "pa&ss", "12/pass,name=x", "pa\nss", "-pass", "pass;x", "pa'ss", "pass",
}

// No secret is revealed, whatever it looks like and wherever it is: in the flags and variables of every command, in
// files, in URLs that accept none, in places where it doesn't belong.
func TestNoSecretIsShown(t *testing.T) {
	hidden := func(t *testing.T, got outcome, password string) {
		t.Helper()
		if got.code == exitOK {
			t.Errorf("exit code 0, %+v", got)
		}
		if strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("not one line: %q", got.stderr)
		}
		for _, part := range []string{"pass", "ss", "12"} {
			// Error messages contain these substrings only in words of their own.
			text := strings.NewReplacer("password", "", "passed", "", "processes", "", "process", "", "must", "", "address", "", "127.0.0.1", "", "512", "").Replace(got.stdout + got.stderr)
			if strings.Contains(password, part) && strings.Contains(text, part) {
				t.Errorf("a part of %q is revealed: %s", password, got.stderr)
			}
		}
	}
	urls := []struct{ args, flag, url string }{
		{"heroes --addr=127.0.0.1:0 --store-wait=1ms", "database-url", "postgres://u:PW@127.0.0.1:1/d"},
		{"villains --addr=127.0.0.1:0 --store-wait=1ms", "database-url", "postgresql://u:PW@127.0.0.1:1/d?sslmode=disable"},
		{"locations --addr=127.0.0.1:0 --store-wait=1ms", "mysql-url", "mysql://u:PW@127.0.0.1:1/d"},
		{"fights --addr=127.0.0.1:0 --store-wait=1ms", "mongodb-url", "mongodb://u:PW@127.0.0.1:1/d"},
		{"statistics --addr=127.0.0.1:0 --store-wait=1ms", "mongodb-url", "mongodb://u:PW@127.0.0.1:1/d"},
		{"statistics rebuild", "fights-mongodb-url", "mongodb://u:PW@127.0.0.1:1/d?connectTimeoutMS=pass"},
		{"migrate --heroes-store-wait=1ms", "heroes-database-url", "postgres://u:PW@127.0.0.1:1/d"},
		{"migrate --locations-store-wait=1ms", "locations-mysql-url", "mariadb://u:PW@127.0.0.1:1/d"},
		{"up --fights-store-wait=1ms --heroes-addr=127.0.0.1:0 --villains-addr=127.0.0.1:0 --locations-addr=127.0.0.1:0 --fights-addr=127.0.0.1:0 --no-arena --no-statistics", "fights-mongodb-url", "mongodb://u:PW@127.0.0.1:1/d"},
		{"heroes --addr=127.0.0.1:0 --store-wait=1ms", "database-url", "postgres://127.0.0.1:1/d?user=u&password=PW"},
		{"fights --addr=127.0.0.1:0 --store-wait=1ms", "mongodb-url", "mongodb://127.0.0.1:1/d?tls=true&tlsCertificateKeyFilePassword=PW"},
		{"import heroes x.csv", "database-url", "mysql://u:PW@127.0.0.1:1/d"},
		{"export locations", "mysql-url", "mysql://u:PW@127.0.0.1:1/"},
		{"seed villains", "villains-database-url", "mongodb://u:PW@127.0.0.1:1/d"},
		{"fights --addr=127.0.0.1:0", "heroes-url", "http://u:PW@127.0.0.1:1"},
		{"fights --addr=127.0.0.1:0", "locations-url", "https://PW@127.0.0.1:1"},
		{"arena --addr=127.0.0.1:0", "statistics-url", "http://u:PW@127.0.0.1:1/"},
		{"arena --addr=127.0.0.1:0", "fights-url", "http://127.0.0.1:1/?password=PW"},
	}
	for _, c := range urls {
		t.Run(c.args+" "+c.flag, func(t *testing.T) {
			t.Chdir(t.TempDir())
			args := strings.Fields(c.args)
			variable := strings.ToUpper(strings.ReplaceAll(c.flag, "-", "_"))
			for _, password := range unusual {
				url := strings.ReplaceAll(c.url, "PW", password)
				hidden(t, invoke(append(slices.Clone(args), "--"+c.flag+"="+url)...), password)
				t.Setenv(variable, url)
				hidden(t, invoke(args...), password)
				t.Setenv(variable, "")
				if strings.HasSuffix(variable, "E_URL") || strings.HasSuffix(variable, "L_URL") || strings.HasSuffix(variable, "B_URL") {
					t.Setenv(variable+"_FILE", write(t, "secret", url+"\n"))
					hidden(t, invoke(args...), password)
					t.Setenv(variable+"_FILE", url)
					hidden(t, invoke(args...), password)
					t.Setenv(variable+"_FILE", "")
				}
			}
		})
	}
	t.Run("where it does not belong", func(t *testing.T) {
		t.Chdir(t.TempDir())
		for _, password := range unusual {
			url := "postgres://u:" + password + "@127.0.0.1:1/d"
			hidden(t, invoke("heroes", url), password)
			hidden(t, invoke(url), password)
			hidden(t, invoke("heroes", "--"+url), password)
			hidden(t, invoke("heroes", "--database-url", "postgres://u", password+"@127.0.0.1/d"), password)
			hidden(t, invoke("heroes", "--profile", "--database-url="+url), password)
			hidden(t, invoke("heroes", "--database-url", "-"+password), password)
			hidden(t, invoke("heroes", "--admin-token", "-"+password), password)
			hidden(t, invoke("heroes", "--admin-token", "a", password), password)
			hidden(t, invoke("heroes", "--admin-token=\t"+password), password)
			hidden(t, invoke("heroes", "--admin-token="+password+" ", "--addr=127.0.0.1:0"), password)
		}
	})
}

// A password with any characters works when percent-encoded, and no message reveals it in either form, whether it is
// right or wrong, from a flag or a file.
func TestUnusualPasswords(t *testing.T) {
	const password = `p@ss:w/o?r#d% ä'"\&=;,+[]`
	for name, c := range map[string]struct {
		driver, flag, variable string
		store                  func(testing.TB) string
		create, remove         string
	}{
		"PostgreSQL": {"pgx", "export heroes --database-url=", "DATABASE_URL_FILE", engines.Postgres,
			"CREATE ROLE NAME LOGIN SUPERUSER PASSWORD '" + strings.ReplaceAll(password, "'", "''") + "'", "DROP ROLE IF EXISTS NAME"},
		"MariaDB": {"mysql", "export locations --mysql-url=", "MYSQL_URL_FILE", engines.MySQL,
			"CREATE USER NAME IDENTIFIED BY '" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(password) + "'", "DROP USER IF EXISTS NAME"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := url.Parse(c.store(t))
			if err != nil {
				t.Fatal(err)
			}
			user := "odd_" + strings.Trim(at.Path, "/") // used by no other test
			execute := func(ctx context.Context, db *sql.DB, statement string) error {
				_, err := db.ExecContext(ctx, strings.ReplaceAll(statement, "NAME", user))
				return err
			}
			source := at.String()
			if c.driver == "mysql" {
				known, _ := at.User.Password()
				source = fmt.Sprintf("%s:%s@tcp(%s)%s", at.User.Username(), known, at.Host, at.Path)
			}
			db, err := sql.Open(c.driver, source)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			statements := []string{c.remove, c.create}
			if c.driver == "mysql" {
				statements = append(statements, "GRANT ALL ON "+strings.Trim(at.Path, "/")+".* TO NAME")
			}
			for _, statement := range statements {
				if err := execute(t.Context(), db, statement); err != nil {
					t.Fatal(err)
				}
			}
			defer func() {
				for _, statement := range []string{"DROP OWNED BY NAME", c.remove} { // in PostgreSQL it owns the table it created
					_ = execute(context.WithoutCancel(t.Context()), db, statement)
				}
			}()
			odd := *at
			odd.User = url.UserPassword(user, password)
			shown := func(got outcome) {
				t.Helper()
				_, encoded, _ := strings.Cut(odd.User.String(), ":")
				for _, secret := range []string{password, encoded, "p@ss", "w/o", "w%2Fo", "r#d", "r%23d"} {
					if strings.Contains(got.stderr, secret) {
						t.Errorf("%q is revealed: %s", secret, got.stderr)
					}
				}
			}
			got := invoke(strings.Fields(c.flag + odd.String())...)
			got.check(t, exitOK)
			shown(got)
			wrong := odd
			wrong.User = url.UserPassword(user, password+"w/o")
			t.Setenv(c.variable, write(t, "secret", odd.String()+"\n"))
			command, _, _ := strings.Cut(c.flag, " --")
			if got := invoke(strings.Fields(command)...); got.code != exitOK || got.stderr != "" {
				t.Errorf("from a file: %+v", got)
			}
			t.Setenv(c.variable, write(t, "secret", wrong.String()+"\n"))
			serve := map[string]string{"export heroes": "heroes", "export locations": "locations"}[command]
			got = invoke(serve, "--addr=127.0.0.1:0", "--store-wait=2s", "--log-level=debug")
			got.check(t, exitError, "-url, ")
			shown(got)
		})
	}
}
