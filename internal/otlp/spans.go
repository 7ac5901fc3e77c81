package otlp

import (
	"log/slog"
	"math"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"

	"superheroes/internal/telemetry"
)

const (
	// maxQueued is the maximum total size, in bytes, of the encoded spans that haven't been sent yet. A span has about
	// 350 bytes.
	maxQueued = 3 << 20
	// fullBatch is the number of spans that are sent together, without waiting for the next interval.
	fullBatch = 512
)

// Spans is a queue of spans for a collector. Spans are encoded as soon as they end. If the queue is full, because the
// collector is too slow, new spans are dropped and counted. It is safe for concurrent use.
type Spans struct {
	wake chan struct{} // buffered; receives a value when there is a full pile

	mu    sync.Mutex
	piles []*pile // full ones, and one to which spans are added
	bytes int     // size of these spans and of those being sent

	taken, dropped, sent, failed, rejected telemetry.Counter
}

// pile is a number of encoded spans, at most fullBatch.
type pile struct {
	services map[string]*message // by service
	spans    int
}

func newPile() *pile { return &pile{services: map[string]*message{}} }

// NewSpans returns an empty queue.
func NewSpans() *Spans {
	return &Spans{wake: make(chan struct{}, 1), piles: []*pile{newPile()}}
}

// Measure adds the metrics of the queue. q may be nil.
func (q *Spans) Measure(m *telemetry.Metrics) {
	if q == nil {
		return
	}
	m.Counter(telemetry.SpansProcessed, &q.taken, "")
	m.Counter(telemetry.SpansProcessed, &q.dropped, "queue_full")
	m.Counter(telemetry.SpansExported, &q.sent, "")
	m.Counter(telemetry.SpansExported, &q.failed, "_OTHER")
	m.Counter(telemetry.SpansExported, &q.rejected, "rejected")
}

// Record queues an ended span. It never waits for the collector.
func (q *Spans) Record(span *telemetry.Span) {
	encoded := encodeSpan(span)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+len(encoded) > maxQueued {
		q.dropped.Add(1)
		return
	}
	last := q.piles[len(q.piles)-1]
	of := last.services[span.Service]
	if of == nil {
		of = &message{}
		last.services[span.Service] = of
	}
	before := len(*of)
	of.bytes(2, encoded) // spans
	q.bytes += len(*of) - before
	last.spans++
	if last.spans == fullBatch {
		q.piles = append(q.piles, newPile())
		select {
		case q.wake <- struct{}{}:
		default:
		}
	}
}

// batch is a group of spans that are sent together.
type batch struct {
	body  []byte
	spans int
	bytes int // size to subtract from the queue's size when the batch is gone
}

// take removes up to fullBatch spans from the queue and returns them as an ExportTraceServiceRequest.
func (q *Spans) take(attributes [][2]string) batch {
	first := q.takeFirst()
	b := batch{spans: first.spans}
	for _, spans := range first.services {
		b.bytes += len(*spans)
	}
	q.taken.Add(uint64(b.spans))
	b.body = request(first.services, attributes) // Record must not wait for this
	return b
}

// takeFirst removes the first pile.
func (q *Spans) takeFirst() *pile {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := q.piles[0]
	if q.piles = q.piles[1:]; len(q.piles) == 0 {
		q.piles = []*pile{newPile()}
	}
	return first
}

// full reports whether there is a full pile.
func (q *Spans) full() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.piles) > 1
}

// gone subtracts a batch's size from the queue's, and adds the numbers of its spans to the counters.
func (q *Spans) gone(b batch, sent, failed, rejected int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= b.bytes
	q.sent.Add(uint64(sent))
	q.failed.Add(uint64(failed))
	q.rejected.Add(uint64(rejected))
}

// encodeSpan encodes a span as the message Span in opentelemetry-proto's trace/v1.
func encodeSpan(s *telemetry.Span) []byte {
	m := make(message, 0, 512)
	m.bytes(1, decode(s.TraceID))
	m.bytes(2, decode(s.SpanID))
	if s.Parent != "" {
		m.bytes(4, decode(s.Parent))
	}
	m.text(5, s.Name)
	m.varint(6, uint64(s.Kind))
	m.time(7, s.Begun)
	m.time(8, s.Ended)
	for _, a := range s.Attributes {
		m.attributeOf(9, a)
	}
	for _, to := range s.Links {
		var link message
		link.bytes(1, decode(to.TraceID))
		link.bytes(2, decode(to.SpanID))
		m.bytes(13, link)
	}
	if s.Failed {
		var status message
		status.varint(3, 2) // STATUS_CODE_ERROR
		m.bytes(15, status)
	}
	return m
}

// rejectedSpans returns the number of spans that a collector has rejected, according to the field partial_success in
// its ExportTraceServiceResponse.
func rejectedSpans(response []byte) int {
	partial, n := field(response, 1, protowire.BytesType, protowire.ConsumeBytes)
	if n < 0 {
		return 0
	}
	rejected, _ := field(partial, 1, protowire.VarintType, protowire.ConsumeVarint)
	return int(min(rejected, math.MaxInt32))
}

// field returns the first field of a message with the given number and type, and its length, or a negative length if
// there is none.
func field[T any](m []byte, number protowire.Number, kind protowire.Type, consume func([]byte) (T, int)) (value T, length int) {
	for len(m) > 0 {
		at, found, n := protowire.ConsumeTag(m)
		if n < 0 {
			return value, n
		}
		if m = m[n:]; at == number && found == kind {
			return consume(m)
		}
		if n = protowire.ConsumeFieldValue(at, found, m); n < 0 {
			return value, n
		}
		m = m[n:]
	}
	return value, -1
}

// attributeOf appends a KeyValue with a string or an integer.
func (m *message) attributeOf(field protowire.Number, a slog.Attr) {
	if a.Value.Kind() == slog.KindInt64 {
		m.number(field, a.Key, a.Value.Int64())
		return
	}
	m.attribute(field, a.Key, a.Value.String())
}
