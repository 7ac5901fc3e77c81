//go:build !race

package rawio

func sent()            {}
func received(uintptr) {}
