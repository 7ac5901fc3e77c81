// Package database holds the initial content of a new database: the schemas of the SQL engines and the roster of
// heroes, villains and locations, embedded in the binary so that a service needs no other files. It knows none of the
// packages that use them.
//
// A roster is JSON lines: one object per line, UTF-8, ids counting up from 1, every field present. The levels of heroes
// and villains are distributed alike, so that a fight between two random picks could go either way.
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

// The tables of each SQL engine. {table} is a placeholder for the table's name.
var (
	//go:embed schema/postgresql.sql
	PostgreSQL string
	//go:embed schema/mysql.sql
	MySQL string
	//go:embed schema/sqlite_character.sql
	SQLiteCharacter string
	//go:embed schema/sqlite_location.sql
	SQLiteLocation string
	//go:embed schema/sqlite_fight.sql
	SQLiteFight string
	//go:embed schema/sqlite_statistics.sql
	SQLiteStatistics string
)
