package app

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseStoreURL(t *testing.T) {
	for _, c := range []struct{ name, text, engine, place, database string }{
		{"PostgreSQL", "postgres://u:p@h:5433/d", postgresql, "h:5433", ""},
		{"PostgreSQL, the longer scheme", "postgresql://u:p@h/d", postgresql, "h:5432", ""},
		{"PostgreSQL, an option", "postgres://u:p@h/d?sslmode=disable", postgresql, "h:5432", ""},
		{"PostgreSQL, an IPv6 address", "postgres://u:p@[::1]:5433/d", postgresql, "[::1]:5433", ""},
		{"MySQL", "mysql://u:p@h/d", mysqldb, "h:3306", ""},
		{"MySQL, a port", "mysql://u:p@h:3307/d", mysqldb, "h:3307", ""},
		{"MariaDB", "mariadb://u:p@h/d", mysqldb, "h:3306", ""},
		{"MySQL, capitals", "MySQL://u:p@h/d", mysqldb, "h:3306", ""},
		{"MySQL, an escaped password", "mysql://u:p%40%2F@h/d", mysqldb, "h:3306", ""},
		{"MySQL, every mark in the password", "mysql://u:%40%3A%2F%3F%23%25%5B%20@[::1]:3307/d?tls=true", mysqldb, "[::1]:3307", ""},
		{"MySQL, a socket", "mysql://u:p@/d?socket=/run/mysqld/mysqld.sock", mysqldb, "/run/mysqld/mysqld.sock", ""},
		{"MySQL, an escaped socket", "mysql://u@/d?socket=%2Frun%2Fa%20b%2540.sock", mysqldb, "/run/a b%40.sock", ""},
		{"MySQL, encrypted", "mysql://u:p@h/d?tls=skip-verify", mysqldb, "h:3306", ""},
		{"MongoDB", "mongodb://u:p@h:27018/d", mongo, "h:27018", "d"},
		{"MongoDB without a database", "mongodb://h", mongo, "h", "fights"},
		{"MongoDB, several hosts", "mongodb://a:1,b:2/d", mongo, "a:1,b:2", "d"},
		{"MongoDB, servers in the DNS", "mongodb+srv://u:p@cluster.nowhere.invalid/d", mongo, "cluster.nowhere.invalid", "d"},
		{"MongoDB, servers in the DNS, options", "mongodb+srv://h.nowhere.invalid/?srvServiceName=x&srvMaxHosts=2&tls=false", mongo, "h.nowhere.invalid", "fights"},
		{"a file", "sqlite:x.db", sqlite, "x.db", ""},
		{"a file in a folder", "sqlite:/a/b/x.db", sqlite, "/a/b/x.db", ""},
		{"a file, two slashes", "sqlite://x.db", sqlite, "x.db", ""},
		{"a file, three slashes", "sqlite:///a/x.db", sqlite, "/a/x.db", ""},
		{"a file with marks in its name", "sqlite:a b?c#d%20.db", sqlite, "a b?c#d%20.db", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseStoreURL(c.text, postgresql, mysqldb, mongo)
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
		{"nothing", "", postgresql},
		{"no scheme", "hidden", postgresql},
		{"an unknown scheme", "oracle://u:hidden@h/d", postgresql},
		{"another engine's scheme", "mysql://u:hidden@h/d", postgresql},
		{"PostgreSQL, a port that is none", "postgres://u:hidden@h:port/d", postgresql},
		{"PostgreSQL, a malformed escape", "postgres://u:hidden%zz@h/d", postgresql},
		{"PostgreSQL, a bad option", "postgres://u:hidden@h/d?sslmode=perhaps", postgresql},
		{"MySQL without a database", "mysql://u:hidden@h/", mysqldb},
		{"MySQL without a host", "mysql:///hidden", mysqldb},
		{"MySQL, a port that is none", "mysql://u:hidden@h:port/d", mysqldb},
		{"MySQL in the driver's own spelling", "mysql:u:hidden@tcp(h)/d", mysqldb},
		{"MySQL, a slash in the password", "mysql://u:12/hidden@h/d", mysqldb},
		{"MySQL, a slash and @ in the password", "mysql://u:p@hid/den@h/d", mysqldb},
		{"MySQL, a question mark in the password", "mysql://u:12/d?hidden@h/d", mysqldb},
		{"MySQL, a number sign in the password", "mysql://u:12/d#hidden", mysqldb},
		{"MySQL, two databases", "mysql://u:hidden@h/d/e", mysqldb},
		{"MySQL, a host and a socket", "mysql://u:hidden@h/d?socket=/s", mysqldb},
		{"MySQL, an unknown parameter", "mysql://u:p@h/d?charset=hidden", mysqldb},
		{"MySQL, a parameter twice", "mysql://u:hidden@h/d?tls=true&tls=false", mysqldb},
		{"MySQL, an unknown way to encrypt", "mysql://u:p@h/d?tls=hidden", mysqldb},
		{"MySQL, a socket with a host's certificate", "mysql://u:hidden@/d?socket=/s&tls=true", mysqldb},
		{"MySQL, a CA that isn't checked", "mysql://u:hidden@h/d?tls=skip-verify&ssl-ca=storeurl_test.go", mysqldb},
		{"MySQL, a CA that is none", "mysql://u:hidden@h/d?ssl-ca=storeurl_test.go", mysqldb},
		{"MySQL, a CA that isn't there", "mysql://u:hidden@h/d?ssl-ca=nowhere.pem", mysqldb},
		{"MongoDB without a host", "mongodb://u:hidden@/d", mongo},
		{"MongoDB, a malformed escape", "mongodb://u:hidden%zz@h/d", mongo},
		{"MongoDB, a bad option", "mongodb://u:hidden@h/d?maxPoolSize=hidden", mongo},
		{"MongoDB in the DNS, a port", "mongodb+srv://u:hidden@h.nowhere.invalid:27017/d", mongo},
		{"MongoDB in the DNS, several hosts", "mongodb+srv://u:hidden@a.nowhere.invalid,b.nowhere.invalid/d", mongo},
		{"MongoDB in the DNS, a direct connection", "mongodb+srv://u:hidden@h.nowhere.invalid/d?directConnection=true", mongo},
		{"MongoDB in the DNS, a bad option", "mongodb+srv://u:hidden@h.nowhere.invalid/d?maxPoolSize=hidden", mongo},
		{"no file", "sqlite:", postgresql},
		{"no file behind slashes", "sqlite://", postgresql},
		{"a folder", "sqlite:hidden/", postgresql},
		{"PostgreSQL, an @ in the password", "postgres://u:p@hidden@h/d", postgresql},
		{"PostgreSQL, a slash in the password", "postgres://u:12/hidden@h/d", postgresql},
		{"PostgreSQL, an @ in a parameter", "postgres://u:p@h/d?application_name=a@hidden", postgresql},
		{"PostgreSQL in another spelling", "postgres:host=h password=hidden", postgresql},
		{"MySQL, an @ in the password", "mysql://u:p@hidden@h/d", mysqldb},
		{"MySQL, a # in the password", "mysql://u:12#hidden@h/d", mysqldb},
		{"MongoDB, a question mark in the password", "mongodb://u:12?hidden@h/d", mongo},
		{"NUL in the file's name", "sqlite:hidden\x00.db", postgresql},
		{"memory", "sqlite::memory:", postgresql},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseStoreURL(c.text, c.engine)
			if err == nil {
				t.Fatal("it was taken")
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
		if got, err := parseStoreURL(text, mongo); err != nil || [2]string{got.srvService, got.srvHost} != want {
			t.Errorf("%s: got %q and %q, %v", text, got.srvService, got.srvHost, err)
		}
	}
}

// FuzzStoreURL: whatever is given, there is no panic, no URL without a place, and no error that shows the password.
func FuzzStoreURL(f *testing.F) {
	for _, seed := range []string{
		"postgres://u:p@h:5432/d?sslmode=disable", "postgresql:///", "mysql://u:p@h:3306/d?tls=true", "mariadb://h/d", "mongodb://u:p@a,b:1/d?w=majority", "mongodb+srv://u:p@h.x.y/d?srvServiceName=z",
		"sqlite:x.db", "sqlite://", "postgres://%zz", "mysql://[::1", "mongodb://:@/", ":", "a:b", "postgres:host=h password=p",
	} {
		f.Add(seed, "secret")
		f.Add(seed, "@:1/x?y#z")
	}
	f.Fuzz(func(t *testing.T, text, password string) {
		parsed, err := parseStoreURL(text, postgresql, mysqldb, mongo)
		if err == nil && parsed.place == "" {
			t.Errorf("%q has no place", text)
		}
		checkHidden(t, text, password)
	})
}

// checkHidden puts a password that can be told from every other text into a URL.
func checkHidden(t *testing.T, text, password string) {
	t.Helper()
	secret := "hidden" + password
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !utf8.ValidString(secret) {
		return
	}
	parsed, err := parseStoreURL(scheme+"://user:"+secret+"@"+rest, postgresql, mysqldb, mongo)
	if err != nil && strings.Contains(err.Error(), "hidden") {
		t.Errorf("the password is in %q", err)
	}
	if err == nil && parsed.engine != sqlite && (strings.Contains(parsed.place, "hidden") || strings.Contains(parsed.database, "hidden")) {
		t.Errorf("a part of the password is taken for the place %q, database %q", parsed.place, parsed.database)
	}
}
