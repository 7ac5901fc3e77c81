package catalog

import (
	"context"
	"time"
)

// maxPause is the maximum pause after repeated wasted loads.
const maxPause = 30 * time.Second

// startLoad starts loading the rows that haven't been picked in this epoch, if the credit from saved reads allows it.
// The caller holds the mutex.
func (s *Service[T]) startLoad() {
	if !s.memory.loading && s.mayLoad() {
		s.memory.loading = true
		go s.load()
	}
}

// mayLoad reports whether there are rows to load, enough credit to load them, and no pause in effect. The table is
// loaded in one pass per epoch; rows missed because of concurrent edits are read when they are picked. The caller
// holds the mutex.
func (s *Service[T]) mayLoad() bool {
	m, x := &s.memory, s.current.Load()
	return m.missing > 0 && m.next < len(x.slots) && s.now() >= m.resume && s.credit.Load() >= int64(min(m.missing, pageSize))
}

// load loads pages until no rows are left or the credit is used up.
func (s *Service[T]) load() {
	for {
		ids, edited, begin := s.beginPage()
		if len(ids) == 0 {
			return
		}
		items, err := s.readAhead(ids)
		if err == nil {
			s.cacheRows(edited, newPage(items, begin)...)
		}
		s.endRead(edited)
		if err != nil || s.now()-begin >= renewAge {
			s.pauseLoads()
		}
	}
}

// beginPage returns the ids of the rows to load next, and deducts their number from the credit. If no rows are left to
// load, beginPage ends the load.
func (s *Service[T]) beginPage() (ids []int64, edited int64, begin time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, x := &s.memory, s.current.Load()
	if s.mayLoad() {
		for ; m.next < len(x.slots) && len(ids) < pageSize; m.next++ {
			if !x.current(x.slots[m.next].Load()) {
				ids = append(ids, x.ids[m.next])
			}
		}
	}
	if len(ids) == 0 {
		m.loading = false
		return nil, 0, 0
	}
	m.loaded = true
	s.credit.Add(-int64(len(ids)))
	return ids, s.edits.begun(), s.now()
}

// readAhead reads rows in the background. It recovers from panics, which would otherwise crash the process.
func (s *Service[T]) readAhead(ids []int64) (items []T, err error) {
	defer recoverAsError(&err)
	ctx, cancel := context.WithTimeout(s.life, slowTimeout)
	defer cancel()
	return s.store.GetMany(ctx, ids)
}

func (s *Service[T]) pauseLoads() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pauseLonger()
}

// pauseLonger pauses loading for twice as long as the previous pause. The caller holds the mutex.
func (s *Service[T]) pauseLonger() {
	m := &s.memory
	m.pause = min(max(2*m.pause, renewAge), maxPause)
	m.resume = s.now() + m.pause
}

// judgeLoad evaluates the load of the epoch that is ending: a load that didn't finish was wasted, so the next pause
// is longer. The caller holds the mutex.
func (s *Service[T]) judgeLoad() {
	m := &s.memory
	switch {
	case m.loaded && m.missing > 0:
		s.pauseLonger()
	case m.loaded:
		m.pause = 0
	}
}
