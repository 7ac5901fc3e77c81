package faults

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"superheroes/test/await"
	"superheroes/test/fakepeer"
	"superheroes/test/system"
)

func stopTests() tests {
	return tests{
		"stop under load, one process": func(t *testing.T, program string) {
			testStopUnderLoad(t, syscall.SIGINT, func(dir string) service {
				s := system.Up(t, program, dir)
				return service{s.Processes["fights"], s.Fights}
			})
		},
		"stop under load, separate fights process": func(t *testing.T, program string) {
			peers := newCatalogs(t)
			peers.heroes.Behave(fakepeer.Draws(fakepeer.Hero))
			peers.villains.Behave(fakepeer.Draws(fakepeer.Villain))
			peers.locations.Behave(fakepeer.Draws(fakepeer.Location))
			testStopUnderLoad(t, syscall.SIGTERM, func(dir string) service {
				return startFights(t, program, dir, peers.env(), "--drain-delay=300ms")
			})
		},
		"drain delay":                    testDrainDelay,
		"second signal":                  testSecondSignal,
		"stop while a long list is sent": testStopDuringALongList,
	}
}

// testStopUnderLoad checks that every accepted request gets a complete response, so that exactly the acknowledged
// fights are stored.
func testStopUnderLoad(t *testing.T, signal os.Signal, start func(dir string) service) {
	dir := t.TempDir()
	s := start(dir)
	c := send(t, request{http.MethodGet, s.url + execute, ""})
	await.True(t, "fights are acknowledged", func() bool { return c.acknowledged() > 50 })
	s.Signal(t, signal)
	if code := s.Wait(t, hang); code != 0 {
		t.Errorf("exit code %d", code)
	}
	c.group.Wait()
	wantLog(t, &s.Stderr)
	for refusal := range c.refusals {
		t.Errorf("a client's request failed: %s", refusal)
	}
	checkStored(t, start(dir).url, c)
}

func testDrainDelay(t *testing.T, program string) {
	fights := startFights(t, program, t.TempDir(), newCatalogs(t).env(), "--drain-delay=3s")
	fights.Signal(t, syscall.SIGTERM)
	await.True(t, "fights is not ready", func() bool { return get(t, fights.url+"/readyz").status != http.StatusOK })
	wantUnready(t, fights.url, "draining")
	wantOK(t, fights.url+"/livez")
	wantOK(t, fights.url+execute)
	if code := fights.Wait(t, hang); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// testSecondSignal checks that a second signal ends the process immediately. The request, the drain delay and the
// shutdown timeout are all longer than the test.
func testSecondSignal(t *testing.T, program string) {
	for _, test := range []struct{ name, drain string }{{"drain delay", "10m"}, {"request in flight", "0s"}} {
		t.Run(test.name, func(t *testing.T) {
			peers := newCatalogs(t)
			peers.heroes.Behave(fakepeer.Hangs())
			fights := startFights(t, program, t.TempDir(), peers.env(),
				"--deadline=10m", "--write-timeout=11m", "--peer-read-timeout=10m", "--shutdown-timeout=10m", "--drain-delay="+test.drain)
			ended := make(chan error, 1)
			go func() {
				_, err := try(t, http.MethodGet, fights.url+execute, "")
				ended <- err
			}()
			await.True(t, "a request is in flight", func() bool { return peers.heroes.Requests() == 1 })
			fights.Signal(t, syscall.SIGTERM)
			await.True(t, "the service is stopping", func() bool {
				got, err := try(t, http.MethodGet, fights.url+"/readyz", "")
				return err != nil || got.status != http.StatusOK
			})
			fights.Signal(t, syscall.SIGTERM)
			if code := fights.Wait(t, hang); code != 1 {
				t.Errorf("exit code %d, want 1", code)
			}
			wantLog(t, &fights.Stderr, "fights: requests in flight were aborted")
			if err := await.Value(t, "the request ends", ended); err == nil {
				t.Error("the request in flight got a response")
			}
		})
	}
}

// longList imports so many heroes that the list of heroes is far larger than the kernel's socket buffers. longList
// returns the number of heroes.
func longList(t *testing.T, program, dir string) (rows int) {
	t.Helper()
	rows = 5_000
	file := filepath.Join(dir, "heroes.jsonl")
	var text strings.Builder
	for id := range rows {
		fmt.Fprintf(&text, `{"id":%d,"name":"Hero %d","powers":"%s"}`+"\n", id+1, id+1, strings.Repeat("x", 2000))
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program, "import", "heroes", file, "--replace", "--database-url=sqlite:"+dir+"/heroes.db")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("importing: %v\n%s", err, output)
	}
	return rows
}

// beginList requests all heroes on a connection with a small receive buffer, and reads only the response header.
func beginList(t *testing.T, url string) *http.Response {
	t.Helper()
	dialer := &net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		return raw.Control(func(fd uintptr) { _ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 16<<10) })
	}}
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET /api/heroes HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func testStopDuringALongList(t *testing.T, program string) {
	dir := t.TempDir()
	if err := exec.CommandContext(t.Context(), program, "migrate", "--data-dir="+dir).Run(); err != nil {
		t.Fatal(err)
	}
	rows := longList(t, program, dir)
	startHeroes := func(t *testing.T, shutdown time.Duration) service {
		s := start(t, program, "heroes", []string{"DATABASE_URL=sqlite:" + dir + "/heroes.db"}, "--shutdown-timeout="+shutdown.String())
		s.Ready(t, s.url+"/readyz")
		return s
	}
	refuses := func(url string) func() bool {
		return func() bool {
			_, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			return err != nil
		}
	}
	t.Run("the client reads everything", func(t *testing.T) {
		s := startHeroes(t, 10*time.Minute)
		list := beginList(t, s.url)
		s.Signal(t, syscall.SIGTERM)
		await.True(t, "the port refuses connections", refuses(s.url))
		var heroes []struct{ ID int }
		if err := json.NewDecoder(list.Body).Decode(&heroes); err != nil || len(heroes) != rows {
			t.Errorf("the list contains %d heroes (error %v), want %d", len(heroes), err, rows)
		}
		if _, err := io.Copy(io.Discard, list.Body); err != nil {
			t.Errorf("reading the rest of the list failed: %v", err)
		}
		if code := s.Wait(t, hang); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
	t.Run("the client stalls", func(t *testing.T) {
		s := startHeroes(t, 500*time.Millisecond)
		list := beginList(t, s.url)
		s.Signal(t, syscall.SIGTERM)
		if code := s.Wait(t, hang); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		wantLog(t, &s.Stderr, "heroes - WARN - requests in flight were aborted")
		if n, err := io.Copy(io.Discard, list.Body); err == nil {
			t.Errorf("a list cut off after %d bytes looks complete to the client", n)
		}
	})
}
