package catalog

// EditsKept returns how many edits and operations in progress the picker remembers.
func (p *Picker[T]) EditsKept() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.edits.list) + len(p.edits.open)
}
