package database

import _ "embed"

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
