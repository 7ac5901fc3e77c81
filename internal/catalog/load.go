package catalog

import (
	"context"
	"time"
)

// maxPause is the longest pause between loads, after loads that were wasted.
const maxPause = 30 * time.Second

// startLoad starts loading rows that nobody has picked in this epoch, if there is credit for it. The caller holds the
// mutex.
func (p *Picker[T]) startLoad() {
	if !p.memory.loading && p.mayLoad() {
		p.memory.loading = true
		go p.load()
	}
}

// mayLoad reports whether there are rows to load, credit for them, and no pause. Each epoch makes one pass over the
// table; rows it misses because of concurrent edits are left to picks. The caller holds the mutex.
func (p *Picker[T]) mayLoad() bool {
	m, x := &p.memory, p.current.Load()
	return m.missing > 0 && m.next < len(x.slots) && p.now() >= m.resume && p.credit.covers(min(m.missing, pageSize))
}

// load loads page after page.
func (p *Picker[T]) load() {
	for {
		ids, edited, begin := p.beginPage()
		if len(ids) == 0 {
			return
		}
		items, err := p.page(ids)
		if err == nil {
			p.cacheRows(edited, newPage(items, begin)...)
		}
		p.endRead(edited)
		if err != nil || p.now()-begin >= renewAge {
			p.pauseLoads()
		}
	}
}

// beginPage returns the ids of the rows to load next, and spends credit for them. Without any, the load is over.
func (p *Picker[T]) beginPage() (ids []int64, edited int64, begin time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, x := &p.memory, p.current.Load()
	if p.mayLoad() {
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
	p.credit.pay(len(ids))
	return ids, p.edits.begun(), p.now()
}

// page reads rows in the background. It recovers from panics, which would otherwise crash the process.
func (p *Picker[T]) page(ids []int64) (items []T, err error) {
	defer recoverAsError(&err)
	ctx, cancel := context.WithTimeout(p.life, slowTimeout)
	defer cancel()
	return p.store.GetMany(ctx, ids)
}

func (p *Picker[T]) pauseLoads() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pauseLonger()
}

// pauseLonger pauses loading for twice as long as last time. The caller holds the mutex.
func (p *Picker[T]) pauseLonger() {
	m := &p.memory
	m.pause = min(max(2*m.pause, renewAge), maxPause)
	m.resume = p.now() + m.pause
}

// judgeLoad evaluates the load of the epoch that is ending. A load that didn't finish was wasted. The caller holds the
// mutex.
func (p *Picker[T]) judgeLoad() {
	m := &p.memory
	switch {
	case m.loaded && m.missing > 0:
		p.pauseLonger()
	case m.loaded:
		m.pause = 0
	}
}
