package catalog

// Matches reports whether a list that is filtered by a string includes an item with the given name.
func Matches(name, part string) bool { return matches(name, fold(part)) }

// EditsKept returns the number of edits and operations in progress that the service still tracks.
func (s *Service[T]) EditsKept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.edits.list) + len(s.edits.open)
}
