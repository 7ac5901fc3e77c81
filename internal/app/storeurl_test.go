package app

import (
	"cmp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseStoreURL(t *testing.T) {
	for _, c := range []struct{ name, text, engine, place, database string }{
		{"PostgreSQL", "postgres://u:p@h:5433/d", enginePostgreSQL, "h:5433", ""},
		{"PostgreSQL, the longer scheme", "postgresql://u:p@h/d", enginePostgreSQL, "h:5432", ""},
		{"PostgreSQL, an option", "postgres://u:p@h/d?sslmode=disable", enginePostgreSQL, "h:5432", ""},
		{"PostgreSQL, an IPv6 address", "postgres://u:p@[::1]:5433/d", enginePostgreSQL, "[::1]:5433", ""},
		{"MySQL", "mysql://u:p@h/d", engineMySQL, "h:3306", ""},
		{"MySQL, a port", "mysql://u:p@h:3307/d", engineMySQL, "h:3307", ""},
		{"MariaDB", "mariadb://u:p@h/d", engineMySQL, "h:3306", ""},
		{"MySQL, capitals", "MySQL://u:p@h/d", engineMySQL, "h:3306", ""},
		{"MySQL, an escaped password", "mysql://u:p%40%2F@h/d", engineMySQL, "h:3306", ""},
		{"MySQL, every mark in the password", "mysql://u:%40%3A%2F%3F%23%25%5B%20@[::1]:3307/d?tls=true", engineMySQL, "[::1]:3307", ""},
		{"MySQL, a socket", "mysql://u:p@/d?socket=/run/mysqld/mysqld.sock", engineMySQL, "/run/mysqld/mysqld.sock", ""},
		{"MySQL, an escaped socket", "mysql://u@/d?socket=%2Frun%2Fa%20b%2540.sock", engineMySQL, "/run/a b%40.sock", ""},
		{"MySQL, encrypted", "mysql://u:p@h/d?tls=skip-verify", engineMySQL, "h:3306", ""},
		{"MongoDB", "mongodb://u:p@h:27018/d", engineMongoDB, "h:27018", "d"},
		{"MongoDB without a database", "mongodb://h", engineMongoDB, "h", "fights"},
		{"MongoDB, several hosts", "mongodb://a:1,b:2/d", engineMongoDB, "a:1,b:2", "d"},
		{"MongoDB, servers in the DNS", "mongodb+srv://u:p@cluster.nowhere.invalid/d", engineMongoDB, "cluster.nowhere.invalid", "d"},
		{"MongoDB, servers in the DNS, options", "mongodb+srv://h.nowhere.invalid/?srvServiceName=x&srvMaxHosts=2&tls=false", engineMongoDB, "h.nowhere.invalid", "fights"},
		{"a file", "sqlite:x.db", engineSQLite, "x.db", ""},
		{"a file in a folder", "sqlite:/a/b/x.db", engineSQLite, "/a/b/x.db", ""},
		{"a file, two slashes", "sqlite://x.db", engineSQLite, "x.db", ""},
		{"a file, three slashes", "sqlite:///a/x.db", engineSQLite, "/a/x.db", ""},
		{"a file with marks in its name", "sqlite:a b?c#d%20.db", engineSQLite, "a b?c#d%20.db", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseStoreURL(c.text, cmp.Or(strings.TrimSuffix(c.engine, engineSQLite), engineMySQL))
			if err != nil {
				t.Fatal(err)
			}
			if got.engine != c.engine || got.place != c.place || got.database != c.database || got.text != c.text {
				t.Errorf("got engine %q, place %q, database %q, text %q", got.engine, got.place, got.database, got.text)
			}
		})
	}
}

func TestParseStoreURLRefuses(t *testing.T) {
	for _, c := range []struct{ name, text, engine string }{
		{"nothing", "", enginePostgreSQL},
		{"no scheme", "hidden", enginePostgreSQL},
		{"an unknown scheme", "oracle://u:hidden@h/d", enginePostgreSQL},
		{"another engine's scheme", "mysql://u:hidden@h/d", enginePostgreSQL},
		{"PostgreSQL, a port that is none", "postgres://u:hidden@h:port/d", enginePostgreSQL},
		{"PostgreSQL, a malformed escape", "postgres://u:hidden%zz@h/d", enginePostgreSQL},
		{"PostgreSQL, a bad option", "postgres://u:hidden@h/d?sslmode=perhaps", enginePostgreSQL},
		{"MySQL without a database", "mysql://u:hidden@h/", engineMySQL},
		{"MySQL without a host", "mysql:///hidden", engineMySQL},
		{"MySQL, a port that is none", "mysql://u:hidden@h:port/d", engineMySQL},
		{"MySQL in the driver's own spelling", "mysql:u:hidden@tcp(h)/d", engineMySQL},
		{"MySQL, a slash in the password", "mysql://u:12/hidden@h/d", engineMySQL},
		{"MySQL, a slash and @ in the password", "mysql://u:p@hid/den@h/d", engineMySQL},
		{"MySQL, a question mark in the password", "mysql://u:12/d?hidden@h/d", engineMySQL},
		{"MySQL, a number sign in the password", "mysql://u:12/d#hidden", engineMySQL},
		{"MySQL, two databases", "mysql://u:hidden@h/d/e", engineMySQL},
		{"MySQL, a host and a socket", "mysql://u:hidden@h/d?socket=/s", engineMySQL},
		{"MySQL, an unknown parameter", "mysql://u:p@h/d?charset=hidden", engineMySQL},
		{"MySQL, a parameter twice", "mysql://u:hidden@h/d?tls=true&tls=false", engineMySQL},
		{"MySQL, an unknown way to encrypt", "mysql://u:p@h/d?tls=hidden", engineMySQL},
		{"MySQL, a socket with a host's certificate", "mysql://u:hidden@/d?socket=/s&tls=true", engineMySQL},
		{"MySQL, a CA that isn't checked", "mysql://u:hidden@h/d?tls=skip-verify&ssl-ca=storeurl_test.go", engineMySQL},
		{"MySQL, a CA that is none", "mysql://u:hidden@h/d?ssl-ca=storeurl_test.go", engineMySQL},
		{"MySQL, a CA that isn't there", "mysql://u:hidden@h/d?ssl-ca=nowhere.pem", engineMySQL},
		{"MongoDB without a host", "mongodb://u:hidden@/d", engineMongoDB},
		{"MongoDB, a malformed escape", "mongodb://u:hidden%zz@h/d", engineMongoDB},
		{"MongoDB, a bad option", "mongodb://u:hidden@h/d?maxPoolSize=hidden", engineMongoDB},
		{"MongoDB in the DNS, a port", "mongodb+srv://u:hidden@h.nowhere.invalid:27017/d", engineMongoDB},
		{"MongoDB in the DNS, several hosts", "mongodb+srv://u:hidden@a.nowhere.invalid,b.nowhere.invalid/d", engineMongoDB},
		{"MongoDB in the DNS, a direct connection", "mongodb+srv://u:hidden@h.nowhere.invalid/d?directConnection=true", engineMongoDB},
		{"MongoDB in the DNS, a bad option", "mongodb+srv://u:hidden@h.nowhere.invalid/d?maxPoolSize=hidden", engineMongoDB},
		{"no file", "sqlite:", enginePostgreSQL},
		{"no file behind slashes", "sqlite://", enginePostgreSQL},
		{"a folder", "sqlite:hidden/", enginePostgreSQL},
		{"PostgreSQL, an @ in the password", "postgres://u:p@hidden@h/d", enginePostgreSQL},
		{"PostgreSQL, a slash in the password", "postgres://u:12/hidden@h/d", enginePostgreSQL},
		{"PostgreSQL, an @ in a parameter", "postgres://u:p@h/d?application_name=a@hidden", enginePostgreSQL},
		{"PostgreSQL in another spelling", "postgres:host=h password=hidden", enginePostgreSQL},
		{"MySQL, an @ in the password", "mysql://u:p@hidden@h/d", engineMySQL},
		{"MySQL, a # in the password", "mysql://u:12#hidden@h/d", engineMySQL},
		{"MongoDB, a question mark in the password", "mongodb://u:12?hidden@h/d", engineMongoDB},
		{"NUL in the file's name", "sqlite:hidden\x00.db", enginePostgreSQL},
		{"memory", "sqlite::memory:", enginePostgreSQL},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseStoreURL(c.text, c.engine)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if message := err.Error(); strings.Contains(message, "hidden") || strings.Contains(message, "\n") {
				t.Errorf("got %s", message)
			}
		})
	}
}

func TestServersOfAMongoURL(t *testing.T) {
	for text, want := range map[string][2]string{
		"mongodb://h/d":                                       {"", ""},
		"mongodb+srv://u:p@h.nowhere.invalid":                 {"mongodb", "h.nowhere.invalid"},
		"mongodb+srv://h.nowhere.invalid/?tls=false":          {"mongodb", "h.nowhere.invalid"},
		"mongodb+srv://h.nowhere.invalid/d?SRVServiceName=x":  {"x", "h.nowhere.invalid"},
		"mongodb+srv://h.nowhere.invalid/d?srvMaxHosts=2&w=1": {"mongodb", "h.nowhere.invalid"},
	} {
		if got, err := parseStoreURL(text, engineMongoDB); err != nil || [2]string{got.srvService, got.srvHost} != want {
			t.Errorf("%s: got %q and %q, %v", text, got.srvService, got.srvHost, err)
		}
	}
}

// Any input yields no panic, no URL without a place, and no error that reveals the password.
func FuzzStoreURL(f *testing.F) {
	for _, seed := range []string{
		"postgres://u:p@h:5432/d?sslmode=disable", "postgresql:///", "mysql://u:p@h:3306/d?tls=true", "mariadb://h/d", "mongodb://u:p@a,b:1/d?w=majority", "mongodb+srv://u:p@h.x.y/d?srvServiceName=z",
		"sqlite:x.db", "sqlite://", "postgres://%zz", "mysql://[::1", "mongodb://:@/", ":", "a:b", "postgres:host=h password=p",
	} {
		f.Add(seed, "secret")
		f.Add(seed, "@:1/x?y#z")
	}
	f.Fuzz(func(t *testing.T, text, password string) {
		for _, engine := range []string{enginePostgreSQL, engineMySQL, engineMongoDB} {
			parsed, err := parseStoreURL(text, engine)
			if err == nil && parsed.place == "" {
				t.Errorf("%q has no place", text)
			}
			checkHidden(t, engine, text, password)
		}
	})
}

// checkHidden puts a recognizable password into a URL.
func checkHidden(t *testing.T, engine, text, password string) {
	t.Helper()
	secret := "hidden" + password
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !utf8.ValidString(secret) {
		return
	}
	parsed, err := parseStoreURL(scheme+"://user:"+secret+"@"+rest, engine)
	if err != nil && strings.Contains(err.Error(), "hidden") {
		t.Errorf("the password is in %q", err)
	}
	if err == nil && parsed.engine != engineSQLite && (strings.Contains(parsed.place, "hidden") || strings.Contains(parsed.database, "hidden")) {
		t.Errorf("a part of the password is taken for the place %q, database %q", parsed.place, parsed.database)
	}
}
