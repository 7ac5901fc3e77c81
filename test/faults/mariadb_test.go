package faults

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"superheroes/test/await"
	"superheroes/test/engines"
)

// mariaDBTests returns tests of the locations service, one for each kind of problem in MariaDB. Each test checks what
// readiness, reads and writes return, and what happens if a service starts while the problem lasts.
func mariaDBTests() tests {
	all := tests{
		"MariaDB with a bad row":           testBadRow,
		"MariaDB without AUTO_INCREMENT":   testNoAutoIncrement,
		"MariaDB with an unsuitable table": testUnsuitableTable,
		"MariaDB over TLS and a socket":    testMariaDBConnections,
		"slow MariaDB, impatient clients":  testHastyClients,
		"hung MariaDB, strict":             func(t *testing.T, program string) { testHungMariaDB(t, program, "strict") },
		"hung MariaDB, eco":                func(t *testing.T, program string) { testHungMariaDB(t, program, "eco") },
		"MariaDB with long-held locks":     testLockedMariaDB,
	}
	for _, c := range mariaDBTroubles() {
		all["MariaDB problem, "+c.name] = c.run
	}
	return all
}

// mariaDBTrouble describes a problem caused by a database administrator, another program or the disk.
type mariaDBTrouble struct {
	name         string
	private      bool     // whether the test needs its own database server
	table        []string // statements that create the table; nil lets the service create it
	begin, end   []string
	read, write  int    // expected statuses while the problem lasts
	detail       string // in the failing responses
	ready        int
	cause        string // expected in the log
	startsAnyway bool
	startLogs    []string // expected in the log of a service started while the problem lasts
	startsLater  bool     // whether a service that waits at startup becomes ready once the problem is solved
	startSays    string   // expected error message when the service exits
	creates      bool     // whether the failing write creates an entry instead of changing one
}

const (
	familyTable = `CREATE TABLE locations (id bigint NOT NULL AUTO_INCREMENT, description varchar(1000), name varchar(255) UNIQUE,
		picture varchar(255), type varchar(20), PRIMARY KEY (id))`
	gotham   = "INSERT INTO locations (name, type) VALUES ('Gotham City', 'CITY')"
	admin    = "Bearer open"
	fullRows = `INSERT INTO locations (name, description, picture, type) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
		SELECT CONCAT('filler ', i), '', '', 'MOON' FROM n`
)

func mariaDBTroubles() []mariaDBTrouble {
	return []mariaDBTrouble{
		{
			name: "table locked", begin: []string{"LOCK TABLES locations WRITE"}, end: []string{"UNLOCK TABLES"},
			read: 503, write: 503, detail: "locked", ready: 503, cause: "Error 1205", startsLater: true,
		},
		{
			name: "row locked", begin: []string{"BEGIN", "SELECT * FROM locations WHERE id = 1 FOR UPDATE"}, end: []string{"ROLLBACK"},
			read: 200, write: 503, detail: "locked", ready: 200, cause: "Error 1205", startsAnyway: true,
		},
		{
			name: "table renamed", begin: []string{"RENAME TABLE locations TO elsewhere"},
			end:  []string{"DROP TABLE IF EXISTS locations", "RENAME TABLE elsewhere TO locations"},
			read: 500, write: 500, detail: "schema", ready: 503, cause: "Error 1146",
		},
		{
			name:  "column renamed",
			begin: []string{"ALTER TABLE locations CHANGE picture image varchar(255)"},
			end:   []string{"ALTER TABLE locations CHANGE image picture varchar(255)"},
			read:  500, write: 500, detail: "schema", ready: 503, cause: "Error 1054", startSays: "table locations has no column picture",
		},
		{
			name:  "no permission to read",
			begin: []string{"REVOKE SELECT ON {database}.* FROM {user}", "KILL USER {user}"}, end: []string{"GRANT SELECT ON {database}.* TO {user}"},
			read: 500, write: 500, detail: "schema", ready: 503, cause: "Error 1142", startSays: "SELECT command denied",
		},
		{
			name: "read-only", private: true, begin: []string{"SET GLOBAL read_only = 1"}, end: []string{"SET GLOBAL read_only = 0"},
			read: 200, write: 503, detail: "accepts no writes; nothing was written", ready: 200, cause: "Error 1290", startsAnyway: true,
			startLogs: []string{"WARN - the store accepts no writes; reads are served"},
		},
		{
			name:  "full",
			table: []string{"SET max_heap_table_size = 16384", familyTable + " ENGINE = MEMORY", gotham},
			begin: []string{"!" + fullRows}, end: []string{"DELETE FROM locations WHERE id > 1"}, creates: true,
			read: 200, write: 503, detail: "accepts no writes", ready: 200, cause: "Error 1114", startsAnyway: true,
		},
		{
			name: "damaged", begin: []string{"ALTER TABLE locations DISCARD TABLESPACE"},
			end:  []string{"DROP TABLE locations", familyTable, gotham},
			read: 503, write: 503, detail: "damaged", ready: 503, cause: "Error 1814", startSays: "table locations is damaged; run CHECK TABLE and REPAIR TABLE",
		},
	}
}

// mariaDB is a database with a user that has only the privileges that a service needs.
type mariaDB struct {
	*sql.Conn // an administrator's connection

	store string // the user's URL
	names *strings.Replacer
}

// newMariaDB creates a user that has only the privileges that a service needs. The given URL names a fresh database and
// contains an administrator's credentials.
func newMariaDB(t *testing.T, database string) mariaDB {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.DBName = "tcp", at.Host, at.User.Username(), strings.Trim(at.Path, "/")
	config.Passwd, _ = at.User.Password()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	pool := sql.OpenDB(connector)
	conn, err := pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user := "user_" + strings.TrimPrefix(config.DBName, "test_")
	db := mariaDB{Conn: conn, names: strings.NewReplacer("{database}", config.DBName, "{user}", user)}
	db.exec(t, "CREATE USER {user} IDENTIFIED BY 'kryptonite'",
		"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, TRIGGER ON {database}.* TO {user}")
	t.Cleanup(func() {
		_, _ = conn.ExecContext(context.WithoutCancel(t.Context()), "DROP USER "+user)
		_ = conn.Close()
		_ = pool.Close()
	})
	at.User = url.UserPassword(user, "kryptonite")
	db.store = at.String()
	return db
}

// exec runs statements as the administrator. A statement that begins with "!" may fail.
func (db mariaDB) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		text, mayFail := strings.CutPrefix(db.names.Replace(statement), "!")
		if _, err := db.ExecContext(t.Context(), text); err != nil && !mayFail {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// number runs a query that returns a single number.
func (db mariaDB) number(t *testing.T, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), db.names.Replace(query)).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// start starts the locations service with the URL of the unprivileged user.
func (db mariaDB) start(t *testing.T, program string, args ...string) service {
	t.Helper()
	args = append([]string{"--deadline=2s", "--profile=strict", "--store-wait=1m"}, args...)
	return start(t, program, "locations", []string{"MYSQL_URL=" + db.store, "ADMIN_TOKEN=open"}, args...)
}

func (s service) patch(t *testing.T, id, body string) answer {
	t.Helper()
	return ask(t, http.MethodPatch, s.url+"/api/locations/"+id, body, "Authorization", admin)
}

func (s service) create(t *testing.T, name string) answer {
	t.Helper()
	return ask(t, http.MethodPost, s.url+"/api/locations", `{"name":"`+name+`","type":"MOON"}`, "Authorization", admin)
}

// wantStatus checks the status code of a response. If the code isn't 200, the response must be a problem document that
// contains the given detail, and must not reveal any secret.
func (a answer) wantStatus(t *testing.T, status int, detail string) {
	t.Helper()
	if status == http.StatusOK {
		a.want(t, status)
		return
	}
	a.wantProblem(t, status, detail)
	for _, secret := range []string{"kryptonite", "SELECT", "Error 1"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%q is revealed in the response: %s", secret, a.body)
		}
	}
}

func (c mariaDBTrouble) run(t *testing.T, program string) {
	var database string
	if c.private {
		database = engines.MySQLServer(t).Database(t)
	} else {
		database = engines.MySQL(t)
	}
	db := newMariaDB(t, database)
	db.exec(t, c.table...)
	s := db.start(t, program)
	s.Ready(t, s.url+"/readyz")
	db.exec(t, c.begin...)

	c.meanwhile(t, s)
	late := c.startMeanwhile(t, db, program)
	db.exec(t, c.end...)
	awaitOK(t, s.url+"/readyz")
	for _, path := range s.reads() {
		awaitOK(t, path)
	}
	s.patch(t, "1", `{"name":"changed"}`).want(t, http.StatusOK)
	if c.startsLater {
		late.Ready(t, late.url+"/readyz")
	}
	stop(t, s.Process)
	if log := s.Stderr.String(); strings.Contains(log, "kryptonite") {
		t.Errorf("the password is in the log:\n%s", log)
	}
}

// inTime repeats a request if its deadline passed before the store reported the problem, which can happen on a busy
// machine. It gives up after a minute.
func inTime(send func() answer) (response answer) {
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		response = send()
		if !strings.Contains(response.body, "did not answer before the request's deadline") {
			break
		}
	}
	return response
}

// meanwhile sends all kinds of requests concurrently while the problem lasts, and checks the responses.
func (c mariaDBTrouble) meanwhile(t *testing.T, s service) {
	var group sync.WaitGroup
	for _, path := range s.reads() {
		group.Go(func() { inTime(func() answer { return get(t, path) }).wantStatus(t, c.read, c.detail) })
	}
	group.Go(func() {
		inTime(func() answer {
			if c.creates {
				return s.create(t, "new")
			}
			return s.patch(t, "1", `{"picture":"changed"}`)
		}).wantStatus(t, c.write, c.detail)
	})
	group.Go(func() {
		if got := get(t, s.url+"/readyz"); got.status != c.ready {
			t.Errorf("/readyz is %d %s, want %d", got.status, got.body, c.ready)
		}
	})
	group.Wait()
	await.True(t, c.cause+" is in the log", func() bool { return strings.Contains(s.Stderr.String(), c.cause) })
	wantOK(t, s.url+"/livez")
}

// startMeanwhile starts another service while the problem lasts, and checks its behaviour.
func (c mariaDBTrouble) startMeanwhile(t *testing.T, db mariaDB, program string) (late service) {
	switch {
	case c.startsAnyway:
		late = db.start(t, program)
		late.Ready(t, late.url+"/readyz")
		stop(t, late.Process)
		wantLog(t, &late.Stderr, c.startLogs...)
	case c.startsLater:
		late = db.start(t, program)
		late.lives(t)
		wantUnready(t, late.url, "starting")
	case c.startSays != "":
		wantOneLine(t, db.start(t, program).Process, "locations", c.startSays)
	}
	return late
}

// testBadRow checks that a row that violates the contract is reported with its id, and that all other rows are served.
func testBadRow(t *testing.T, program string) {
	db := newMariaDB(t, engines.MySQL(t))
	db.exec(t, familyTable, `INSERT INTO locations (name, type, picture) VALUES ('Gotham City', 'CITY', NULL), ('an ordinal', '0', ''),
		(REPEAT('é', 51), 'MOON', ''), (NULL, NULL, NULL)`)
	s := db.start(t, program)
	s.Ready(t, s.url+"/readyz")
	for range 3 {
		for path, id := range map[string]string{"/2": "2", "/3": "3", "/2/picture.svg": "2", "": "2", "?after=2": "3", "?name=ordinal": "2"} {
			got := get(t, s.url+"/api/locations"+path)
			got.wantProblem(t, http.StatusInternalServerError, "location "+id+" can't be read")
		}
		wantOK(t, s.url+"/api/locations?limit=1")
		wantOK(t, s.url+"/api/locations/4")
		awaitOK(t, s.url+"/readyz")
	}
	picked := map[int]bool{}
	await.True(t, "both good and bad rows have been picked", func() bool {
		got := get(t, s.url+"/api/locations/random")
		if got.status == http.StatusInternalServerError {
			got.wantProblem(t, http.StatusInternalServerError, "can't be read")
		}
		picked[got.status] = true
		return picked[http.StatusOK] && picked[http.StatusInternalServerError]
	})
	if len(picked) != 2 {
		t.Errorf("picks returned statuses other than 200 and 500: %v", picked)
	}
	s.patch(t, "2", `{"type":"MOON"}`).want(t, http.StatusOK)
	ask(t, http.MethodDelete, s.url+"/api/locations/3", "", "Authorization", admin).want(t, http.StatusNoContent)
	wantOK(t, s.url+"/api/locations")
	stop(t, s.Process)
	log := firstLines(s.Stderr.String())
	for _, cause := range []string{`type \"0\" must be one of CITY`, `must have 1 to 50 characters, not 51`} {
		if strings.Count(log, cause) != 1 {
			t.Errorf("the log doesn't contain %q exactly once:\n%s", cause, log)
		}
	}
}

// testNoAutoIncrement creates entries in a table without AUTO_INCREMENT, concurrently from several clients and through
// two processes.
func testNoAutoIncrement(t *testing.T, program string) {
	db := newMariaDB(t, engines.MySQL(t))
	db.exec(t, strings.Replace(familyTable, " AUTO_INCREMENT", "", 1))
	services := []service{db.start(t, program, "--deadline=10s"), db.start(t, program, "--deadline=10s")}
	for _, s := range services {
		s.Ready(t, s.url+"/readyz")
	}
	const each = 20
	var group sync.WaitGroup
	for i, s := range services {
		for j := range each {
			group.Go(func() { s.create(t, strings.Repeat("x", 1+i*each+j)).want(t, http.StatusCreated) })
		}
	}
	group.Wait()
	if n := db.number(t, "SELECT COUNT(*) FROM locations WHERE id BETWEEN 1 AND 40"); n != 2*each {
		t.Errorf("%d entries have ids from 1 to %d, want one entry per id", n, 2*each)
	}
	db.exec(t, "INSERT INTO locations (id, name, type) VALUES (100, 'another application', 'MOON')")
	if got := services[0].create(t, "above it").want(t, http.StatusCreated); got.header.Get("Location") != "/api/locations/101" {
		t.Errorf("Location is %s", got.header.Get("Location"))
	}
	services[0].create(t, "above it").wantProblem(t, http.StatusConflict, "name")
	if n := db.number(t, "SELECT COALESCE(IS_USED_LOCK('superheroes.locations.id'), 0)"); n != 0 {
		t.Errorf("connection %d still holds the lock for assigning ids", n)
	}
}

// testUnsuitableTable starts the locations service with a table whose columns are wrong, and checks that a single log
// line lists all errors.
func testUnsuitableTable(t *testing.T, program string) {
	db := newMariaDB(t, engines.MySQL(t))
	db.exec(t, "CREATE TABLE locations (id varchar(36) PRIMARY KEY, name varchar(50), description text, type int)")
	wantOneLine(t, db.start(t, program).Process, "table locations",
		`has a column id of type varchar\(36\) instead of an integer, has no column picture, has a column type of type int\(11\) instead of text`)
}
