package performance

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"superheroes/bench/measure"
)

func TestVoidReasons(t *testing.T) {
	const said = storesNothing + ": 9 fights were acknowledged but none were stored"
	for _, test := range []struct {
		name    string
		void    []string
		nothing bool
		want    []string
	}{
		{"valid", nil, false, nil},
		{"void", []string{"dropped"}, false, []string{"dropped"}},
		{"a member that stores nothing", []string{said}, false, []string{said}},
		{"a target that stores nothing on purpose", []string{said}, true, nil},
		{"a target that stores nothing on purpose, but is void for another reason", []string{said, "dropped"}, true,
			[]string{"dropped"}},
		{"a target that stores fights but should store nothing", nil, true,
			[]string{"the target stored fights, but should store nothing"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := voidReasons(measure.Run{Void: test.void}, test.nothing); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			unseen := measure.Run{Void: test.void, Surroundings: measure.Surroundings{Unknown: "a container"}}
			if got := voidReasons(unseen, test.nothing); !strings.Contains(strings.Join(got, "\n"), "CPU time of unrelated processes is unknown: a container") {
				t.Errorf("with unrelated processes unknown: %q", got)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	const devices = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
  eth0: 1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0
    lo: 2000 30 0 0 0 0 0 0 2000 30 0 0 0 0 0 0
`
	if bytes, packets := loopback(devices); bytes != 2000 || packets != 30 {
		t.Errorf("parsed %v bytes and %v packets, want 2000 and 30", bytes, packets)
	}
	if bytes, packets := loopback(""); bytes != 0 || packets != 0 {
		t.Errorf("parsed %v bytes and %v packets from an empty file, want 0", bytes, packets)
	}
}

// echo starts a server that echoes each line, prefixed with its name.
func echo(t *testing.T, name string) (address string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					fmt.Fprintf(conn, "%s %s\n", name, lines.Text())
				}
			}()
		}
	}()
	return listener.Addr().String()
}

func TestBalance(t *testing.T) {
	address, stop, err := balance(echo(t, "a"), echo(t, "b"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 4 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		reader := bufio.NewReader(conn)
		for range 2 { // all lines of a connection go to the same server
			fmt.Fprintln(conn, "?")
			line, err := reader.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimSpace(line))
		}
	}
	if want := []string{"a ?", "a ?", "b ?", "b ?", "a ?", "a ?", "b ?", "b ?"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	stop() // with connections open
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("still listening after stop")
	}
}

func TestNoteParts(t *testing.T) {
	parts := []part{
		{name: "PostgreSQL", pids: []int{10}}, {name: "fights", pids: []int{20, 21}}, {name: "heroes", pids: []int{30}}, {name: "MariaDB"},
	}
	run := measure.Run{
		Application: &measure.Use{CPU: 60, Trees: []measure.Tree{{PID: 20, CPU: 35}, {PID: 21, CPU: 20}, {PID: 30, CPU: 5}}},
		Store:       &measure.Use{CPU: 0.25, Trees: []measure.Tree{{PID: 10, CPU: 0.25}}},
	}
	c := &Cell{}
	c.noteParts(run, parts)
	c.noteParts(run, parts)
	c.noteParts(measure.Run{}, parts) // without figures about processes
	want := map[string]Figure{partCPU + "PostgreSQL": {0.25, 0.25}, partCPU + "fights": {55, 55}, partCPU + "heroes": {5, 5}}
	if diff := cmp.Diff(want, c.Figures); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if want := []string{"PostgreSQL", "fights", "heroes"}; !slices.Equal(c.Parts, want) {
		t.Errorf("parts %q, want %q", c.Parts, want)
	}
}
