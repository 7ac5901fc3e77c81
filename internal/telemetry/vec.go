package telemetry

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Vec is a set of histograms of one family, which are created on first use. There must be only a few keys, since a
// lookup is a linear search, and keys must not come from a request. A Vec is safe for concurrent use.
type Vec[K comparable] struct {
	create func(K) *Histogram
	mu     sync.Mutex                 // guards the creation of histograms
	all    atomic.Pointer[[]keyed[K]] // replaced, never modified
}

type keyed[K comparable] struct {
	key       K
	histogram *Histogram
}

// NewVec returns a Vec that adds its histograms to m. labels returns the label values for a key. Keys with the same
// label values share a histogram, within the Vec and with other Vecs of the family.
func NewVec[K comparable](m *Metrics, f *Family, labels func(K) []string) *Vec[K] {
	v := &Vec[K]{create: func(key K) *Histogram { return m.sharedHistogram(f, labels(key)) }}
	v.all.Store(new([]keyed[K]))
	return v
}

// Of returns the histogram with the given key. It allocates only if the histogram is new.
func (v *Vec[K]) Of(key K) *Histogram {
	if h := v.find(key); h != nil {
		return h
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if h := v.find(key); h != nil {
		return h
	}
	h := v.create(key)
	next := append(slices.Clone(*v.all.Load()), keyed[K]{key, h})
	v.all.Store(&next)
	return h
}

func (v *Vec[K]) find(key K) *Histogram {
	for _, k := range *v.all.Load() {
		if k.key == key {
			return k.histogram
		}
	}
	return nil
}
