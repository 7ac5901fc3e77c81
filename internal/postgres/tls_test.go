package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"superheroes/internal/storage"
	"superheroes/test/engines"
)

// authority creates a certificate authority and its certificate for 127.0.0.1 with the key, all in PEM.
func authority(t *testing.T) (root, certificate, key string) {
	t.Helper()
	now := time.Now()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server of a test"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caKey, serverKey := newKey(t), newKey(t)
	signed := func(template *x509.Certificate, key *ecdsa.PrivateKey) string {
		der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, caKey)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	der, err := x509.MarshalECPrivateKey(serverKey)
	if err != nil {
		t.Fatal(err)
	}
	return signed(ca, caKey), signed(server, serverKey), string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}))
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestTLS checks that connections are encrypted and the server's identity is verified as the URL demands, including
// connections that carry a cancellation.
func TestTLS(t *testing.T) {
	root, certificate, key := authority(t)
	stranger, _, _ := authority(t)
	server := engines.PostgresTLSServer(t, certificate, key)
	file := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return url.QueryEscape(path)
	}
	ours, theirs := file("root.pem", root), file("stranger.pem", stranger)
	for _, c := range []struct {
		name, parameters string
		refused          string // expected in the error; "" if it is accepted
	}{
		{"verified in full", "sslmode=verify-full&sslrootcert=" + ours, ""},
		{"encrypted", "sslmode=require", ""},
		{"encrypted where possible", "", ""},
		{"signed by another authority", "sslmode=verify-full&sslrootcert=" + theirs, "certificate signed by unknown authority"},
		{"signed by an unknown authority", "sslmode=verify-full", "certificate signed by unknown authority"},
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
			count := "SELECT count(*) FILTER (WHERE NOT ssl), count(*) FILTER (WHERE ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND backend_type = 'client backend'"
			if err := db.QueryRowContext(t.Context(), count).Scan(&plain, &encrypted); err != nil || plain > 0 || encrypted < 2 {
				t.Errorf("%d connections are plain, %d encrypted (%v)", plain, encrypted, err)
			}
			wants{}.check(t, s)
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(t.Context(), "LOCK TABLE hero IN ACCESS EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			wants{errDeadline, errDeadline, errDeadline, storage.ErrBusy}.check(t, s)
			_ = tx.Rollback()
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
