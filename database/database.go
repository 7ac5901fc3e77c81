// Package database holds what a fresh database is filled with: the shipped
// roster of heroes, villains and locations, embedded in the binary so that a
// service needs no file beside it.
//
// A roster is JSON lines: one object a line, UTF-8, ids counting from 1 in the
// order of the lines, every field present. The levels of heroes and villains are
// spread alike, so that a fight between two random picks is open.
package database

import _ "embed"

//go:embed roster/heroes.jsonl
var heroes []byte

//go:embed roster/villains.jsonl
var villains []byte

//go:embed roster/locations.jsonl
var locations []byte

// Heroes returns the heroes as JSON lines with the fields id, name, otherName,
// level, picture and powers. The bytes are shared: callers must not modify them.
func Heroes() []byte { return heroes }

// Villains returns the villains as JSON lines, with the fields of a hero. The
// bytes are shared: callers must not modify them.
func Villains() []byte { return villains }

// Locations returns the locations as JSON lines with the fields id, name,
// description, picture and type. The bytes are shared: callers must not modify
// them.
func Locations() []byte { return locations }
