package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
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

	"superheroes/test/engines"
)

// strange is a password with characters that have a special meaning in URLs.
const strange = `p@ss:w/ö rd?#%41&'"+[x]kryptonite`

// testMariaDBConnections tests every way of connecting to MariaDB that can be specified in a URL. Some of the tests use
// an account that requires TLS.
func testMariaDBConnections(t *testing.T, program string) {
	ca, key := certificate(t)
	stranger, _ := certificate(t)
	server := engines.MySQLServerWith(t, "--bind-address=127.0.0.1,::1", "--ssl-cert="+ca, "--ssl-key="+key)
	db := newMariaDB(t, server.Database(t))
	db.exec(t, "ALTER USER {user} IDENTIFIED BY '"+strings.ReplaceAll(strange, "'", "''")+"'")
	var socket string
	if err := db.QueryRowContext(t.Context(), "SELECT @@socket").Scan(&socket); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(db.store)
	if err != nil {
		t.Fatal(err)
	}
	reach := func(host string, parameters ...string) string {
		query := url.Values{}
		for i := 0; i < len(parameters); i += 2 {
			query.Set(parameters[i], parameters[i+1])
		}
		return (&url.URL{Scheme: "mysql", User: url.UserPassword(at.User.Username(), strange), Host: host,
			Path: at.Path, RawQuery: query.Encode()}).String()
	}
	// run starts the locations service with a short time limit for the store, so that the service exits soon if it
	// can't connect.
	run := func(t *testing.T, store string) service {
		t.Helper()
		return start(t, program, "locations", []string{"MYSQL_URL=" + store}, "--store-wait=2s")
	}
	wantReady := func(t *testing.T, store string) {
		t.Helper()
		s := run(t, store)
		s.Ready(t, s.url+"/readyz")
		wantOK(t, s.url+"/api/locations/1")
	}
	ipv6 := net.JoinHostPort("::1", at.Port())

	t.Run("Unix socket", func(t *testing.T) { wantReady(t, reach("", "socket", socket)) })
	t.Run("IPv6", func(t *testing.T) { wantReady(t, reach(ipv6)) })
	t.Run("missing Unix socket", func(t *testing.T) {
		wantOneLine(t, run(t, reach("", "socket", socket+".old")).Process, socket+".old", "no such file")
	})

	db.exec(t, "ALTER USER {user} REQUIRE SSL")
	for name, parameters := range map[string][]string{
		"tls and ssl-ca": {"tls", "true", "ssl-ca", ca}, "ssl-ca only": {"ssl-ca", ca},
		"skip-verify": {"tls", "skip-verify"}, "preferred": {"tls", "preferred"},
	} {
		t.Run(name, func(t *testing.T) { wantReady(t, reach(at.Host, parameters...)) })
	}
	t.Run("ssl-ca, IPv6", func(t *testing.T) { wantReady(t, reach(ipv6, "ssl-ca", ca)) })
	for _, c := range []struct {
		name, cause string
		parameters  []string
	}{
		{"another CA", "certificate is not trusted; name the file of its CA with ssl-ca", []string{"tls", "true", "ssl-ca", stranger}},
		{"no CA", "certificate is not trusted; name the file of its CA with ssl-ca", []string{"tls", "true"}},
		{"no TLS", "Access denied", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantOneLine(t, run(t, reach(at.Host, c.parameters...)).Process, "locations", c.cause)
		})
	}
}

// certificate creates a self-signed certificate for loopback addresses, and returns the paths of the certificate and
// the key.
func certificate(t *testing.T) (file, key string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "superheroes-ca-") //nolint:usetesting // the server can't access t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	file, key = filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
	err = errors.Join(os.Chmod(folder, 0o755),
		os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed}), 0o644),
		os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return file, key
}
