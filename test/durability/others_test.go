package durability

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	_ "modernc.org/sqlite" // the driver that the other program uses

	"superheroes/internal/fight"
	"superheroes/test/engines"
	"superheroes/test/history"
	"superheroes/test/mongowire"
	"superheroes/test/system"
)

// seeds are documents written by other programs: readable fights, unreadable fights, and documents that aren't fights.
// Each call to put writes new documents.
type seeds struct {
	readable, unreadable []string // ids
	put                  func(t *testing.T, n int)
}

// next returns and records the ids of the nth readable and the nth unreadable fight.
func (s *seeds) next(n int) (readable, unreadable string) {
	readable = fmt.Sprintf("9b2e1f2e-0c3a-4c3a-8d10-00000000000%d", n)
	unreadable = fmt.Sprintf("ffffffff-ffff-4fff-bfff-fffffffffff%d", n)
	s.readable, s.unreadable = append(s.readable, readable), append(s.unreadable, unreadable)
	return readable, unreadable
}

// onMongoDB returns seeds that are written to the MongoDB collection the way other applications would write them.
func onMongoDB(t *testing.T, address string) *seeds {
	client, err := mongo.Connect(options.Client().ApplyURI(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) })
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	fights, s := client.Database(strings.Trim(parsed.Path, "/")).Collection("fights"), &seeds{}
	s.put = func(t *testing.T, n int) {
		of := func(id any, more ...bson.E) bson.D {
			hero := bson.D{{Key: "name", Value: "of another"}}
			return append(bson.D{{Key: "_id", Value: id}, {Key: "fight_date", Value: time.Now()},
				{Key: "winner_team", Value: "heroes"}, {Key: "hero", Value: hero}}, more...)
		}
		villain := bson.E{Key: "villain", Value: bson.D{{Key: "name", Value: "of another"}}}
		readable, unreadable := s.next(n)
		documents := []any{
			of(unreadable),
			bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "fightDate", Value: time.Now()},
				{Key: "winnerName", Value: "Chewbacca"}, {Key: "winnerTeam", Value: "heroes"},
				{Key: "loserName", Value: "Wanderer"}, {Key: "loserTeam", Value: "villains"}},
		}
		ids := []any{readable, bson.NewObjectID(), int64(n), fmt.Sprint("fight ", n), strings.ToUpper(readable)}
		for _, id := range ids { // only the first of these is a valid fight id
			documents = append(documents, of(id, villain))
		}
		_, err := fights.InsertMany(t.Context(), documents)
		if err != nil {
			t.Error(err)
		}
	}
	return s
}

// onSQLite returns seeds that another program writes to the SQLite database that `up` uses in dir.
func onSQLite(t *testing.T, dir string) *seeds {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "fights.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := &seeds{}
	s.put = func(t *testing.T, n int) {
		readable, unreadable := s.next(n)
		document := fmt.Sprintf(`{"id":%q,"fight_date":"2026-01-02T15:04:05Z","winner_team":"heroes",
			"hero":{"name":"h"},"villain":{"name":"v"}}`, readable)
		for text, document := range map[string]string{readable: document, unreadable: "no JSON"} {
			id, err := fight.ParseID(text)
			if err != nil {
				t.Fatal(err)
			}
			_, err = db.ExecContext(t.Context(), "INSERT INTO fight (id, document) VALUES (?, ?)", id[:], []byte(document))
			if err != nil {
				t.Error(err)
			}
		}
	}
	return s
}

// TestFightsOfOthers lets other programs write fights, both before the services start and while they run. In every
// process, count, list and statistics must agree. Unreadable fights must be reported by id, and new ids must not
// continue from the other programs' ids.
func TestFightsOfOthers(t *testing.T) {
	program := system.Build(t)
	t.Run("MongoDB, over TLS", func(t *testing.T) {
		store := engines.MongoDB(t)
		s := onMongoDB(t, store)
		parsed, err := url.Parse(store)
		if err != nil {
			t.Fatal(err)
		}
		certificate, authority := mongowire.Certificate(t)
		secured := "mongodb://" + mongowire.StartTLS(t, parsed.Host, certificate) + parsed.Path +
			"?tls=true&tlsCAFile=" + url.QueryEscape(authority)
		for n := range 2 {
			s.put(t, n)
		}
		up := system.Up(t, program, t.TempDir(), append(patience(), "--fights-mongodb-url="+secured)...)
		_, beside := system.StatisticsOf(t, program, store, patience()...)
		s.agree(t, up, up.Statistics, beside)
		rebuilt(t, program, "MONGODB_URL="+store)
		s.agree(t, up, up.Statistics, beside)
	})
	t.Run("SQLite", func(t *testing.T) {
		dir := t.TempDir()
		first := system.Up(t, program, dir)
		first.Processes["fights"].Kill()
		s := onSQLite(t, dir)
		for n := range 2 {
			s.put(t, n)
		}
		up := system.Up(t, program, dir)
		s.agree(t, up, up.Statistics)
		rebuilt(t, program, "DATA_DIR="+dir)
		s.agree(t, up, up.Statistics)
	})
}

// rebuilt runs `statistics rebuild`, and checks that the recount finds no difference.
func rebuilt(t *testing.T, program, store string) {
	t.Helper()
	p := system.Start(t, program, []string{store}, "statistics", "rebuild")
	if code := p.Wait(t, settling); code != 0 || !strings.Contains(p.Stdout.String(), "nothing differed") {
		t.Errorf("exit code %d: %s%s", code, p.Stdout.String(), p.Stderr.String())
	}
}

// agree requests fights while another program writes, and checks that all endpoints agree.
func (s *seeds) agree(t *testing.T, up *system.System, statistics ...string) {
	t.Helper()
	ours := s.fightBeside(t, up.Fights)
	readable, unreadable := listAll(t, up.Fights)
	slices.Sort(s.unreadable)
	slices.Sort(unreadable)
	if !slices.Equal(unreadable, s.unreadable) {
		t.Errorf("unreadable fights %v, want %v", unreadable, s.unreadable)
	}
	for _, id := range append(ours, s.readable...) {
		if !slices.Contains(readable, id) {
			t.Errorf("%s is not listed", id)
		}
	}
	n, err := history.Count(t.Context(), up.Fights)
	if err != nil || n != len(readable)+len(unreadable) {
		t.Errorf("count %d, but %d fights are readable, %d unreadable; %v", n, len(readable), len(unreadable), err)
	}
	for _, base := range statistics {
		waitFor(t, base, n, len(unreadable))
	}
	for _, id := range unreadable {
		status, answer := fetch(t, up.Fights+"/api/fights/"+id)
		if status != http.StatusInternalServerError || !strings.Contains(answer, id) {
			t.Errorf("reading fight %s returned status %d with body %s", id, status, answer)
		}
		if log := up.Processes["fights"].Stderr.String(); !strings.Contains(log, "fight "+id+" can't be read") {
			t.Errorf("the log doesn't report that %s can't be read:\n%s", id, log)
		}
	}
	for _, base := range append(statistics, up.Fights) {
		if status, answer := fetch(t, base+"/readyz"); status != http.StatusOK {
			t.Errorf("%s is not ready: %s", base, answer)
		}
	}
}

// fightBeside requests fights from several clients while another program writes, and returns the ids of the
// acknowledged fights.
func (s *seeds) fightBeside(t *testing.T, base string) (ids []string) {
	t.Helper()
	low := fight.NewIDs(fight.ID{}).Next(time.Now().Add(-time.Minute)).String()
	ours := newLedger(false)
	load := (&load{ledger: ours, base: base, floor: low}).start(t.Context(), 3)
	ours.await(t, 8)
	for range 2 {
		s.put(t, len(s.readable))
	}
	ours.await(t, 24)
	load.end()
	high := fight.NewIDs(fight.ID{}).Next(time.Now().Add(time.Minute)).String()
	for _, operation := range ours.operations {
		if operation.Outcome != history.OK || operation.ID > high {
			t.Errorf("the fight was not acknowledged, or the id is too high: %+v", operation)
		}
		ids = append(ids, operation.ID)
	}
	for _, fault := range ours.faults {
		t.Error(fault)
	}
	return ids
}

// listAll reads all pages of the list, and skips unreadable fights, whose ids it takes from the error responses.
func listAll(t *testing.T, base string) (readable, unreadable []string) {
	t.Helper()
	const many = 50
	named := regexp.MustCompile(`fight ([0-9a-f-]{36}) can't be read`)
	for before, limit := "", many; ; {
		address := fmt.Sprint(base, "/api/fights?limit=", limit)
		if before != "" {
			address += "&before=" + before
		}
		status, answer := fetch(t, address)
		var page []struct {
			ID string `json:"id"`
		}
		switch {
		case status == http.StatusInternalServerError && named.MatchString(answer) && limit > 1:
			limit = 1
		case status == http.StatusInternalServerError && named.MatchString(answer):
			before, limit = named.FindStringSubmatch(answer)[1], many
			unreadable = append(unreadable, before)
		case status != http.StatusOK || json.Unmarshal([]byte(answer), &page) != nil:
			t.Fatalf("%s: %d %s", address, status, answer)
		case len(page) == 0:
			return readable, unreadable
		default:
			for _, one := range page {
				readable = append(readable, one.ID)
			}
			before = page[len(page)-1].ID
		}
	}
}

// waitFor waits until the statistics report the given numbers of fights.
func waitFor(t *testing.T, base string, total, unreadable int) {
	t.Helper()
	var said struct{ Total, Heroes, Villains, Unreadable int }
	for end := time.Now().Add(settling); ; {
		status, answer := fetch(t, base+"/api/statistics")
		if status == http.StatusOK {
			if err := json.Unmarshal([]byte(answer), &said, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
		}
		right := said.Total == total && said.Unreadable == unreadable && said.Heroes+said.Villains+said.Unreadable == total
		if right || time.Now().After(end) {
			if !right {
				t.Errorf("%s returns %+v, want a total of %d, of which %d are unreadable", base, said, total, unreadable)
			}
			return
		}
	}
}

// fetch requests a URL and returns the response, regardless of its status code.
func fetch(t *testing.T, address string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	status, body, err := ask(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	return status, string(body)
}
