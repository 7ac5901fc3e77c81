package rawhttp

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http/httputil"
	"strconv"
)

// Response size limits, in bytes. Each line of the head must also fit into the reader's buffer.
const (
	bufferSize = 8 << 10
	maxHead    = 64 << 10
	maxBody    = 64 << 20
)

// Answer is an HTTP response.
type Answer struct {
	Status int
	Body   []byte
	Close  bool // the server accepts no further requests on this connection

	RetryAfter int // the Retry-After header in seconds; 0 if absent or a date
}

// reader reads responses. It reuses its buffers, since allocating them would cost a load generator more than parsing.
type reader struct {
	in   *bufio.Reader
	body bytes.Buffer
}

func newReader() *reader { return &reader{in: bufio.NewReaderSize(nil, bufferSize)} }

// answer reads a response, skipping any interim (1xx) responses that precede it. It returns an error if more bytes
// follow the response.
func (r *reader) answer() (Answer, error) {
	h, err := r.head()
	for err == nil && h.status < 200 {
		h, err = r.head()
	}
	if err != nil {
		return Answer{}, unexpected(err)
	}
	r.body.Reset()
	if err := r.readBody(h); err != nil {
		return Answer{}, fmt.Errorf("reading the body of a response with status %d: %w", h.status, unexpected(err))
	}
	if r.in.Buffered() > 0 {
		return Answer{}, errors.New("unexpected bytes after the response")
	}
	return Answer{Status: h.status, Body: r.body.Bytes(), Close: h.close || h.toTheEnd(), RetryAfter: h.retryAfter}, nil
}

// line returns the next line without its line ending. The slice is valid until the next read.
func (r *reader) line() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
}

// head is the parsed status line and headers.
type head struct {
	status  int
	old     bool // HTTP/1.0
	close   bool
	chunked bool
	length  int64 // -1 if not given

	retryAfter int
}

func (h head) bodiless() bool { return h.status == 204 || h.status == 304 }

// toTheEnd reports whether the body ends only when the connection is closed.
func (h head) toTheEnd() bool { return !h.bodiless() && !h.chunked && h.length < 0 }

func (r *reader) head() (head, error) {
	line, err := r.line()
	if err != nil {
		return head{}, err
	}
	h, err := statusLine(line)
	if err != nil {
		return head{}, err
	}
	if err := r.fields(h.field); err != nil {
		return head{}, err
	}
	if h.chunked && h.old {
		return head{}, errors.New("chunked encoding in HTTP/1.0")
	}
	return *h, nil
}

// fields calls do for each header up to the empty line that ends the headers.
func (r *reader) fields(do func(name, value []byte) error) error {
	for size := 0; size <= maxHead; {
		line, err := r.line()
		if err != nil || len(line) == 0 {
			return err
		}
		size += len(line) + len("\r\n")
		name, value, found := bytes.Cut(line, []byte(":"))
		if !found || len(name) == 0 || name[0] <= ' ' || name[len(name)-1] <= ' ' {
			return fmt.Errorf("invalid header: %.40q", line)
		}
		if err := do(name, bytes.Trim(value, " \t")); err != nil {
			return err
		}
	}
	return errors.New("headers too long")
}

// statusLine parses lines such as HTTP/1.1 200 OK.
func statusLine(line []byte) (*head, error) {
	protocol, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.ParseUint(string(code), 10, 16)
	old := string(protocol) == "HTTP/1.0"
	if err != nil || len(code) != 3 || status < 100 || !old && string(protocol) != "HTTP/1.1" {
		return nil, fmt.Errorf("invalid status line: %.40q", line)
	}
	return &head{status: int(status), length: -1, old: old, close: old}, nil
}

// field interprets a header if it concerns the body, the connection or retries.
func (h *head) field(name, value []byte) error {
	switch {
	case bytes.EqualFold(name, []byte("connection")):
		h.connection(value)
	case bytes.EqualFold(name, []byte("retry-after")):
		if seconds, err := strconv.ParseUint(string(value), 10, 31); err == nil { // the value can also be a date
			h.retryAfter = int(seconds)
		}
	case bytes.EqualFold(name, []byte("content-length")):
		length, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || h.length >= 0 && h.length != int64(length) {
			return fmt.Errorf("invalid Content-Length: %.40q", value)
		}
		h.length = int64(length)
	case bytes.EqualFold(name, []byte("transfer-encoding")):
		if h.chunked || !bytes.EqualFold(value, []byte("chunked")) {
			return fmt.Errorf("unsupported Transfer-Encoding: %.40q", value)
		}
		h.chunked = true
	}
	return nil
}

func (h *head) connection(value []byte) {
	for option := range bytes.SplitSeq(value, []byte(",")) {
		switch option = bytes.Trim(option, " \t"); {
		case bytes.EqualFold(option, []byte("close")):
			h.close = true
		case h.old && bytes.EqualFold(option, []byte("keep-alive")):
			h.close = false
		}
	}
}

func (r *reader) readBody(h head) error {
	switch {
	case h.bodiless():
		return nil
	case h.chunked:
		if err := r.copy(httputil.NewChunkedReader(r.in)); err != nil {
			return err
		}
		return r.fields(func(_, _ []byte) error { return nil }) // the trailer
	case h.toTheEnd():
		return r.copy(r.in)
	case h.length > maxBody:
		return fmt.Errorf("body too large: %d bytes", h.length)
	}
	_, err := io.CopyN(&r.body, r.in, h.length)
	return err
}

// copy reads a body of unknown length, up to the size limit.
func (r *reader) copy(from io.Reader) error {
	n, err := io.Copy(&r.body, io.LimitReader(from, maxBody+1))
	if n > maxBody {
		return errors.New("body too large")
	}
	return err
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
