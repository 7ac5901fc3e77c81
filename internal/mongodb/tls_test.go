package mongodb

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"superheroes/internal/fight"
	"superheroes/internal/fight/fighttest"
	"superheroes/internal/storage"
	"superheroes/test/engines"
	"superheroes/test/mongowire"
)

// The store connects only to a server whose certificate was issued by the given authority; otherwise the error states
// the reason.
func TestTLS(t *testing.T) {
	t.Parallel() // the test spends most of its time waiting
	address, err := url.Parse(engines.MongoDB(t))
	if err != nil {
		t.Fatal(err)
	}
	certificate, authority := mongowire.Certificate(t)
	_, stranger := mongowire.Certificate(t)
	secured := mongowire.StartTLS(t, address.Host, certificate)
	at := func(host, options string) string {
		return "mongodb://" + host + address.Path + "?" + options
	}
	store := openAs(t, at(secured, "tls=true&tlsCAFile="+url.QueryEscape(authority)), true)
	f := fighttest.NewFight(fight.NewIDs(fight.ID{}))
	if err := store.Insert(t.Context(), f, nil); err != nil {
		t.Fatal(err)
	}
	fighttest.Truthful(t, store, f, nil)
	_, port, _ := strings.Cut(secured, ":")
	for name, c := range map[string]struct{ host, options, word string }{
		"another authority":         {secured, "tls=true&tlsCAFile=" + url.QueryEscape(stranger), "unknown authority"},
		"another name":              {"localhost:" + port, "tls=true&tlsCAFile=" + url.QueryEscape(authority), "localhost"},
		"server without TLS":        {address.Host, "tls=true&tlsCAFile=" + url.QueryEscape(authority), "tls|EOF|reset"},
		"we use no TLS":             {secured, "tls=false", "EOF|reset|closed"},
		"an invalid authority file": {secured, "tls=true&tlsCAFile=/proc/self/status", "can't be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the subtests spend most of their time waiting
			with := strings.Replace(at(c.host, c.options), "://", "://superman:hidden@", 1)
			var err error
			named := false
			// On a busy machine, it may take longer than the first limit to fail to connect.
			for limit := 500; !named && limit <= 50_000; limit *= 10 {
				url := fmt.Sprintf("%s&serverSelectionTimeoutMS=%d", with, limit)
				if _, err = OpenFights(t.Context(), Config{URL: url, Database: "fights", PoolMax: 5}); err == nil {
					t.Fatal("opened")
				}
				for word := range strings.SplitSeq(c.word, "|") {
					named = named || strings.Contains(err.Error(), word)
				}
			}
			if !named || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %s", err, c.word)
			}
			if !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, storage.ErrSchema) {
				t.Errorf("%v has no kind", err)
			}
		})
	}
}
