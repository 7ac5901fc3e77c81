-- Locations in SQLite.
CREATE TABLE {table} (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    description TEXT,
    name        TEXT NOT NULL UNIQUE,
    picture     TEXT,
    type        TEXT NOT NULL CHECK (type IN ('CITY', 'PLANET', 'PLACE', 'ISLAND', 'COUNTRY', 'MOON'))
);
