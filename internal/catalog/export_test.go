package catalog

// Merge is merge, for tests with an item of the other packages.
func Merge[T Item](item T, patch []byte) (T, error) { return merge(item, patch) }

// EditsKept returns how many edits the picker remembers.
func (p *Picker[T]) EditsKept() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.edits.list) + len(p.edits.open)
}
