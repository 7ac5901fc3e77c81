// Package procgroup ends a command together with everything that it has started. It knows no other package of the
// program.
package procgroup
