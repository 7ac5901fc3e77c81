package faults

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"superheroes/test/engines"
	"superheroes/test/system"
)

// strange is a password with every kind of character that has a meaning in a URL.
const strange = `p@ss:w/ö rd?#%41&'"+[x]kryptonite`

// TestMariaDBConnections connects to a server that requires TLS in every way that a URL supports.
func TestMariaDBConnections(t *testing.T) {
	program := system.Build(t)
	ca, stranger := newAuthority(t), newAuthority(t)
	certificate, key := ca.server(t)
	server := engines.MySQLServerWith(t, "--bind-address=127.0.0.1,::1", "--ssl-cert="+certificate, "--ssl-key="+key, "--ssl-ca="+ca.file)
	t.Setenv(engines.MySQLURL, server.URL)
	db := newMariaDB(t)
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
		return (&url.URL{Scheme: "mysql", User: url.UserPassword(at.User.Username(), strange), Host: host, Path: at.Path, RawQuery: query.Encode()}).String()
	}
	// run starts locations, which gives up soon if it can't connect to the server.
	run := func(t *testing.T, store string) service {
		t.Helper()
		return start(t, program, "locations", []string{"MYSQL_URL=" + store}, "--store-wait=2s")
	}
	wantReady := func(t *testing.T, store string) {
		t.Helper()
		s := run(t, store)
		s.Ready(t, s.url+"/readyz")
		get(t, s.url+"/api/locations/1").want(t, http.StatusOK)
	}
	ipv6 := net.JoinHostPort("::1", at.Port())

	t.Run("a socket", func(t *testing.T) { wantReady(t, reach("", "socket", socket)) })
	t.Run("IPv6", func(t *testing.T) { wantReady(t, reach(ipv6)) })
	t.Run("a socket that isn't there", func(t *testing.T) {
		wantOneLine(t, run(t, reach("", "socket", socket+".old")).Process, socket+".old", "no such file")
	})

	db.exec(t, "ALTER USER {user} REQUIRE SSL")
	for name, parameters := range map[string][]string{
		"a CA": {"tls", "true", "ssl-ca", ca.file}, "a CA alone": {"ssl-ca", ca.file},
		"skip-verify": {"tls", "skip-verify"}, "preferred": {"tls", "preferred"},
	} {
		t.Run(name, func(t *testing.T) { wantReady(t, reach(at.Host, parameters...)) })
	}
	t.Run("a CA, IPv6", func(t *testing.T) { wantReady(t, reach(ipv6, "ssl-ca", ca.file)) })
	for _, c := range []struct {
		name, cause string
		parameters  []string
	}{
		{"another CA", "certificate is not trusted; name the file of its CA with ssl-ca", []string{"tls", "true", "ssl-ca", stranger.file}},
		{"no CA", "certificate is not trusted; name the file of its CA with ssl-ca", []string{"tls", "true"}},
		{"no TLS", "Access denied", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantOneLine(t, run(t, reach(at.Host, c.parameters...)).Process, "locations", c.cause)
		})
	}
}

// authority signs certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	folder      string // which the server's account can enter, too
	file        string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	folder, err := os.MkdirTemp("", "superheroes-ca-") //nolint:usetesting // the server's account may not enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	a := authority{folder: folder, file: filepath.Join(folder, "ca.pem")}
	a.certificate = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA of a test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	a.sign(t, a.certificate, a.key, a.file)
	return a
}

// server issues a certificate for loopback addresses, and returns the files of the certificate and its key.
func (a authority) server(t *testing.T) (certificate, key string) {
	t.Helper()
	certificate, key = filepath.Join(a.folder, "server.pem"), filepath.Join(a.folder, "server.key")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a.sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server of a test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}, private, certificate)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, key, "PRIVATE KEY", der)
	return certificate, key
}

func (a authority) sign(t *testing.T, certificate *x509.Certificate, key *ecdsa.PrivateKey, file string) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, certificate, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, file, "CERTIFICATE", der)
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o644); err != nil {
		t.Fatal(err)
	}
}
