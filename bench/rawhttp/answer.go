package rawhttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Response size limits, in bytes.
const (
	maxHead = 64 << 10
	maxBody = 64 << 20
)

// Answer is an HTTP response.
type Answer struct {
	Status int
	Body   []byte
	Close  bool // the server accepts no further requests on this connection

	RetryAfter int // seconds; 0 if not given as a number
}

// buffer holds received bytes that have not been consumed yet.
type buffer struct {
	bytes     []byte
	from, to  int    // range of unconsumed bytes
	assembled []byte // body of a chunked response
	received  int64
}

func (b *buffer) reset() { b.from, b.to = 0, 0 }

// fill makes room and reads once.
func (b *buffer) fill(r io.Reader) error {
	if b.from > 0 && (b.from == b.to || b.to == len(b.bytes)) {
		b.to = copy(b.bytes, b.bytes[b.from:b.to])
		b.from = 0
	}
	if b.to == len(b.bytes) {
		larger := make([]byte, max(4096, 2*len(b.bytes)))
		b.to = copy(larger, b.bytes[:b.to])
		b.bytes = larger
	}
	n, err := r.Read(b.bytes[b.to:])
	b.to += n
	b.received += int64(n)
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// answer reads a response, skipping any interim (1xx) responses that precede it. Bytes after it violate the protocol.
func (b *buffer) answer(r io.Reader) (Answer, error) {
	for {
		h, err := b.head(r)
		if err != nil {
			return Answer{}, err
		}
		if h.status < 200 {
			continue
		}
		body, err := b.body(r, h)
		if err != nil {
			return Answer{}, fmt.Errorf("reading the body of a response with status %d: %w", h.status, err)
		}
		if b.from != b.to {
			return Answer{}, errors.New("unexpected bytes after the response")
		}
		return Answer{Status: h.status, Body: body, Close: h.close || h.toTheEnd(), RetryAfter: h.retryAfter}, nil
	}
}

// line returns the next line without its line ending. It is valid until the next read.
func (b *buffer) line(r io.Reader, limit int) ([]byte, error) {
	seen := 0
	for {
		if end := bytes.IndexByte(b.bytes[b.from+seen:b.to], '\n'); end >= 0 {
			line := b.bytes[b.from : b.from+seen+end]
			b.from += seen + end + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if seen = b.to - b.from; seen > limit {
			return nil, errors.New("line too long")
		}
		if err := b.fill(r); err != nil {
			return nil, unexpected(err)
		}
	}
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

// toTheEnd reports whether the body extends to the end of the connection.
func (h head) toTheEnd() bool { return !h.bodiless() && !h.chunked && h.length < 0 }

func (b *buffer) head(r io.Reader) (head, error) {
	line, err := b.line(r, maxHead)
	if err != nil {
		return head{}, err
	}
	h, err := statusLine(line)
	if err != nil {
		return head{}, err
	}
	for size := len(line); ; size += len(line) {
		if line, err = b.line(r, maxHead); err != nil {
			return head{}, err
		}
		if len(line) == 0 {
			break
		}
		if size > maxHead {
			return head{}, errors.New("headers too long")
		}
		if err := h.field(line); err != nil {
			return head{}, err
		}
	}
	if h.chunked && h.old {
		return head{}, errors.New("chunked encoding in HTTP/1.0")
	}
	return h, nil
}

// statusLine parses lines such as HTTP/1.1 200 OK.
func statusLine(line []byte) (head, error) {
	h := head{length: -1}
	if len(line) < 12 || string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' ||
		len(line) > 12 && line[12] != ' ' {
		return h, fmt.Errorf("invalid status line: %.40q", line)
	}
	h.old = line[7] == '0'
	h.close = h.old
	for _, digit := range line[9:12] {
		if digit < '0' || digit > '9' {
			return h, fmt.Errorf("invalid status: %.40q", line)
		}
		h.status = 10*h.status + int(digit-'0')
	}
	if h.status < 100 {
		return h, fmt.Errorf("invalid status: %.40q", line)
	}
	return h, nil
}

// field parses a header line if it concerns the body, the connection or retries.
func (h *head) field(line []byte) error {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 || line[0] <= ' ' || line[colon-1] <= ' ' {
		return fmt.Errorf("invalid header: %.40q", line)
	}
	name, value := line[:colon], bytes.Trim(line[colon+1:], " \t")
	switch len(name) {
	case len("connection"):
		if bytes.EqualFold(name, []byte("connection")) {
			h.connection(value)
		}
	case len("retry-after"):
		if seconds, err := digits(value, 10); err == nil && bytes.EqualFold(name, []byte("retry-after")) {
			h.retryAfter = int(seconds)
		}
	case len("content-length"):
		if bytes.EqualFold(name, []byte("content-length")) {
			return h.contentLength(value)
		}
	case len("transfer-encoding"):
		if bytes.EqualFold(name, []byte("transfer-encoding")) {
			if h.chunked || !bytes.EqualFold(value, []byte("chunked")) {
				return fmt.Errorf("unsupported Transfer-Encoding: %.40q", value)
			}
			h.chunked = true
		}
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

func (h *head) contentLength(value []byte) error {
	length, err := digits(value, 10)
	if err != nil || h.length >= 0 && h.length != length {
		return fmt.Errorf("invalid Content-Length: %.40q", value)
	}
	h.length = length
	return nil
}

// digits parses a number of at most 15 digits.
func digits(text []byte, base int64) (int64, error) {
	if len(text) == 0 || len(text) > 15 {
		return 0, errors.New("invalid number")
	}
	n := int64(0)
	for _, c := range text {
		digit := int64(99)
		switch {
		case c >= '0' && c <= '9':
			digit = int64(c - '0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			digit = int64(c|0x20-'a') + 10
		}
		if digit >= base {
			return 0, errors.New("invalid number")
		}
		n = n*base + digit
	}
	return n, nil
}

func (b *buffer) body(r io.Reader, h head) ([]byte, error) {
	switch {
	case h.bodiless():
		return nil, nil
	case h.chunked:
		return b.chunks(r)
	case h.toTheEnd():
		return b.rest(r)
	}
	return b.take(r, h.length)
}

// take returns the next n bytes.
func (b *buffer) take(r io.Reader, n int64) ([]byte, error) {
	if n > maxBody {
		return nil, fmt.Errorf("body too large: %d bytes", n)
	}
	for int64(b.to-b.from) < n {
		if err := b.fill(r); err != nil {
			return nil, unexpected(err)
		}
	}
	taken := b.bytes[b.from : b.from+int(n)]
	b.from += int(n)
	return taken, nil
}

func (b *buffer) chunks(r io.Reader) ([]byte, error) {
	b.assembled = b.assembled[:0]
	for {
		line, err := b.line(r, 4096)
		if err != nil {
			return nil, err
		}
		if extension := bytes.IndexByte(line, ';'); extension >= 0 {
			line = line[:extension]
		}
		size, err := digits(bytes.TrimRight(line, " \t"), 16)
		if err != nil || size+int64(len(b.assembled)) > maxBody {
			return nil, fmt.Errorf("invalid chunk size: %.40q", line)
		}
		if size == 0 {
			return b.assembled, b.trailer(r)
		}
		chunk, err := b.take(r, size)
		if err != nil {
			return nil, err
		}
		b.assembled = append(b.assembled, chunk...)
		if end, err := b.take(r, 2); err != nil || string(end) != "\r\n" {
			return nil, errors.New("unterminated chunk")
		}
	}
}

func (b *buffer) trailer(r io.Reader) error {
	for size := 0; ; {
		line, err := b.line(r, maxHead)
		if err != nil || len(line) == 0 {
			return err
		}
		if size += len(line); size > maxHead || bytes.IndexByte(line, ':') < 1 {
			return fmt.Errorf("invalid trailer: %.40q", line)
		}
	}
}

// rest reads until the server closes the connection.
func (b *buffer) rest(r io.Reader) ([]byte, error) {
	for {
		if b.to-b.from > maxBody {
			return nil, errors.New("body too large")
		}
		if err := b.fill(r); errors.Is(err, io.EOF) {
			return b.take(r, int64(b.to-b.from))
		} else if err != nil {
			return nil, err
		}
	}
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
