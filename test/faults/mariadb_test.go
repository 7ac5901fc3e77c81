package faults

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/system"
)

// TestMariaDB exposes locations to each kind of trouble on a private server: what readiness, reads and writes return,
// and what happens to a service that starts meanwhile.
func TestMariaDB(t *testing.T) {
	program := system.Build(t)
	server := engines.MySQLServer(t)
	t.Setenv(engines.MySQLURL, server.URL)
	for _, c := range mariaDBTroubles() {
		t.Run(c.name, func(t *testing.T) { c.run(t, program) })
	}
	t.Run("one bad row", func(t *testing.T) { testBadRow(t, program) })
	t.Run("no AUTO_INCREMENT", func(t *testing.T) { testNoAutoIncrement(t, program) })
	t.Run("an unsuitable table", func(t *testing.T) { testUnsuitableTable(t, program) })
}

// mariaDBTrouble is trouble caused by a database administrator, another program or the disk.
type mariaDBTrouble struct {
	name         string
	table        []string // creates it; nil leaves that to the service
	begin, end   []string
	read, write  int    // statuses meanwhile
	detail       string // in the failing responses
	ready        int
	cause        string // in the log
	startsAnyway bool
	startLogs    string // the only line that the start logs
	startsLater  bool   // once the trouble is over; otherwise a start says why not
	startSays    string // when it exits
	creates      bool   // the failing write creates an entry
}

const (
	familyTable = `CREATE TABLE locations (id bigint NOT NULL AUTO_INCREMENT, description varchar(1000), name varchar(255) UNIQUE,
		picture varchar(255), type varchar(20), PRIMARY KEY (id))`
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
			name: "table renamed away", begin: []string{"RENAME TABLE locations TO elsewhere"}, end: []string{"DROP TABLE IF EXISTS locations", "RENAME TABLE elsewhere TO locations"},
			read: 500, write: 500, detail: "schema", ready: 503, cause: "Error 1146",
		},
		{
			name:  "column renamed",
			begin: []string{"ALTER TABLE locations CHANGE picture image varchar(255)"}, end: []string{"ALTER TABLE locations CHANGE image picture varchar(255)"},
			read: 500, write: 500, detail: "schema", ready: 503, cause: "Error 1054", startSays: "table locations has no column picture",
		},
		{
			name:  "no permission to read",
			begin: []string{"REVOKE SELECT ON {database}.* FROM {user}", "KILL USER {user}"}, end: []string{"GRANT SELECT ON {database}.* TO {user}"},
			read: 500, write: 500, detail: "schema", ready: 503, cause: "Error 1142", startSays: "SELECT command denied",
		},
		{
			name: "read-only", begin: []string{"SET GLOBAL read_only = 1"}, end: []string{"SET GLOBAL read_only = 0"},
			read: 200, write: 503, detail: "takes no writes; nothing was written", ready: 200, cause: "Error 1290", startsAnyway: true, startLogs: "WARN - the store takes no writes; reads are served",
		},
		{
			name:  "full",
			table: []string{"SET max_heap_table_size = 16384", familyTable + " ENGINE = MEMORY", "INSERT INTO locations (name, type) VALUES ('Gotham City', 'CITY')"},
			begin: []string{"!" + fullRows}, end: []string{"DELETE FROM locations WHERE id > 1"}, creates: true,
			read: 200, write: 503, detail: "takes no writes", ready: 200, cause: "Error 1114", startsAnyway: true,
		},
		{
			name: "damaged", begin: []string{"ALTER TABLE locations DISCARD TABLESPACE"},
			end:  []string{"DROP TABLE locations", familyTable, "INSERT INTO locations (name, type) VALUES ('Gotham City', 'CITY')"},
			read: 503, write: 503, detail: "damaged", ready: 503, cause: "Error 1814", startSays: "table locations is damaged; run CHECK TABLE and REPAIR TABLE",
		},
	}
}

// mariaDB is a database with a user that has exactly the rights that a service needs.
type mariaDB struct {
	*sql.Conn // of an administrator

	store string // the user's URL
	names *strings.Replacer
}

func newMariaDB(t *testing.T) mariaDB {
	t.Helper()
	at, err := url.Parse(engines.MySQL(t))
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

// exec runs statements as the administrator; one that starts with a mark may fail.
func (db mariaDB) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		text, mayFail := strings.CutPrefix(db.names.Replace(statement), "!")
		if _, err := db.ExecContext(t.Context(), text); err != nil && !mayFail {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// number returns the result of a query for one number.
func (db mariaDB) number(t *testing.T, query string) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), db.names.Replace(query)).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// start starts locations on the database.
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

// wantStatus checks a response, which may be a problem.
func (a answer) wantStatus(t *testing.T, status int, detail string) {
	t.Helper()
	if status == http.StatusOK {
		a.want(t, status)
		return
	}
	a.wantProblem(t, status, detail)
	for _, secret := range []string{"kryptonite", "SELECT", "Error 1"} {
		if strings.Contains(a.body, secret) {
			t.Errorf("%q is in %s", secret, a.body)
		}
	}
}

func (c mariaDBTrouble) run(t *testing.T, program string) {
	db := newMariaDB(t)
	db.exec(t, c.table...)
	s := db.start(t, program)
	s.Ready(t, s.url+"/readyz")
	db.exec(t, c.begin...)

	c.meanwhile(t, s)
	late := c.startMeanwhile(t, db, program)
	db.exec(t, c.end...)
	await.True(t, "the service is ready again", func() bool { return get(t, s.url+"/readyz").status == http.StatusOK })
	for _, path := range s.reads() {
		await.True(t, path+" is answered again", func() bool { return get(t, path).status == http.StatusOK })
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

// meanwhile sends all requests at once while the trouble lasts.
func (c mariaDBTrouble) meanwhile(t *testing.T, s service) {
	var group sync.WaitGroup
	for _, path := range s.reads() {
		group.Go(func() { get(t, path).wantStatus(t, c.read, c.detail) })
	}
	group.Go(func() {
		if c.creates {
			s.create(t, "new").wantStatus(t, c.write, c.detail)
		} else {
			s.patch(t, "1", `{"picture":"changed"}`).wantStatus(t, c.write, c.detail)
		}
	})
	group.Go(func() {
		if got := get(t, s.url+"/readyz"); got.status != c.ready {
			t.Errorf("/readyz is %d %s, want %d", got.status, got.body, c.ready)
		}
	})
	group.Wait()
	await.True(t, c.cause+" is in the log", func() bool { return strings.Contains(s.Stderr.String(), c.cause) })
	get(t, s.url+"/livez").want(t, http.StatusOK)
}

// startMeanwhile starts another service while the trouble lasts.
func (c mariaDBTrouble) startMeanwhile(t *testing.T, db mariaDB, program string) (late service) {
	switch {
	case c.startsAnyway:
		late = db.start(t, program)
		late.Ready(t, late.url+"/readyz")
		stop(t, late.Process)
		if log := late.Stderr.String(); strings.Count(log, "\n") != min(1, len(c.startLogs)) || !strings.Contains(log, c.startLogs) {
			t.Errorf("the start should log %q and nothing else, but logged:\n%s", c.startLogs, log)
		}
	case c.startsLater:
		late = db.start(t, program)
		late.lives(t)
		get(t, late.url+"/readyz").wantProblem(t, http.StatusServiceUnavailable, "starting")
	case c.startSays != "":
		wantOneLine(t, db.start(t, program).Process, "locations", c.startSays)
	}
	return late
}

// testBadRow adds rows that violate the contract to good ones.
func testBadRow(t *testing.T, program string) {
	db := newMariaDB(t)
	db.exec(t, familyTable, `INSERT INTO locations (name, type, picture) VALUES ('Gotham City', 'CITY', NULL), ('an ordinal', '0', ''),
		(REPEAT('é', 51), 'MOON', ''), (NULL, NULL, NULL)`)
	s := db.start(t, program)
	s.Ready(t, s.url+"/readyz")
	for range 3 {
		for path, id := range map[string]string{"/2": "2", "/3": "3", "/2/picture.svg": "2", "": "2", "?after=2": "3", "?name=ordinal": "2"} {
			got := get(t, s.url+"/api/locations"+path)
			got.wantProblem(t, http.StatusInternalServerError, "location "+id+" can't be read")
		}
		get(t, s.url+"/api/locations?limit=1").want(t, http.StatusOK)
		get(t, s.url+"/api/locations/4").want(t, http.StatusOK)
		get(t, s.url+"/readyz").want(t, http.StatusOK)
	}
	picked := map[int]bool{}
	await.True(t, "good and bad rows are picked", func() bool {
		got := get(t, s.url+"/api/locations/random")
		if got.status == http.StatusInternalServerError {
			got.wantProblem(t, http.StatusInternalServerError, "can't be read")
		}
		picked[got.status] = true
		return picked[http.StatusOK] && picked[http.StatusInternalServerError]
	})
	if len(picked) != 2 {
		t.Errorf("picks were answered with %v", picked)
	}
	s.patch(t, "2", `{"type":"MOON"}`).want(t, http.StatusOK)
	ask(t, http.MethodDelete, s.url+"/api/locations/3", "", "Authorization", admin).want(t, http.StatusNoContent)
	get(t, s.url+"/api/locations").want(t, http.StatusOK)
	stop(t, s.Process)
	log := firstLines(s.Stderr.String())
	for _, cause := range []string{`type \"0\" must be one of CITY`, `must have 1 to 50 characters, not 51`} {
		if strings.Count(log, cause) != 1 {
			t.Errorf("%q is not once in the log:\n%s", cause, log)
		}
	}
}

// testNoAutoIncrement creates entries in a table that assigns no ids, from several clients of two processes at once.
func testNoAutoIncrement(t *testing.T, program string) {
	db := newMariaDB(t)
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
		t.Errorf("%d entries have the ids 1 to %d", n, 2*each)
	}
	db.exec(t, "INSERT INTO locations (id, name, type) VALUES (100, 'another application', 'MOON')")
	if got := services[0].create(t, "above it").want(t, http.StatusCreated); got.header.Get("Location") != "/api/locations/101" {
		t.Errorf("Location is %s", got.header.Get("Location"))
	}
	services[0].create(t, "above it").wantProblem(t, http.StatusConflict, "name")
	if n := db.number(t, "SELECT COALESCE(IS_USED_LOCK('superheroes.locations.id'), 0)"); n != 0 {
		t.Errorf("connection %d still holds the lock of the ids", n)
	}
}

// testUnsuitableTable starts on a table of another shape: one line lists everything that is wrong.
func testUnsuitableTable(t *testing.T, program string) {
	db := newMariaDB(t)
	db.exec(t, "CREATE TABLE locations (id varchar(36) PRIMARY KEY, name varchar(50), description text, type int)")
	wantOneLine(t, db.start(t, program).Process, "table locations",
		`has a column id of type varchar\(36\) instead of an integer, has no column picture, has a column type of type int\(11\) instead of a text`)
}
