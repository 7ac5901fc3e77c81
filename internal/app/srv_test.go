package app

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"superheroes/internal/fight"
	"superheroes/internal/storage"
	"superheroes/test/engines"
)

// nameserver is a DNS server that knows one service, or nothing.
type nameserver struct {
	conn net.PacketConn

	mu    sync.Mutex
	knows bool
	asked map[string]int // number of queries for SRV records, by name
}

const (
	srvDomain = "fights.cluster.invalid"
	srvName   = "_mongodb._tcp." + srvDomain
	srvTarget = "one." + srvDomain
)

// startNameserver starts a server that this process uses for every name. It ends with the test.
func startNameserver(t *testing.T, port uint16) *nameserver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameserver{conn: conn, asked: map[string]int{}}
	var group sync.WaitGroup
	group.Go(func() { s.serve(port) })
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

func (s *nameserver) learn() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.knows = true
}

func (s *nameserver) times(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

func (s *nameserver) serve(port uint16) {
	question := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(question)
		if err != nil {
			return
		}
		_, _ = s.conn.WriteTo(s.answer(question[:n], port), from)
	}
}

// answer answers one query: a SRV record for the service, an address for its server, no records of other types, and
// "no such name" for other names.
func (s *nameserver) answer(question []byte, port uint16) []byte {
	const head, kindA, kindSRV = 12, 1, 33
	var labels []string
	at := head
	for question[at] != 0 {
		size := int(question[at])
		labels = append(labels, string(question[at+1:at+1+size]))
		at += 1 + size
	}
	at++
	name, kind := strings.ToLower(strings.Join(labels, ".")), binary.BigEndian.Uint16(question[at:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == kindSRV {
		s.asked[name]++
	}
	var data []byte
	switch {
	case s.knows && name == srvName && kind == kindSRV:
		data = binary.BigEndian.AppendUint16(make([]byte, 4), port)
		for label := range strings.SplitSeq(srvTarget, ".") {
			data = append(append(data, byte(len(label))), label...)
		}
		data = append(data, 0)
	case s.knows && name == srvTarget && kind == kindA:
		data = []byte{127, 0, 0, 1}
	}
	const response, noSuchName = 0x8180, 3
	flags, answers := uint16(response), uint16(0)
	if data != nil {
		answers = 1
	} else if !s.knows {
		flags |= noSuchName
	}
	reply := append([]byte{}, question[:2]...)
	for _, field := range []uint16{flags, 1, answers, 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, field)
	}
	reply = append(reply, question[head:at+4]...)
	if data != nil {
		reply = append(reply, 0xc0, head) // the name in the query
		reply = binary.BigEndian.AppendUint16(reply, kind)
		reply = append(reply, 0, 1, 0, 0, 0, 0)
		reply = binary.BigEndian.AppendUint16(reply, uint16(len(data)))
		reply = append(reply, data...)
	}
	return reply
}

// A mongodb+srv URL whose lookup fails is retried while there is time, and the error contains the reason but no
// secret.
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
	if err := at.validate(); err != nil || dns.times(srvName) > 0 {
		t.Errorf("to check the settings asked the DNS %d times: %v", dns.times(srvName), err)
	}

	t.Run("never there", func(t *testing.T) {
		never := at
		never.url = strings.Replace(at.url, "://", "://superman:hidden@", 1)
		never.StoreWait = 3 * retryInterval
		_, err := openFights(t.Context(), never, false)
		for _, part := range []string{srvDomain, "DNS", "SRV", srvName, "--mongodb-url", never.StoreWait.String()} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q is not in %v", part, err)
			}
		}
		if !errors.Is(err, storage.ErrUnavailable) || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("there later", func(t *testing.T) {
		failed := dns.times(srvName)
		type outcome struct {
			store opened[fight.Store]
			err   error
		}
		done := make(chan outcome, 1)
		go func() {
			store, err := openFights(t.Context(), at, false)
			done <- outcome{store, err}
		}()
		for dns.times(srvName) < failed+2 {
			select {
			case o := <-done:
				t.Fatalf("opened without servers: %v", o.err)
			case <-time.After(10 * time.Millisecond): // to look again
			}
		}
		dns.learn()
		o := <-done
		if o.err != nil {
			t.Fatal(o.err)
		}
		defer func() { _ = o.store.store.Close() }()
		if err := o.store.store.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
