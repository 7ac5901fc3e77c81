// Package procgroup ends a command together with all that it started.
package procgroup
