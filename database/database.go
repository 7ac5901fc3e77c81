// Package database contains the initial content of a new database: the schemas for the SQL engines and the rosters of
// heroes, villains and locations. Schemas and rosters are embedded in the binary, so that a service needs no
// other files. The package doesn't depend on any other package of this repository.
//
// A roster is a file of JSON lines in UTF-8: one object per line, with consecutive ids from 1 and all fields present.
// The levels of heroes and villains have similar distributions, so that either side can win a fight between two random
// picks.
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

// Villains returns the villains as JSON lines with the same fields as heroes. The bytes are shared: callers must not
// modify them.
func Villains() []byte { return villains }

// Locations returns the locations as JSON lines with the fields id, name,
// description, picture and type. The bytes are shared: callers must not modify
// them.
func Locations() []byte { return locations }

// These are the schemas for the SQL engines. {table} is a placeholder for the table's name.
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
