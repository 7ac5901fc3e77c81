package emblem

import "hash/fnv"

// seed is a generator of small random numbers (xorshift64*). It is implemented here
// because math/rand may change its sequences between versions of Go, which would
// change every picture.
type seed uint64

// newSeed returns the generator for an entry.
func newSeed(kind string, id int64, name string) seed {
	h := fnv.New64a()
	h.Write([]byte(kind))
	var digits [8]byte
	for i := range digits {
		digits[i] = byte(id >> (8 * i))
	}
	h.Write(digits[:])
	h.Write([]byte(name))
	return seed(h.Sum64() | 1) // xorshift would never leave zero
}

// below returns the next number in [0, n); n must be positive.
func (s *seed) below(n int) int {
	x := uint64(*s)
	x ^= x >> 12
	x ^= x << 25
	x ^= x >> 27
	*s = seed(x)
	return int((x * 0x2545f4914f6cdd1d >> 33) % uint64(n))
}

// between returns the next number in [low, high].
func (s *seed) between(low, high int) int { return low + s.below(high-low+1) }

// oneOf returns one of the choices.
func oneOf[T any](s *seed, choices []T) T { return choices[s.below(len(choices))] }
