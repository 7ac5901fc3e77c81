// Package procgroup terminates a command together with all processes that it has started. It doesn't depend on other
// packages of this module.
package procgroup
