package faults

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"superheroes/test/await"
	"superheroes/test/engines"
	"superheroes/test/mongowire"
	"superheroes/test/system"
)

func mongoDBTests() tests {
	return tests{
		"MongoDB in trouble, strict": func(t *testing.T, program string) { testMongoDBTrouble(t, program, "strict") },
		"MongoDB in trouble, eco":    func(t *testing.T, program string) { testMongoDBTrouble(t, program, "eco") },
		"unusable MongoDB":           testMongoDBThatCannotBeUsed,
	}
}

// MongoDB error responses for conditions that can't be produced on the test's server.
var (
	overQuota    = mongowire.Refusal(8000, "AtlasError", "you are over your space quota, using 513 MB of 512 MB")
	notPrimary   = mongowire.Refusal(10107, "NotWritablePrimary", "not primary")
	unauthorized = mongowire.Refusal(13, "Unauthorized", "not authorized on fights to execute command { insert: … }")
	timeExpired  = mongowire.Refusal(50, "MaxTimeMSExpired", "operation exceeded time limit")
	corruption   = mongowire.Refusal(301, "DataCorruptionDetected", "Data corruption detected")
)

// proxied creates a fresh database and starts a proxy in front of the database server. proxied returns the proxy, and
// the URL of the database through the proxy.
func proxied(t *testing.T) (*mongowire.Proxy, string) {
	t.Helper()
	store, err := url.Parse(engines.MongoDB(t))
	if err != nil {
		t.Fatal(err)
	}
	p := mongowire.Start(t, store.Host)
	store.Host = p.Addr()
	return p, store.String()
}

// testMongoDBTrouble checks what writes, reads and readiness return for each kind of error, that no refused fight is
// stored, and that everything works again without a restart once the error is gone.
func testMongoDBTrouble(t *testing.T, program, profile string) {
	const notStored, maybeStored = "the fight was not stored", "may have been stored all the same"
	writes, reads := []string{"insert", "update"}, []string{"find", "aggregate"}
	both := slices.Concat(writes, reads)
	p, store := proxied(t)
	s := start(t, program, "fights", append(newCatalogs(t).env(), "MONGODB_URL="+store), "--profile="+profile)
	s.Ready(t, s.url+"/readyz")
	wantOK(t, s.url+execute)
	for _, c := range []struct {
		name          string
		answer        mongowire.Answer
		read, write   int
		kind, outcome string
	}{
		{"full", mongowire.Refuse(overQuota, writes...), 200, 503, "accepts no writes", notStored},
		{"read-only", mongowire.Refuse(notPrimary, writes...), 200, 503, "accepts no writes", notStored},
		{"no permission to write", mongowire.Refuse(unauthorized, writes...), 200, 500, "schema", notStored},
		{"too slow", mongowire.Refuse(timeExpired, both...), 503, 503, "locked", maybeStored},
		{"no permission to read", mongowire.Refuse(unauthorized, reads...), 500, 200, "schema", ""},
		{"damaged", mongowire.Refuse(corruption, both...), 503, 503, "damaged", maybeStored},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored := get(t, s.url+"/api/fights/count").body
			p.Answer(c.answer)
			fought := post(t, s.url).want(t, c.write)
			if c.write != http.StatusOK {
				fought.wantProblem(t, c.write, c.kind)
				fought.wantProblem(t, c.write, c.outcome)
			}
			for _, path := range []string{"/api/fights", "/api/fights/count"} {
				if got := get(t, s.url+path).want(t, c.read); c.read != http.StatusOK {
					got.wantProblem(t, c.read, c.kind)
				}
			}
			for range 2 {
				get(t, s.url+"/readyz").want(t, http.StatusServiceUnavailable)
			}
			p.Answer(nil)
			awaitOK(t, s.url+"/readyz")
			if now := get(t, s.url+"/api/fights/count").body; c.write != http.StatusOK && now != stored {
				t.Errorf("the count changed from %s to %s even though the fight was refused", stored, now)
			}
			wantOK(t, s.url+execute)
		})
	}
	for _, cause := range []string{"space quota", "not primary", "readWrite", "backup"} {
		if !strings.Contains(s.Stderr.String(), cause) {
			t.Errorf("the log doesn't contain %q:\n%s", cause, s.Stderr.String())
		}
	}
}

// testMongoDBThatCannotBeUsed checks that errors that can't be resolved by waiting abort the startup, with a single log
// line that names the cause. A database server that only rejects writes doesn't abort the startup.
func testMongoDBThatCannotBeUsed(t *testing.T, program string) {
	fightsOn := func(store, wait string) *system.Process {
		return start(t, program, "fights", []string{"MONGODB_URL=" + store}, "--store-wait="+wait).Process
	}
	login := func(store string) string { return strings.Replace(store, "://", "://superman:kryptonite@", 1) }
	t.Run("no permission to read", func(t *testing.T) {
		p, store := proxied(t)
		p.Answer(mongowire.Refuse(unauthorized, "find"))
		refused := start(t, program, "statistics", []string{"MONGODB_URL=" + store}, "--store-wait=10m")
		wantOneLine(t, refused.Process, "--mongodb-url", "readWrite")
	})
	t.Run("unknown user", func(t *testing.T) {
		_, store := proxied(t)
		wantOneLine(t, fightsOn(login(store), "10m"), "--mongodb-url", "user or the password")
	})
	t.Run("untrusted certificate", func(t *testing.T) {
		store, err := url.Parse(engines.MongoDB(t))
		if err != nil {
			t.Fatal(err)
		}
		certificate, _ := mongowire.Certificate(t)
		_, stranger := mongowire.Certificate(t)
		store.Host, store.RawQuery = mongowire.StartTLS(t, store.Host, certificate), "tls=true&tlsCAFile="+url.QueryEscape(stranger)
		wantOneLine(t, fightsOn(login(store.String()), "3s"), store.Host, "certificate signed by unknown authority")
	})
	t.Run("SRV lookup fails", func(t *testing.T) {
		const store = "mongodb+srv://superman:kryptonite@cluster.nowhere.invalid/fights"
		wantOneLine(t, fightsOn(store, "1s"), "cluster.nowhere.invalid", "DNS lookup")
	})
	t.Run("accepts no writes", func(t *testing.T) {
		p, store := proxied(t)
		p.Answer(mongowire.Refuse(notPrimary, "insert", "update"))
		s := start(t, program, "fights", append(newCatalogs(t).env(), "MONGODB_URL="+store))
		s.lives(t)
		awaitOK(t, s.url+"/api/fights")
		wantUnready(t, s.url, "accepts no writes")
		if log := s.Stderr.String(); strings.Count(log, "accepts no writes now") != 1 {
			t.Errorf("the log doesn't report exactly once that the store accepts no writes:\n%s", log)
		}
		p.Answer(nil)
		await.True(t, "fights is ready again", func() bool { // may time out, but must not report the old state
			got := get(t, s.url+"/readyz")
			if strings.Contains(got.body, "accepts no writes") {
				t.Errorf("got %s", got.body)
			}
			return got.status == http.StatusOK
		})
		wantOK(t, s.url+execute)
	})
}
