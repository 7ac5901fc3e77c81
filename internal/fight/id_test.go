package fight

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// made returns the time encoded in an id.
func made(id ID) int64 {
	return int64(binary.BigEndian.Uint64(id[:8]) >> 16)
}

// checkForm checks that id is a version 7 UUID.
func checkForm(t rapid.TB, id ID) {
	t.Helper()
	if version, variant := id[6]>>4, id[8]>>6; version != 7 || variant != 2 {
		t.Fatalf("id %s has version %d and variant %b, want 7 and 10", id, version, variant)
	}
}

// checkAbove checks that next is greater than last, as bytes and as text.
func checkAbove(t rapid.TB, last, next ID) {
	t.Helper()
	if bytes.Compare(next[:], last[:]) <= 0 || next.String() <= last.String() {
		t.Fatalf("id %s is not above %s", next, last)
	}
}

// parseID parses a well-formed id.
func parseID(t testing.TB, text string) ID {
	t.Helper()
	id, err := ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestIDsIncreaseWhateverTheClockDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const last48 = 1<<48 - 1
		moment := rapid.OneOf(
			rapid.Int64Range(0, last48),
			rapid.Int64Range(1_767_225_600_000, 1_767_225_600_003), // the same or adjacent milliseconds
			rapid.Int64Range(-1000, 0),                             // times before 1970, which ids can't encode
			rapid.Int64Range(lastMoment-1, lastMoment+2),
		)
		ids, last, latest := NewIDs(ID{}), ID{}, int64(-1)
		for range rapid.IntRange(1, 50).Draw(t, "ids") {
			ms := moment.Draw(t, "ms")
			next := ids.Next(time.UnixMilli(ms))
			checkForm(t, next)
			checkAbove(t, last, next)
			if ms = min(ms, lastMoment); ms > latest && made(next) != ms {
				t.Fatalf("an id generated at %d encodes the time %d", ms, made(next))
			}
			last, latest = next, max(ms, made(next))
		}
	})
}

func TestIDsContinueAboveTheLargestStored(t *testing.T) {
	now := time.Date(2026, 1, 2, 15, 4, 5, 678_000_000, time.UTC)
	past, future := now.Add(-time.Hour), now.Add(24*365*time.Hour)
	border := func(at time.Time) ID { // the last id of a millisecond
		id := MaxID()
		binary.BigEndian.PutUint64(id[:8], uint64(at.UnixMilli())<<16|0x7fff)
		id[8] = 0xbf
		return id
	}
	lowerBitsFull := parseID(t, "024bf4cb-a9c0-7123-bfff-ffffffffffff") // the next id carries into the upper bits, but not into the time
	tests := []struct {
		name   string
		last   ID
		wantMs int64
	}{
		{"nothing stored", ID{}, now.UnixMilli()},
		{"stored in the past", NewIDs(ID{}).Next(past), now.UnixMilli()},
		{"stored in the future", NewIDs(ID{}).Next(future), future.UnixMilli()},
		{"the last id of this millisecond: carries into the next", border(now), now.UnixMilli() + 1},
		{"the last id of a future millisecond: carries into the next", border(future), future.UnixMilli() + 1},
		{"the last id of a past millisecond: no carry", border(past), now.UnixMilli()},
		{"the last id of the year 9999", border(time.UnixMilli(lastMoment)), lastMoment + 1},
		{"all 62 lower bits set: carries into the 12 bits above", lowerBitsFull, made(lowerBitsFull)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ids, last := NewIDs(test.last), test.last
			for range 1000 {
				next := ids.Next(now)
				checkForm(t, next)
				checkAbove(t, last, next)
				if made(next) != test.wantMs {
					t.Fatalf("id %s, generated after %s, encodes the time %d, want %d", next, last, made(next), test.wantMs)
				}
				last = next
			}
		})
	}
}

// The ids of one millisecond begin at a random value and increase by random steps, so an id is hard to guess from its
// predecessor.
func TestIDsAreHardToGuess(t *testing.T) {
	ids, now := NewIDs(ID{}), time.Now()
	last, small := ids.Next(now), 0
	for range 1000 {
		next := ids.Next(now)
		if next.number().high == last.number().high && next.number().low-last.number().low < 1<<16 {
			small++
		}
		last = next
	}
	if small > 10 { // expected: 1000 / 2^16
		t.Errorf("%d of 1000 ids are within 65,536 of their predecessor", small)
	}
}

func TestIDsConcurrently(t *testing.T) {
	const workers, each = 8, 2000
	ids, now := NewIDs(ID{}), time.Now()
	drawn := make([][]ID, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := range each {
				drawn[worker] = append(drawn[worker], ids.Next(now.Add(time.Duration(i%3)*time.Millisecond)))
			}
		})
	}
	group.Wait()
	for _, own := range drawn {
		for i := range own[1:] {
			checkAbove(t, own[i], own[i+1])
		}
	}
	all := slices.Concat(drawn...)
	slices.SortFunc(all, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	if distinct := len(slices.Compact(all)); distinct != workers*each {
		t.Errorf("only %d of %d ids are distinct", distinct, workers*each)
	}
}

func TestOurs(t *testing.T) {
	beyond := Beyond()
	if made(beyond) != lastMoment+1 || time.UnixMilli(lastMoment+1).UTC().Year() != 10_000 {
		t.Errorf("Beyond is %s, which is not the beginning of the year 10000", beyond)
	}
	for text, want := range map[string]bool{
		"0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e": true,
		"e677d21f-dbff-7fff-bfff-ffffffffffff": true,
		"e677d21f-dc00-7000-8000-000000000000": false, // year 10000
		"ffffffff-ffff-7fff-bfff-ffffffffffff": false,
		"0198c5a7-1f2e-4c3a-9d10-2b6f6f1d2c4e": false, // version 4
		"0198c5a7-1f2e-7c3a-1d10-2b6f6f1d2c4e": false, // another variant
		"ffffffff-ffff-ffff-ffff-ffffffffffff": false,
		"00000000-0000-0000-0000-000000000000": false,
	} {
		if parseID(t, text).Ours() != want {
			t.Errorf("%s: want %t", text, want)
		}
	}
}

func TestParseID(t *testing.T) {
	const text = "0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e"
	id := ID{0x01, 0x98, 0xc5, 0xa7, 0x1f, 0x2e, 0x7c, 0x3a, 0x9d, 0x10, 0x2b, 0x6f, 0x6f, 0x1d, 0x2c, 0x4e}
	tests := []struct {
		name, text string
		want       ID
		ok         bool
	}{
		{"version 7", text, id, true},
		{"upper case", strings.ToUpper(text), id, true},
		{"max", "ffffffff-ffff-ffff-ffff-ffffffffffff", MaxID(), true},
		{"empty", "", ID{}, false},
		{"braces in 36 bytes", "{0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c}", ID{}, false},
		{"no hyphens", strings.ReplaceAll(text, "-", ""), ID{}, false},
		{"one character too long", text + "0", ID{}, false},
		{"hyphens elsewhere", "0198c5a71-f2e-7c3a-9d10-2b6f6f1d2c4e", ID{}, false},
		{"hyphen for a digit", "0198c5a--1f2e-7c3a-9d10-2b6f6f1d2c4e", ID{}, false},
		{"not a hexadecimal digit", "0198c5g7-1f2e-7c3a-9d10-2b6f6f1d2c4e", ID{}, false},
		{"36 bytes, but 12 characters", strings.Repeat("€", 12), ID{}, false},
		{"not UTF-8", "\xff" + text[1:], ID{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParseID(test.text)
			if got != test.want || (err == nil) != test.ok {
				t.Errorf("got %s, %v; want %s, ok %t", got, err, test.want, test.ok)
			}
		})
	}
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{
		"", "0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4e", "0198C5A7-1F2E-7C3A-9D10-2B6F6F1D2C4E", "{0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c}",
		"éééé-éé-éé-éé-éééééé", "0198c5a7-1f2e-7c3a-9d10-2b6f6f1d2c4\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID(text)
		if err != nil {
			if id != (ID{}) {
				t.Fatalf("parsing %q returned both an error and the id %s", text, id)
			}
			return
		}
		if id.String() != strings.ToLower(text) {
			t.Fatalf("%q became %s", text, id)
		}
		if again, err := ParseID(id.String()); again != id || err != nil {
			t.Fatalf("%s became %s, %v", id, again, err)
		}
	})
}

func BenchmarkIDsNext(b *testing.B) {
	ids := NewIDs(ID{})
	b.ReportAllocs()
	for b.Loop() {
		ids.Next(time.Now())
	}
}
