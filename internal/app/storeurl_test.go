package app

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseStoreURL(t *testing.T) {
	for _, c := range []struct{ text, engine, place, database, srv string }{
		{"postgres://u:p@h:5433/d", enginePostgreSQL, "h:5433", "", ""},
		{"postgresql://u:p@h/d?sslmode=disable", enginePostgreSQL, "h:5432", "", ""},
		{"postgres://u:p@[::1]:5433/d", enginePostgreSQL, "[::1]:5433", "", ""},
		{"MySQL://u:p@h/d", engineMySQL, "h:3306", "", ""},
		{"mariadb://u:p@h:3307/d?tls=skip-verify", engineMySQL, "h:3307", "", ""},
		{"mysql://u:%40%3A%2F%3F%23%25%5B%20@[::1]:3307/d?tls=true", engineMySQL, "[::1]:3307", "", ""},
		{"mysql://u@/d?socket=%2Frun%2Fa%20b%2540.sock", engineMySQL, "/run/a b%40.sock", "", ""},
		{"mongodb://u:p@h:27018/d", engineMongoDB, "h:27018", "d", ""},
		{"mongodb://a:1,b:2", engineMongoDB, "a:1,b:2", "fights", ""},
		{"mongodb+srv://u:p@h.nowhere.invalid", engineMongoDB, "h.nowhere.invalid", "fights", "mongodb"},
		{"mongodb+srv://h.nowhere.invalid/d?tls=false", engineMongoDB, "h.nowhere.invalid", "d", "mongodb"},
		{"mongodb+srv://h.nowhere.invalid/?SRVServiceName=x&srvMaxHosts=2&w=1", engineMongoDB, "h.nowhere.invalid", "fights", "x"},
		{"sqlite:x.db", engineSQLite, "x.db", "", ""},
		{"sqlite:/a/b/x.db", engineSQLite, "/a/b/x.db", "", ""},
		{"sqlite://x.db", engineSQLite, "x.db", "", ""},
		{"sqlite:///a/x.db", engineSQLite, "/a/x.db", "", ""},
		{"sqlite:a b?c#d%20.db", engineSQLite, "a b?c#d%20.db", "", ""},
	} {
		t.Run(c.text, func(t *testing.T) {
			supported := c.engine
			if supported == engineSQLite {
				supported = engineMySQL
			}
			got, err := parseStoreURL(c.text, supported)
			if err != nil {
				t.Fatal(err)
			}
			if got.engine != c.engine || got.place != c.place || got.database != c.database || got.text != c.text || got.srvService != c.srv {
				t.Errorf("got %+v", got)
			}
			if srv := got.srvHost != ""; srv != (c.srv != "") || srv && got.srvHost != c.place {
				t.Errorf("got the host %q for DNS lookups", got.srvHost)
			}
		})
	}
}

func TestParseStoreURLRefuses(t *testing.T) {
	for engine, urls := range map[string][]string{
		enginePostgreSQL: {
			"", "hidden", "oracle://u:hidden@h/d", "mysql://u:hidden@h/d", "sqlite",
			"postgres://u:hidden@h:port/d", "postgres://u:hidden%zz@h/d", "postgres://u:hidden@h/d?sslmode=perhaps", "postgres:host=h password=hidden",
			"postgres://u:p@hidden@h/d", "postgres://u:12/hidden@h/d", "postgres://u:p@h/d?application_name=a@hidden",
			"sqlite:", "sqlite://", "sqlite:hidden/", "sqlite:hidden\x00.db", "sqlite::memory:",
		},
		engineMySQL: {
			"mysql://u:hidden@h/", "mysql:///hidden", "mysql://u:hidden@h:port/d", "mysql:u:hidden@tcp(h)/d", "mysql://u:hidden@h/d/e",
			"mysql://u:12/hidden@h/d", "mysql://u:p@hid/den@h/d", "mysql://u:12/d?hidden@h/d", "mysql://u:12/d#hidden", "mysql://u:12#hidden@h/d",
			"mysql://u:p@hidden@h/d", "mysql://u:hidden@h/d?socket=/s", "mysql://u:p@h/d?charset=hidden", "mysql://u:hidden@h/d?tls=true&tls=false",
			"mysql://u:p@h/d?tls=hidden", "mysql://u:hidden@/d?socket=/s&tls=true", "mysql://u:hidden@h/d?tls=skip-verify&ssl-ca=storeurl_test.go",
			"mysql://u:hidden@h/d?ssl-ca=storeurl_test.go", "mysql://u:hidden@h/d?ssl-ca=nowhere.pem",
		},
		engineMongoDB: {
			"mongodb://u:hidden@/d", "mongodb://u:hidden%zz@h/d", "mongodb://u:hidden@h/d?maxPoolSize=hidden", "mongodb://u:12?hidden@h/d",
			"mongodb+srv://u:hidden@h.nowhere.invalid:27017/d", "mongodb+srv://u:hidden@a.nowhere.invalid,b.nowhere.invalid/d",
			"mongodb+srv://u:hidden@h.nowhere.invalid/d?directConnection=true", "mongodb+srv://u:hidden@h.nowhere.invalid/d?maxPoolSize=hidden",
		},
	} {
		for _, text := range urls {
			_, err := parseStoreURL(text, engine)
			if err == nil {
				t.Errorf("%s: %q was accepted", engine, text)
			} else if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %q: got %v", engine, text, err)
			}
		}
	}
}

// For any input, parsing doesn't panic, every accepted URL has a location to show in messages, and no error reveals the
// password.
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

// checkHidden parses a URL that contains the password, and checks that the result doesn't reveal it.
func checkHidden(t *testing.T, engine, text, password string) {
	t.Helper()
	secret := "hidden" + password
	scheme, rest, found := strings.Cut(text, "://")
	if !found || !utf8.ValidString(secret) {
		return
	}
	parsed, err := parseStoreURL(scheme+"://user:"+secret+"@"+rest, engine)
	if err != nil && strings.Contains(err.Error(), "hidden") {
		t.Errorf("the error reveals the password: %q", err)
	}
	if err == nil && parsed.engine != engineSQLite && (strings.Contains(parsed.place, "hidden") || strings.Contains(parsed.database, "hidden")) {
		t.Errorf("part of the password was parsed as the place %q or the database %q", parsed.place, parsed.database)
	}
}
