package fight

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// ID is a UUID. Those that we make are of version 7 (RFC 9562): 48 bits of Unix milliseconds, then version, variant
// and 74 random bits. They sort by time, as bytes and as text.
type ID [16]byte

// MaxID returns the largest UUID, which is above every id that is ever made.
func MaxID() ID { return ID(bytes.Repeat([]byte{0xff}, len(ID{}))) }

// lastMoment is the end of the year 9999, the last moment that a fight_date can name, in milliseconds of Unix time.
const lastMoment = 253_402_300_799_999

// Beyond returns the smallest UUID that names a later moment than any date of a fight can. Above it lie no ids of ours.
func Beyond() (id ID) {
	binary.BigEndian.PutUint64(id[:8], (lastMoment+1)<<16)
	return id
}

// Ours reports whether IDs may have made the id: it is of version 7, for a moment up to the year 9999.
func (id ID) Ours() bool {
	beyond := Beyond()
	return id[6]>>4 == 7 && id[8]>>6 == 2 && bytes.Compare(id[:], beyond[:]) < 0
}

// String returns the usual form, in lower case.
func (id ID) String() string {
	return string(id.append(nil))
}

func (id ID) append(dst []byte) []byte {
	var text [36]byte
	hex.Encode(text[0:8], id[0:4])
	hex.Encode(text[9:13], id[4:6])
	hex.Encode(text[14:18], id[6:8])
	hex.Encode(text[19:23], id[8:10])
	hex.Encode(text[24:36], id[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return append(dst, text[:]...)
}

// ParseID reads the usual form of any UUID: 36 characters, hexadecimal digits of either case.
func ParseID(text string) (ID, error) {
	var id ID
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return id, errMalformedID
	}
	digits := text[0:8] + text[9:13] + text[14:18] + text[19:23] + text[24:36]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, errMalformedID
	}
	return id, nil
}

var errMalformedID = errors.New("must be a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")

// IDs makes ids that strictly increase, within a millisecond and when the clock steps back too. It may be used
// concurrently.
type IDs struct {
	mu   sync.Mutex
	last uint128
}

// uint128 is an id without its version and variant: 122 bits, the upper 60 (48 of time, 12 random ones) and the lower 62.
type uint128 struct{ high, low uint64 }

const lowBits = 1<<62 - 1

// NewIDs returns a source whose ids lie above last, the largest stored one that is Ours; the zero ID for none. However far
// ahead the clock was that made it, there is room above it: ids can name moments up to the year 10889.
func NewIDs(last ID) *IDs { return &IDs{last: last.number()} }

// Next returns the id of a fight decided at that moment, which is taken as within 1970 to 9999.
func (s *IDs) Next(at time.Time) ID {
	ms := uint64(min(max(at.UnixMilli(), 0), lastMoment))
	next := uint128{ms<<12 | rand.Uint64()>>52, rand.Uint64() & lowBits}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.less(next) {
		next = s.last.plus(1 + rand.Uint64N(1<<32)) // still hard to guess
	}
	s.last = next
	return next.id()
}

func (n uint128) less(other uint128) bool {
	return n.high < other.high || n.high == other.high && n.low < other.low
}

// plus adds a number of 32 bits. Above the year 9999 there is room for 2^80 such steps, so it never overflows.
func (n uint128) plus(delta uint64) uint128 {
	low := n.low + delta
	return uint128{n.high + low>>62, low & lowBits}
}

func (n uint128) id() ID {
	const version, variant = 7 << 12, 2 << 62
	var id ID
	binary.BigEndian.PutUint64(id[:8], n.high>>12<<16|version|n.high&0xfff)
	binary.BigEndian.PutUint64(id[8:], variant|n.low)
	return id
}

func (id ID) number() uint128 {
	high, low := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	return uint128{high>>16<<12 | high&0xfff, low & lowBits}
}
