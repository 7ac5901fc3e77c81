package performance

import (
	"context"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"superheroes/bench/measure"
)

// severalFights starts n processes of the fights service that share a database and are reachable at a single address.
func (s *setup) severalFights(shared *system, n int) *system {
	return s.add(func(of *system) error {
		url, err := of.fightStore()
		if err != nil {
			return err
		}
		for _, p := range shared.parts {
			p.pids = slices.Clone(p.pids)
			of.addPart(p)
		}
		var addresses []string
		env := append(shared.peers(), "PROFILE="+eco, "MONGODB_URL="+url)
		for range n {
			if err := of.alone(measure.Fights, env); err != nil {
				return err
			}
			addresses = append(addresses, strings.TrimPrefix(of.urls[measure.Fights], "http://"))
		}
		address, stop, err := balance(addresses...)
		if err != nil {
			return err
		}
		of.stops = append(of.stops, stop)
		of.urls[measure.Fights] = "http://" + address
		return nil
	})
}

// balance accepts connections and forwards them to the addresses round-robin, without inspecting the traffic, like a
// Kubernetes service. The CPU time used for forwarding counts as the load generator's.
func balance(addresses ...string) (address string, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		var turn atomic.Int64
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			to := addresses[int(turn.Add(1)-1)%len(addresses)]
			group.Go(func() { join(ctx, conn, to) })
		}
	})
	return listener.Addr().String(), func() {
		cancel()
		_ = listener.Close()
		group.Wait()
	}, nil
}

// join connects to the address and copies bytes in both directions until one side closes.
func join(ctx context.Context, client net.Conn, address string) {
	defer func() { _ = client.Close() }()
	server, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	end := sync.OnceFunc(func() { _, _ = client.Close(), server.Close() })
	defer context.AfterFunc(ctx, end)()
	var both sync.WaitGroup
	for _, way := range []struct{ to, from net.Conn }{{server, client}, {client, server}} {
		both.Go(func() {
			_, _ = io.Copy(way.to, way.from) // any error means that one side has closed the connection
			end()
		})
	}
	both.Wait()
}
