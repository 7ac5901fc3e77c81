// Package procgroup terminates a command together with all processes that it has started. The package doesn't depend
// on other packages of this module.
package procgroup
