package catalog

// Matches reports whether a list filtered by part has a row with the name.
func Matches(name, part string) bool { return matches(name, fold(part)) }

// EditsKept returns how many edits and operations in progress the service remembers.
func (s *Service[T]) EditsKept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.edits.list) + len(s.edits.open)
}
