package postgres_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"strings"
	"testing"

	"superheroes/internal/storage"
	"superheroes/test/engines"
	"superheroes/test/mongowire"
)

// TestTLS checks that connections, including those that send cancellations, are encrypted and verify the server's
// identity as the URL requires.
func TestTLS(t *testing.T) {
	certificate, ours := mongowire.Certificate(t)
	_, theirs := mongowire.Certificate(t)
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	server := engines.PostgresTLSServer(t, encode("CERTIFICATE", certificate.Certificate[0]), encode("PRIVATE KEY", key))
	ours, theirs = url.QueryEscape(ours), url.QueryEscape(theirs)
	for _, c := range []struct {
		name, parameters string
		refused          string // text expected in the error; "" if the server is accepted
	}{
		{"verified in full", "sslmode=verify-full&sslrootcert=" + ours, ""},
		{"encrypted", "sslmode=require", ""},
		{"encrypted where possible", "", ""},
		{"signed by another authority", "sslmode=verify-full&sslrootcert=" + theirs, "certificate signed by unknown authority"},
		{"certificate of an unknown authority", "sslmode=verify-full", "certificate signed by unknown authority"},
		{"a missing file", "sslmode=verify-full&sslrootcert=/nowhere.pem", "/nowhere.pem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := with(t, server.URL, c.parameters)
			if c.refused != "" {
				_, err := open(t.Context(), at, rows)
				secret, _ := mustParse(t, at).User.Password()
				if err == nil || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), secret) {
					t.Errorf("got %v, want %s", err, c.refused)
				}
				return
			}
			s := opened(t, at)
			db := other(t, at)
			var plain, encrypted int
			const count = `SELECT count(*) FILTER (WHERE NOT ssl), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl
				JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND backend_type = 'client backend'`
			if err := db.QueryRowContext(t.Context(), count).Scan(&plain, &encrypted); err != nil || plain > 0 || encrypted < 2 {
				t.Errorf("the server reports %d plain and %d encrypted connections (%v)", plain, encrypted, err)
			}
			wants{}.check(t, s)
			if c.parameters == "" {
				return
			}
			unlock := lock(t, at)
			wants{errDeadline, errDeadline, errDeadline, storage.ErrBusy}.check(t, s)
			unlock()
			wants{}.check(t, s)
		})
	}
	t.Run("a server without TLS", func(t *testing.T) {
		at := with(t, engines.Postgres(t), "sslmode=require")
		if _, err := open(t.Context(), at, rows); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), "refused TLS") {
			t.Errorf("got %v", err)
		}
	})
}

func mustParse(t *testing.T, at string) *url.URL {
	t.Helper()
	location, err := url.Parse(at)
	if err != nil {
		t.Fatal("invalid URL")
	}
	return location
}
