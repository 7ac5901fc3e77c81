package suite

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/conformance/rawhttp"
	"superheroes/test/system"
)

const patience = 30 * time.Second

// score runs the suite and fails the test if the suite can't run.
func score(t *testing.T, target Target, options Options) []Outcome {
	t.Helper()
	options.Timeout, options.Token, options.Loopback = cmp.Or(options.Timeout, patience), system.AdminToken, true
	outcomes, err := Run(t.Context(), target, options)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// quick selects all clauses except the ones that need thousands of requests.
func quick(c Clause) bool { return !strings.HasSuffix(c.ID, ".spread") }

func targetOf(s *system.System) Target {
	return Target{Heroes: s.Heroes, Villains: s.Villains, Locations: s.Locations, Fights: s.Fights}
}

func allPass(t *testing.T, outcomes []Outcome) {
	t.Helper()
	if len(outcomes) == 0 {
		t.Error("no clause was checked")
	}
	for _, o := range outcomes {
		if o.Result != Pass {
			t.Errorf("%s (%s): %s\n%s", o.ID, o.Text, o.Result, o.Detail)
		}
	}
}

// TestOurs scores this application in both profiles, as one process and as one process per service, with statistics and
// the arena. Every clause must pass, the run must leave nothing but fights behind, and all variants must respond alike.
func TestOurs(t *testing.T) {
	t.Parallel()
	program := system.Build(t)
	var mu sync.Mutex
	var first *answers
	test := func(t *testing.T, s *system.System) {
		t.Helper()
		answers := testOurs(t, s)
		mu.Lock()
		defer mu.Unlock()
		if first != nil {
			answers.compare(t, first)
		}
		first = answers
	}
	for _, profile := range []string{"strict", "eco"} {
		t.Run(profile+", one process on SQLite", func(t *testing.T) {
			t.Parallel()
			s := system.Up(t, program, t.TempDir(), "--profile="+profile)
			test(t, s)
			checkSeries(t, s.Admin)
		})
		t.Run(profile+", one process per service on real engines", func(t *testing.T) {
			t.Parallel()
			stores := system.RealStores(t)
			stores.Fights = patiently(t, stores.Fights)
			// On a busy machine, storing one fight may take longer than the default deadline.
			settings := []string{"--profile=" + profile, "--deadline=25s", "--write-timeout=30s"}
			s := system.Four(t, program, stores, settings...)
			s.Processes["statistics"], s.Statistics = system.StatisticsOf(t, program, stores.Fights, settings...)
			s.StartArena(t, program, "PROFILE="+profile)
			test(t, s)
		})
	}
}

// patiently returns the URL of a MongoDB database with time for connecting on a busy machine.
func patiently(t *testing.T, database string) string {
	t.Helper()
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := at.Query()
	query.Set("serverSelectionTimeoutMS", "20000")
	query.Set("connectTimeoutMS", "20000")
	at.RawQuery = query.Encode()
	return at.String()
}

func testOurs(t *testing.T, s *system.System) *answers {
	t.Helper()
	before, answers := catalogs(t, s), newAnswers()
	full := score(t, counting(s), Options{Group: Full, Arena: s.Arena, watch: answers.take})
	allPass(t, full)
	if all := len(Clauses()) + len(StatisticsClauses()) + len(ArenaClauses()); len(full) != all {
		t.Errorf("%d of %d clauses were checked", len(full), all)
	}
	if after := catalogs(t, s); after != before {
		t.Error("the run changed the catalogs")
	}
	return answers
}

// checkSeries checks that no service has more series of metrics after a whole run than docs/metrics.md says. A run sends
// every kind of request that the services accept or reject.
func checkSeries(t *testing.T, admin string) {
	t.Helper()
	response, err := http.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	scrape, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("got %s, %v", response.Status, err)
	}
	const most = 1200
	series := map[string]int{}
	for _, label := range regexp.MustCompile(`(?m)^\w+\{service="(\w+)"`).FindAllStringSubmatch(string(scrape), -1) {
		series[label[1]]++
	}
	t.Logf("series by service: %v", series)
	for service, n := range series {
		if n > most {
			t.Errorf("%s has %d series, more than %d", service, n, most)
		}
	}
	if len(series) != 7 { // six services and the process
		t.Errorf("%d services have metrics", len(series))
	}
}

// TestBesideOthers scores a good member while other clients keep creating fights: every clause must still pass.
func TestBesideOthers(t *testing.T) {
	t.Parallel()
	s := system.Up(t, system.Build(t), t.TempDir())
	client, err := rawhttp.NewClient(s.Fights, patience, unlimited())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var others sync.WaitGroup
	fought := 0
	others.Go(func() {
		for ctx.Err() == nil {
			begun := time.Now()
			if a, err := client.Do(ctx, post(heroWins)); err == nil && a.Status == http.StatusOK {
				fought++
			}
			// The pauses are long enough to check a clause, even on a slow machine.
			time.Sleep(20*time.Millisecond + 20*time.Since(begun))
		}
	})
	outcomes := score(t, counting(s), Options{Group: Full, Arena: s.Arena, Only: quick})
	stop()
	others.Wait()
	allPass(t, outcomes)
	t.Logf("%s, alongside %d fights from other clients", ScoreOf(outcomes, ""), fought)
}

// catalogs returns the complete lists of the three catalogs.
func catalogs(t *testing.T, s *system.System) string {
	t.Helper()
	var all string
	for _, r := range rooms() {
		e := exchange{method: http.MethodGet, target: r.path(), header: http.Header{}}
		e.forward(t, s.URL(r.service))
		all += e.body
	}
	return all
}

// TestWrongServers checks that each clause fails for a member that violates it.
func TestWrongServers(t *testing.T) { //nolint:tparallel // subtests share a member, and count its fights
	t.Parallel()
	good := system.Up(t, system.Build(t), t.TempDir())
	t.Run("every clause passes behind a proxy without faults", func(t *testing.T) {
		allPass(t, score(t, spoil(t, good, fault{}), Options{Group: Full, Only: quick}))
	})
	t.Run("each clause", func(t *testing.T) { testEachClause(t, good) })
	t.Run("unreadable fights", func(t *testing.T) { testUnseenFights(t, good) })
	t.Run("empty catalogs", func(t *testing.T) { testEmptyCatalogs(t, good) })
}

// testEachClause checks that each clause fails for a server that violates it.
func testEachClause(t *testing.T, good *system.System) {
	all, caught := slices.Concat(wrongCatalogs(), wrongServers(), wrongWrites(), wrongFights(), wrongBrowsers()), map[string]bool{}
	for _, w := range all {
		t.Run(w.clause+": "+w.name, func(t *testing.T) {
			catches(t, spoil(t, good, w.fault), w.clause, Options{Group: Full})
			caught[w.clause] = true
		})
	}
	allCaught(t, caught, Clauses())
}

// catches checks that a clause fails for a faulty server, with a complete description of the failure.
func catches(t *testing.T, target Target, clause string, options Options) {
	t.Helper()
	options.Only = func(c Clause) bool { return c.ID == clause }
	outcomes := score(t, target, options)
	if len(outcomes) != 1 {
		t.Fatalf("got %d outcomes for the clause %s, want 1", len(outcomes), clause)
	}
	if outcomes[0].Result != Fail {
		t.Fatalf("%s: %s", outcomes[0].Result, outcomes[0].Detail)
	}
	if f := outcomes[0].Failed; f == nil || f.Sent == "" || f.Got == "" || f.Expected == "" {
		t.Errorf("the description of the failure is incomplete: %+v", f)
	}
}

func allCaught(t *testing.T, caught map[string]bool, clauses []Clause) {
	t.Helper()
	for _, clause := range clauses {
		if !caught[clause.ID] {
			t.Errorf("no faulty server tests the clause %s", clause.ID)
		}
	}
}

// testUnseenFights scores a member that offers no way to read its fights: the clauses about storing them can't be
// checked.
func testUnseenFights(t *testing.T, good *system.System) {
	closed := spoil(t, good, fault{after: inTurn(at(listFights, turn(200, 405)), at(oneFight, turn(200, 404)))})
	outcomes := score(t, closed, Options{Group: Core, Only: func(c Clause) bool { return strings.HasPrefix(c.ID, "fights.stored") }})
	if got := ScoreOf(outcomes, ""); got != (Score{Skipped: 2}) {
		t.Errorf("the score is %s", got)
	}
	for _, o := range outcomes {
		if o.Result != Unchecked || !strings.HasPrefix(o.Detail, "cannot be checked: stored?") {
			t.Errorf("%s: %s: %s", o.ID, o.Result, o.Detail)
		}
	}
}

// testEmptyCatalogs scores a member without entries: clauses that need an entry must be skipped, with the reason.
func testEmptyCatalogs(t *testing.T, good *system.System) {
	empty := func(e *exchange) { e.answer(http.StatusOK, "[]") }
	target := spoil(t, good, fault{before: inTurn(at("GET /api/heroes", empty), at("GET /api/villains", empty), at("GET /api/locations", empty))})
	want := map[string]Result{"heroes.list": Pass, "heroes.get": Skipped, "heroes.random.spread": Skipped}
	outcomes := score(t, target, Options{Group: Full, Only: func(c Clause) bool { return want[c.ID] != "" }})
	if len(outcomes) != len(want) {
		t.Errorf("%d clauses were checked", len(outcomes))
	}
	for _, o := range outcomes {
		if o.Result != want[o.ID] || o.Result == Skipped && o.Detail != "the catalog of heroes is empty" {
			t.Errorf("%s: %s: %s", o.ID, o.Result, o.Detail)
		}
	}
}

// TestOddServers scores servers that send the same response to every request: the run must always complete.
func TestOddServers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "null", "5", `"text"`, "[]", "{}", "[1]", "[[]]", "[{}]", `[{"id":1}]`, `[{"id":1,"name":{}}]`, `[{"id":[],"name":[],"level":{}}]`, `[{"id":1,"name":"a"},{"id":1,"name":"é"}]`,
		`{"hero":{"name":[]},"villain":{},"id":"x"}`, `{"hero":null,"id":1e999}`, `{"openapi":5}`, `{"openapi":"3.1","paths":{"/":{"get":5}}}`, "<svg>", "\xff",
		`{"id":"01890a5d-ac96-774b-bcce-b302099a8057","hero":{"name":"H"},"villain":{"name":"V"},"winner_team":"x","count":-1}`,
	} {
		for _, status := range []int{200, 422} {
			t.Run(fmt.Sprintf("%d %q", status, body), func(t *testing.T) {
				t.Parallel()
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.Header().Set("Link", `<>; rel="next"`)
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				}))
				defer server.Close()
				outcomes := score(t, Target{server.URL, server.URL, server.URL, server.URL, ""}, Options{Group: Full, Only: quick})
				if got := ScoreOf(outcomes, ""); got.Failed < 100 {
					t.Errorf("the score is %s", got)
				}
			})
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	outcomes, err := Run(ctx, Target{Heroes: "http://127.0.0.1:1", Villains: "http://127.0.0.1:1",
		Locations: "http://127.0.0.1:1", Fights: "http://127.0.0.1:1"}, Options{Group: Full, Token: "x", Timeout: patience, Loopback: true})
	if got := ScoreOf(outcomes, ""); err != nil || got != (Score{Skipped: len(Clauses())}) {
		t.Errorf("the score is %s, %v", got, err)
	}
}

// TestSilentServer scores a member that isn't running: every clause must fail quickly.
func TestSilentServer(t *testing.T) {
	gone := "http://" + system.FreeAddr(t)
	outcomes := score(t, Target{Heroes: gone, Villains: gone, Locations: gone, Fights: gone}, Options{Group: Full})
	if got := ScoreOf(outcomes, ""); got.Passed != 0 || got.Failed != len(Clauses()) {
		t.Errorf("the score is %s", got)
	}
}

func TestRunRefusesTargets(t *testing.T) {
	for name, base := range map[string]string{"empty": "", "no scheme": "localhost:8001",
		"a path": "http://localhost/api", "another scheme": "ftp://localhost"} {
		t.Run(name, func(t *testing.T) {
			if _, err := Run(t.Context(), Target{Heroes: base, Villains: base, Locations: base, Fights: base}, Options{Group: Full}); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestClauses(t *testing.T) {
	known := map[string]bool{}
	for _, c := range Clauses() {
		if known[c.ID] || !strings.HasPrefix(c.ID, c.Service+".") || c.Group != Core && c.Group != Full &&
			c.Group != Writes || c.hold == nil || strings.Contains(c.Text, "\n") {
			t.Errorf("the clause %s is incomplete or a duplicate", c.ID)
		}
		known[c.ID] = true
		if !strings.Contains(c.Text, "“") {
			t.Errorf("the text of the clause %s quotes nothing: %s", c.ID, c.Text)
		}
	}
}

// TestQuotes checks that the words quoted in clauses occur in the contract or in docs, which contains later additions. The
// test is skipped if the contract is not available.
func TestQuotes(t *testing.T) {
	contract, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "CONTRACT.md"))
	if err != nil {
		t.Skipf("the contract is not available: %v", err)
	}
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		contract = append(contract, text...)
	}
	plain := func(text string) string {
		return strings.Join(strings.Fields(strings.NewReplacer("`", "", "**", "").Replace(text)), " ")
	}
	whole := plain(string(contract))
	for _, c := range Clauses() {
		for _, quote := range regexp.MustCompile(`“([^”]*)”`).FindAllStringSubmatch(c.Text, -1) {
			for _, piece := range strings.Split(quote[1], "…") {
				if !strings.Contains(whole, plain(piece)) {
					t.Errorf("%s quotes %q, which is neither in the contract nor in docs", c.ID, piece)
				}
			}
		}
	}
}

func TestUnevenness(t *testing.T) {
	even := func(n, each int) map[int64]int {
		counts := map[int64]int{}
		for i := range n {
			counts[int64(i)] = each
		}
		return counts
	}
	lame := even(100, 20)
	lame[0], lame[1] = 120, 0
	for name, test := range map[string]struct {
		counts map[int64]int
		draws  int
		even   bool
	}{
		"equal counts":                            {even(100, 20), manyDraws, true},
		"a single entry":                          {even(1, manyDraws), manyDraws, true},
		"one entry picked far too often":          {lame, manyDraws, false},
		"only every other entry":                  {merge(even(50, 40), even(100, 0)), manyDraws, false},
		"a large catalog":                         {merge(even(1500, 1), even(3000, 0)), manyDraws, true},
		"only a few entries of a large catalog":   {merge(even(500, 4), even(3000, 0)), manyDraws, false},
		"few picks":                               {merge(even(60, 1), even(100, 0)), 100, true},
		"the same entry in 100 picks":             {merge(even(1, 100), even(100, 0)), 100, false},
		"three entries equally often in 99 picks": {even(3, 33), 99, true},
	} {
		t.Run(name, func(t *testing.T) {
			if fault := unevenness(test.counts, test.draws); (fault == "") != test.even {
				t.Errorf("got %q", fault)
			}
		})
	}
}

// merge replaces counts in base with the counts in over, and returns base.
func merge(over, base map[int64]int) map[int64]int {
	for id, count := range over {
		base[id] = count
	}
	return base
}
