package catalog

// Merge is merge, for tests with an item of the other packages.
func Merge[T Item](item T, patch []byte) (T, error) { return merge(item, patch) }
