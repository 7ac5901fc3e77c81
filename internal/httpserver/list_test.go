package httpserver

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"superheroes/test/await"
)

// list returns a route that sends a list in the given parts, and calls end for the last part.
func list(compressor *Compressor, end func(*List, []byte) error, parts ...[]byte) Route {
	return get(func(w http.ResponseWriter, r *http.Request) error {
		list, last := NewList(w, r, compressor), len(parts)-1
		for _, part := range parts[:last] {
			more, head := list.Write(part) == nil, r.Method == http.MethodHead
			if more == head || head && list.zip != nil && list.zip.size > 0 {
				panic("for a HEAD request, nothing must be compressed, and the list must stop after its first part")
			}
			if !more {
				return nil
			}
		}
		return end(list, parts[last])
	})
}

func atHand(compressor *Compressor, body []byte) Route {
	return get(func(w http.ResponseWriter, r *http.Request) error { return WriteList(w, r, compressor, body) })
}

func TestList(t *testing.T) {
	text, short := heroes(200<<10), heroes(300)
	longest, shortest := bytes.Repeat([]byte("1"), minGzip), bytes.Repeat([]byte("1"), minGzip+1)
	for _, c := range []struct {
		name     string
		parts    [][]byte
		accept   string
		busy     bool
		zipped   bool
		measured bool // with a Content-Length
	}{
		{"several parts", [][]byte{text[:70_000], text[70_000:190_000], text[190_000:]}, "gzip", false, true, false},
		{"a short first part", [][]byte{text[:1], text[1:]}, "gzip", false, true, false},
		{"client doesn't accept gzip", [][]byte{text[:70_000], text[70_000:]}, "", false, false, false},
		{"short, plain form refused", [][]byte{short}, "identity;q=0, gzip", false, true, true},
		{"plain form refused, gzip not listed", [][]byte{text}, "identity;q=0", false, false, true}, // better than a 406
		{"1 KiB", [][]byte{longest}, "gzip", false, false, true},
		{"above 1 KiB", [][]byte{shortest}, "gzip", false, true, true},
		{"all deflaters in use", [][]byte{text[:70_000], text[70_000:]}, "gzip", true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, compressor := bytes.Join(c.parts, nil), &Compressor{}
			routes := map[string]Route{"in parts": list(compressor, (*List).End, c.parts...)}
			if c.measured {
				routes["at hand"] = atHand(compressor, whole)
			}
			if c.busy {
				defer compressor.holdAll()()
			}
			for name, route := range routes {
				server, _ := serving(t, settings(), route)
				got := ask(t, server, http.MethodGet, "/", "", "Accept-Encoding", c.accept)
				body, err := []byte(got.body), error(nil)
				if c.zipped {
					body, err = unzip(body)
				}
				if err != nil || !bytes.Equal(body, whole) {
					t.Errorf("%s: got list of %d bytes, want %d: %v", name, len(body), len(whole), err)
				}
				head := ask(t, server, http.MethodHead, "/", "", "Accept-Encoding", c.accept)
				for method, got := range map[string]reply{"GET": got, "HEAD": head} {
					header := got.header
					if (header.Get("Content-Encoding") == "gzip") != c.zipped || header.Get("Vary") != "Accept-Encoding" ||
						header.Get("Content-Type") != "application/json" {
						t.Errorf("%s, %s: got header %v", name, method, header)
					}
					if c.measured && method == "GET" && header.Get("Content-Length") != strconv.Itoa(len(got.body)) {
						t.Errorf("%s: got Content-Length %s for %d bytes", name, header.Get("Content-Length"), len(got.body))
					}
				}
				if head.body != "" || head.header.Get("Content-Length") != got.header.Get("Content-Length") {
					t.Errorf("%s: HEAD got body %q and header %v", name, head.body, head.header)
				}
			}
		})
	}
}

// HTTP clients and decompressors can tell that a list is truncated, and can read the parts that were sent.
func TestTruncatedList(t *testing.T) {
	text := heroes(100 << 10)
	for accept, end := range map[string]func(*List, []byte) error{
		"gzip":     func(*List, []byte) error { return errors.New("kryptonite") },
		"identity": func(*List, []byte) error { panic("kryptonite") },
	} {
		t.Run(accept, func(t *testing.T) {
			compressor := &Compressor{}
			server, _ := serving(t, settings(), list(compressor, end, text[:70_000], nil))
			c := dial(t, server)
			c.send(t, "GET / HTTP/1.1\r\nHost: test\r\nAccept-Encoding: "+accept+"\r\n\r\n")
			got, err := c.next()
			if err == nil {
				t.Error("the response ended with a final chunk")
			}
			body := []byte(got.body)
			if accept == "gzip" {
				if body, err = unzip(body); !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("the gzip stream looks complete: %v", err)
				}
			}
			if !bytes.Equal(body, text[:70_000]) {
				t.Errorf("got %d bytes before the truncation, want the first part", len(body))
			}
			if n := compressor.busy.Load(); n != 0 {
				t.Errorf("%d deflaters are still in use", n)
			}
		})
	}
}

// watched is a response writer that records how many deflaters are in use during each write.
type watched struct {
	http.ResponseWriter
	compressor *Compressor
	writes     int
	inUse      int32
}

func (w *watched) Write(p []byte) (int, error) {
	w.writes, w.inUse = w.writes+1, max(w.inUse, w.compressor.busy.Load())
	return w.ResponseWriter.Write(p)
}

func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// No deflater is in use during a write, so that a slow client can't occupy a deflater.
func TestWritesHoldNoDeflater(t *testing.T) {
	sent, part := &watched{compressor: &Compressor{}}, noise(300<<10)
	server, _ := serving(t, settings(), get(func(w http.ResponseWriter, r *http.Request) error {
		sent.ResponseWriter = w
		list := NewList(sent, r, sent.compressor)
		return errors.Join(list.Write(part), list.Write(part), list.End(part))
	}))
	got := ask(t, server, http.MethodGet, "/", "", "Accept-Encoding", "gzip")
	if text, err := unzip([]byte(got.body)); err != nil || len(text) != 3*len(part) {
		t.Errorf("got %d bytes: %v", len(text), err)
	}
	if sent.inUse > 0 || sent.writes < 3 {
		t.Errorf("%d deflaters were in use during %d writes", sent.inUse, sent.writes)
	}
}

// A client that stalls in the middle of a compressed list is dropped at the write timeout.
func TestListToStalledClient(t *testing.T) {
	cfg := settings()
	cfg.WriteTimeout = 200 * time.Millisecond
	noise, ended := noise(1<<20), make(chan error, 1)
	server, _ := serving(t, cfg, get(func(w http.ResponseWriter, r *http.Request) error {
		list := NewList(w, r, &Compressor{})
		var err error
		for err == nil {
			err = list.Write(noise)
		}
		ended <- err
		return nil
	}))
	dial(t, server, smallWindow).send(t, "GET / HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n")
	if err := await.Value(t, "the list ends", ended); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got error %v, want the write timeout", err)
	}
}

// A slow client gets a complete compressed list, even though the second part alone takes longer to send than any
// timeout allows. Timeouts apply only to the pieces of a part.
func TestListToSlowClient(t *testing.T) {
	t.Parallel() // mostly waits
	const limit = 1500 * time.Millisecond
	cfg := settings()
	cfg.Deadline, cfg.ReadHeaderTimeout, cfg.ReadTimeout, cfg.WriteTimeout = limit, limit, limit, limit
	text := noise(6 << 20) // compresses to half
	var took time.Duration
	server, _ := serving(t, cfg, get(func(w http.ResponseWriter, r *http.Request) error {
		list := NewList(w, r, &Compressor{})
		if err := list.Write(text[:1<<20]); err != nil {
			return err
		}
		begin := time.Now()
		defer func() { took = time.Since(begin) }()
		return list.End(text[1<<20:])
	}))
	c := dial(t, server, smallWindow)
	_ = c.SetDeadline(time.Time{}) // no deadline, however slow the machine is
	c.send(t, "GET / HTTP/1.1\r\nHost: test\r\nAccept-Encoding: gzip\r\n\r\n")
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := gzip.NewReader(bufio.NewReaderSize(&slowly{response.Body, limit / 30}, 64<<10))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(reader); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the client got %d bytes of %d: %v", len(got), len(text), err)
	}
	if err := server.Shutdown(t.Context()); err != nil || took < cfg.WriteTimeout {
		t.Errorf("the second part took only %s, so the test proves nothing (%v)", took, err)
	}
}

// slowly is a reader that pauses before each read.
type slowly struct {
	from  io.Reader
	pause time.Duration
}

func (s *slowly) Read(p []byte) (int, error) {
	time.Sleep(s.pause)
	n, err := io.ReadFull(s.from, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // the next read returns io.EOF
	}
	return n, err
}

// noise returns text of the given size that compresses to about half its size.
func noise(size int) []byte {
	dice, raw := rand.NewChaCha8([32]byte{}), make([]byte, size/2)
	_, _ = dice.Read(raw)
	return []byte(hex.EncodeToString(raw))
}
