package exchange

import (
	"bufio"
	"fmt"
	"io"
)

const byteOrderMark = "\xEF\xBB\xBF"

// newInput returns a buffered reader of the text in UTF-8, without a byte order mark.
func newInput(r io.Reader) *bufio.Reader {
	in := bufio.NewReaderSize(&stickyReader{in: r}, 64<<10)
	head, _ := in.Peek(len(byteOrderMark))
	if string(head) == byteOrderMark {
		_, _ = in.Discard(len(head))
	} else if order, mark := utf16Order(head); order != nil {
		_, _ = in.Discard(mark)
		return bufio.NewReaderSize(&utf16Reader{in: in, order: order}, 64<<10)
	}
	return in
}

// stickyReader repeats its last error forever, because bufio forgets an error that Peek encountered.
type stickyReader struct {
	in  io.Reader
	err error
}

func (r *stickyReader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.in.Read(p)
	r.err = err
	return n, err
}

func readError(line int, err error) error { return lineError(line, fmt.Errorf("read: %w", err)) }
