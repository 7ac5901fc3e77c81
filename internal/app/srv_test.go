package app

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"superheroes/internal/storage"
	"superheroes/test/engines"
)

// nameserver is a DNS server that resolves one service, but only after a given number of queries.
type nameserver struct {
	port  uint16 // port of the service
	asked atomic.Int64
	known atomic.Int64 // number of queries after which the service is resolved
}

const (
	srvDomain = "fights.cluster.invalid"
	srvName   = "_mongodb._tcp." + srvDomain
)

// startNameserver starts a DNS server that resolves all names for this process until the test ends.
func startNameserver(t *testing.T, port uint16) *nameserver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameserver{port: port}
	s.known.Store(math.MaxInt64)
	var group sync.WaitGroup
	group.Go(func() {
		question := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(s.answer(question[:n]), from)
		}
	})
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = conn.Close()
		group.Wait()
	})
	return s
}

// answer returns the response to one query: an SRV record for the service, an address for any other name, no record for
// other types, and "no such name" as long as the service is not resolved.
func (s *nameserver) answer(question []byte) []byte {
	const head, kindA, kindSRV = 12, 1, 33
	name, _, _ := bytes.Cut(question[head:], []byte{0})
	kind := binary.BigEndian.Uint16(question[head+len(name)+1:])
	var data []byte
	switch kind {
	case kindSRV:
		s.asked.Add(1)
		data = binary.BigEndian.AppendUint16(make([]byte, 4), s.port)
		data = append(data, "\x03one\x06fights\x07cluster\x07invalid\x00"...)
	case kindA:
		data = []byte{127, 0, 0, 1}
	}
	flags, answers := uint16(0x8180), uint16(1) // a response
	switch {
	case s.asked.Load() < s.known.Load():
		flags, answers = flags|3, 0 // no such name
	case data == nil:
		answers = 0
	}
	reply := append([]byte{}, question[:2]...)
	for _, field := range []uint16{flags, 1, answers, 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, field)
	}
	reply = append(reply, question[head:head+len(name)+5]...)
	if answers > 0 {
		reply = append(reply, 0xc0, head) // pointer to the name in the query
		reply = binary.BigEndian.AppendUint16(reply, kind)
		reply = append(reply, 0, 1, 0, 0, 0, 0)
		reply = binary.BigEndian.AppendUint16(reply, uint16(len(data)))
		reply = append(reply, data...)
	}
	return reply
}

// If the DNS lookup of a mongodb+srv URL fails, it is retried until the store's time limit expires, and the error
// contains the reason but no secret.
func TestServersInTheDNS(t *testing.T) {
	address, err := url.Parse(engines.MongoDB(t))
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(address.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	dns := startNameserver(t, uint16(port))
	at := FightStore{MongodbURL: "mongodb+srv://" + srvDomain + address.Path + "?tls=false", Pool: Pool{PoolMax: 5, StoreWait: time.Minute}}.store("")
	if err := at.validate(); err != nil || dns.asked.Load() > 0 {
		t.Errorf("validating the settings sent %d DNS queries: %v", dns.asked.Load(), err)
	}

	t.Run("never there", func(t *testing.T) {
		never := at
		never.url = strings.Replace(at.url, "://", "://superman:hidden@", 1)
		never.StoreWait = 3 * retryInterval
		_, err := openFights(t.Context(), never, false)
		for _, part := range []string{srvDomain, "DNS", "SRV", srvName, "--mongodb-url", never.StoreWait.String()} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("the error lacks %q: %v", part, err)
			}
		}
		if !errors.Is(err, storage.ErrUnavailable) || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("there later", func(t *testing.T) {
		dns.known.Store(dns.asked.Load() + 3)
		opened, err := openFights(t.Context(), at, false)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = opened.store.Close() }()
		if err := opened.store.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
