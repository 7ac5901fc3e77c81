package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"superheroes/internal/app"
	"superheroes/internal/httpserver"
	"superheroes/test/engines"
)

// line returns a valid command line for a command, including all required arguments.
func line(command string) []string {
	required := map[string]string{"import": "heroes x.csv", "backup": "copies", "export": "heroes", "seed": "heroes"}
	return strings.Fields(command + " " + required[command])
}

// parsed returns the settings that result from a command line and the environment variables.
func parsed(t *testing.T, args ...string) any {
	t.Helper()
	parser, err := newParser(grammar(args), io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return command.Selected().Target.Interface()
}

func TestEmptyVariableCountsAsUnset(t *testing.T) {
	for name, command := range model(t) {
		if len(command.Flags) == 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			want := parsed(t, line(name)...)
			for _, flag := range command.Flags {
				t.Setenv(flag.Envs[0], "")
				t.Setenv(flag.Envs[0]+"_FILE", "")
			}
			if got := parsed(t, line(name)...); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

// Lists can be passed as repeated flags or as comma-separated values. Names and origins are normalized.
func TestListsOfNamesAndOrigins(t *testing.T) {
	t.Setenv("ALLOWED_HOSTS", "A.example, b.example.")
	t.Setenv("TRUSTED_ORIGINS", "https://unused.example")
	target := parsed(t, "arena", "--trusted-origin=https://A.example:443", "--trusted-origin", "http://b.example:80,http://c.example:81")
	got := target.(serviceCommand[app.ArenaConfig]).Service
	if want := []httpserver.HostName{"a.example", "b.example"}; !slices.Equal(got.AllowedHosts, want) {
		t.Errorf("hosts %q, want %q", got.AllowedHosts, want)
	}
	if want := []httpserver.Origin{"https://a.example", "http://b.example", "http://c.example:81"}; !slices.Equal(got.TrustedOrigins, want) {
		t.Errorf("origins %q, want %q", got.TrustedOrigins, want)
	}
}

// wrongValue returns an invalid value for a flag, or "" if the flag accepts any text.
func wrongValue(flag *kong.Flag) string {
	switch flag.Name {
	case "data-dir":
		return ""
	case "admin-token":
		return "hidden\nsecret"
	case "output":
		return "x.sql"
	case "allowed-host":
		return "name:80"
	}
	if fileVariable(flag) != "" {
		return "hidden"
	}
	return "nonsense"
}

// An error about a setting is one line that names both the flag and the variable, no matter which of the two was used.
func TestErrorsNameFlagAndVariable(t *testing.T) {
	for name, command := range model(t) {
		for _, flag := range command.Flags {
			value := wrongValue(flag)
			if value == "" {
				continue
			}
			t.Run(name+" "+flag.Name, func(t *testing.T) {
				args := line(name)
				for catalog, part := range map[string]string{"locations": "mysql-url", "villains": "villains-database-url"} {
					if i := slices.Index(args, "heroes"); i > 0 && strings.HasSuffix(flag.Name, part) {
						args[i] = catalog
					}
				}
				got := invoke(append(slices.Clone(args), "--"+flag.Name+"="+value)...)
				got.check(t, exitUsage, "--"+flag.Name, flag.Envs[0])
				t.Setenv(flag.Envs[0], value)
				if same := invoke(args...); same != got {
					t.Errorf("with the value in a variable: got %+v, want %+v", same, got)
				}
			})
		}
	}
}

// goWords are words that only a Go programmer understands.
var goWords = regexp.MustCompile(`slog|strconv|time:|net/url|parse "|Parse[A-Z]|invalid syntax|unmarshal|json:|%!|u?int\d|\d bit|<nil>`)

// An error about a value says what is expected instead, in plain words, and shows the value unless it may be secret.
func TestErrorsAreInPlainWords(t *testing.T) {
	values := []string{
		"nonsense", "-1", "0", "1.5", "1e99", "10 s", "99999999999999999999", ":http", "127.0.0.1:99999", "http://a b", "http://[", "postgres://%zz",
		"mysql://h:x/d", "mongodb://h/d?maxPoolSize=many", "WARN+1",
	}
	seen := map[string]bool{} // most commands share most flags
	for name, command := range model(t) {
		for _, flag := range command.Flags {
			if seen[flag.Name] {
				continue
			}
			seen[flag.Name] = true
			refused := 0
			for _, value := range values {
				message := complaint(t, append(line(name), "--"+flag.Name+"="+value))
				if message == "" {
					continue
				}
				refused++
				mayBeSecret := fileVariable(flag) != "" || strings.HasSuffix(flag.Name, "-url")
				switch {
				case goWords.MatchString(message):
					t.Errorf("%s --%s=%s: Go's words in: %s", name, flag.Name, value, message)
				case mayBeSecret:
				case !strings.Contains(message, value), !strings.Contains(message, "must be "):
					t.Errorf("%s --%s=%s: the value or what it must be is missing in: %s", name, flag.Name, value, message)
				}
			}
			if anything := wrongValue(flag) != "nonsense"; refused == 0 && !anything {
				t.Errorf("%s --%s: all of %q are accepted", name, flag.Name, values)
			}
		}
	}
}

// complaint returns the error for a command line, or "" if it is valid.
func complaint(t *testing.T, args []string) string {
	t.Helper()
	parser, err := newParser(grammar(args), io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		return badUsage(err, args).Error()
	}
	return ""
}

// Every secret setting can be read from a file; no other setting can.
func TestSecretFiles(t *testing.T) {
	secrets := map[string]string{
		"database-url": "postgres://u:hidden@h/d", "mysql-url": "mysql://u:hidden@h/d", "mongodb-url": "mongodb://u:hidden@h/d",
		"admin-token": "hidden",
	}
	for name, command := range model(t) {
		for _, flag := range command.Flags {
			var value string
			for suffix, of := range secrets {
				if strings.HasSuffix(flag.Name, suffix) {
					value = of
				}
			}
			variable := fileVariable(flag)
			if isSecret := value != ""; isSecret != (variable != "") {
				t.Errorf("%s --%s: the file variable is %q", name, flag.Name, variable)
			}
			if variable == "" {
				continue
			}
			t.Run(name+" "+flag.Name, func(t *testing.T) {
				given := append(line(name), "--"+flag.Name+"="+value)
				want := parsed(t, given...)
				t.Setenv(variable, write(t, "secret", value+"\r\n\n"))
				if got := parsed(t, line(name)...); !reflect.DeepEqual(got, want) {
					t.Errorf("with the value in a file: got %+v, want %+v", got, want)
				}
				t.Setenv(variable, write(t, "other", "other"))
				if got := parsed(t, given...); !reflect.DeepEqual(got, want) {
					t.Errorf("with both the file and the flag: got %+v", got)
				}
			})
		}
	}
}

// An error about a secret's file names the flag, the variable and the file, but doesn't reveal the content.
func TestBadSecretFiles(t *testing.T) {
	folder := t.TempDir()
	unreadable := write(t, "unreadable", "hidden")
	if err := os.Chmod(unreadable, 0); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, message string }{
		"missing":          {filepath.Join(folder, "nobody"), "no such file"},
		"a folder":         {folder, "not a regular file"},
		"empty":            {write(t, "empty", "\n"), "is empty"},
		"large":            {write(t, "large", strings.Repeat("hidden ", 10_000)), "more than 65536 bytes"},
		"a URL":            {"postgres://u:hidden@h/d", "path of a file"},
		"a value too":      {write(t, "secret", "hidden"), "both DATABASE_URL and DATABASE_URL_FILE"},
		"an invalid value": {write(t, "invalid", "hidden"), "must begin with sqlite:"},
		"unreadable":       {unreadable, "permission denied"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "unreadable" && os.Getuid() == 0 {
				t.Skip("root reads every file")
			}
			if name == "a value too" {
				t.Setenv("DATABASE_URL", "postgres://u:hidden@h/d")
			}
			t.Setenv("DATABASE_URL_FILE", c.path)
			invoke("heroes").check(t, exitUsage, "--database-url, DATABASE_URL: ", c.message)
		})
	}
}

func TestLogLevels(t *testing.T) {
	for _, level := range []string{"warning", "WARN", "debug", "INFO", "Error"} {
		want := parsed(t, "heroes", "--log-level="+strings.TrimSuffix(strings.ToUpper(level), "ING"))
		t.Setenv("LOG_LEVEL", level)
		if got := parsed(t, "heroes"); !reflect.DeepEqual(got, want) {
			t.Errorf("log level %q: got %+v, want %+v", level, got, want)
		}
	}
	for _, level := range []string{"WARN+1", "loud", "4"} {
		t.Setenv("LOG_LEVEL", level)
		invoke("heroes").check(t, exitUsage, "--log-level, LOG_LEVEL", "WARNING", level)
	}
}

// unusual holds passwords that must be escaped in a URL. If a password isn't escaped, drivers parse part of it as a
// host, port or database, which error messages then reveal.
var unusual = []string{
	"pa@ss", "@pass", "pass@127.0.0.1:1", "pa/ss", "12/pass", "12/@pass", "127.0.0.1:1/pass", "pa#ss", "12#pass", "pa?ss",
	"12?pass", "12?pass=1", "pa:ss", "pa%zzss", "pa ss", "päss", "[pass", `pa\ss`, "pa,ss=x", "pa,pid=ss", "pa=ss", "pa&ss",
	"12/pass,name=x", "pa\nss", "-pass", "pass;x", "pa'ss", "pass",
}

// No message reveals a secret, no matter which characters it contains and where it is set: in any flag or variable of
// any command, in a file, in a URL without a password, or where a secret doesn't belong.
func TestNoSecretIsShown(t *testing.T) {
	hidden := func(t *testing.T, got outcome, password string) {
		t.Helper()
		if got.code == exitOK {
			t.Errorf("exit code 0, %+v", got)
		}
		if strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("want one line on stderr, got %q", got.stderr)
		}
		// Remove words that always appear in error messages and happen to contain parts of the passwords.
		words := strings.NewReplacer("password", "", "passed", "", "process", "", "must", "", "address", "", "127.0.0.1", "", "512", "")
		text := words.Replace(got.stdout + got.stderr)
		for _, part := range []string{"pass", "ss", "12"} {
			if strings.Contains(password, part) && strings.Contains(text, part) {
				t.Errorf("the message reveals part of %q: %s", password, got.stderr)
			}
		}
	}
	for _, c := range []struct{ args, flag, url string }{
		{"heroes --store-wait=1ms", "database-url", "postgres://u:PW@127.0.0.1:1/d"},
		{"heroes --store-wait=1ms", "database-url", "postgres://127.0.0.1:1/d?user=u&password=PW"},
		{"villains --store-wait=1ms", "database-url", "postgresql://u:PW@127.0.0.1:1/d?sslmode=disable"},
		{"locations --store-wait=1ms", "mysql-url", "mysql://u:PW@127.0.0.1:1/d"},
		{"fights --store-wait=1ms", "mongodb-url", "mongodb://u:PW@127.0.0.1:1/d"},
		{"fights --store-wait=1ms", "mongodb-url", "mongodb://127.0.0.1:1/d?tls=true&tlsCertificateKeyFilePassword=PW"},
		{"statistics --store-wait=1ms", "mongodb-url", "mongodb://u:PW@127.0.0.1:1/d"},
		{"statistics rebuild", "fights-mongodb-url", "mongodb://u:PW@127.0.0.1:1/d?connectTimeoutMS=pass"},
		{"migrate --locations-store-wait=1ms", "locations-mysql-url", "mariadb://u:PW@127.0.0.1:1/d"},
		{"import heroes x.csv", "database-url", "mysql://u:PW@127.0.0.1:1/d"},
		{"export locations", "mysql-url", "mysql://u:PW@127.0.0.1:1/"},
		{"fights", "heroes-url", "http://u:PW@127.0.0.1:1"},
		{"fights", "locations-url", "https://PW@127.0.0.1:1"},
		{"arena", "fights-url", "http://127.0.0.1:1/?password=PW"},
	} {
		t.Run(c.args+" "+c.url, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("ADDR", "127.0.0.1:0")
			for _, password := range unusual {
				url := strings.ReplaceAll(c.url, "PW", password)
				hidden(t, invoke(append(strings.Fields(c.args), "--"+c.flag+"="+url)...), password)
			}
		})
	}
	t.Run("in files and variables", func(t *testing.T) {
		for _, password := range unusual {
			url := "postgres://u:" + password + "@127.0.0.1:1/d"
			t.Setenv("STORE_WAIT", "1ms")
			for name, value := range map[string]string{"DATABASE_URL": url, "DATABASE_URL_FILE": write(t, "secret", url+"\n")} {
				t.Setenv(name, value)
				hidden(t, invoke("heroes", "--addr=127.0.0.1:0"), password)
				t.Setenv(name, "")
			}
			t.Setenv("DATABASE_URL_FILE", url)
			hidden(t, invoke("heroes"), password)
			t.Setenv("DATABASE_URL_FILE", "")
		}
	})
	t.Run("a URL in place of another argument", func(t *testing.T) {
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

// Any percent-encoded password works. No message reveals a correct or incorrect password, encoded or not.
func TestUnusualPasswords(t *testing.T) {
	const password = `p@ss:w/o?r#d% ä'"\&=;,+[]`
	for name, c := range map[string]struct {
		catalog, flag, variable string
		driver                  string
		store                   func(testing.TB) string
		create                  []string
		drop                    []string
	}{
		"PostgreSQL": {
			"heroes", "--database-url=", "DATABASE_URL_FILE", "pgx", engines.Postgres,
			[]string{"CREATE ROLE NAME LOGIN SUPERUSER PASSWORD '" + strings.ReplaceAll(password, "'", "''") + "'"},
			[]string{"DROP OWNED BY NAME", "DROP ROLE NAME"}, // the user owns the table that the service created
		},
		"MariaDB": {
			"locations", "--mysql-url=", "MYSQL_URL_FILE", "mysql", engines.MySQL,
			[]string{
				"CREATE USER NAME IDENTIFIED BY '" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(password) + "'",
				"GRANT ALL ON DATABASE.* TO NAME",
			},
			[]string{"DROP USER NAME"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := url.Parse(c.store(t))
			if err != nil {
				t.Fatal(err)
			}
			database := strings.Trim(at.Path, "/")
			user := "odd_" + database // no other test uses this user
			source := at.String()
			if c.driver == "mysql" {
				known, _ := at.User.Password()
				source = fmt.Sprintf("%s:%s@tcp(%s)%s", at.User.Username(), known, at.Host, at.Path)
			}
			db, err := sql.Open(c.driver, source)
			if err != nil {
				t.Fatal(err)
			}
			execute := func(statements []string) (failures error) {
				for _, statement := range statements {
					statement = strings.NewReplacer("NAME", user, "DATABASE", database).Replace(statement)
					_, err := db.ExecContext(context.WithoutCancel(t.Context()), statement)
					failures = errors.Join(failures, err)
				}
				return failures
			}
			if err := execute(c.create); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := errors.Join(execute(c.drop), db.Close()); err != nil {
					t.Error(err)
				}
			})
			at.User = url.UserPassword(user, password)
			invoke("export", c.catalog, c.flag+at.String()).check(t, exitOK)
			t.Setenv(c.variable, write(t, "secret", at.String()+"\n"))
			invoke("export", c.catalog).check(t, exitOK)

			at.User = url.UserPassword(user, password+"w/o")
			t.Setenv(c.variable, write(t, "secret", at.String()+"\n"))
			got := invoke(c.catalog, "--addr=127.0.0.1:0", "--store-wait=1s", "--log-level=debug")
			got.check(t, exitError, "-url, ")
			for _, secret := range []string{"p@ss", "p%40ss", "w/o", "w%2Fo", "r#d", "r%23d"} {
				if strings.Contains(got.stderr, secret) {
					t.Errorf("the message reveals %q: %s", secret, got.stderr)
				}
			}
		})
	}
}
