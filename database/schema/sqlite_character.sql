-- Heroes and villains in SQLite. AUTOINCREMENT records the highest id ever given, so that no id is reused.
CREATE TABLE {table} (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    level     INTEGER NOT NULL,
    name      TEXT NOT NULL,
    otherName TEXT,
    picture   TEXT,
    powers    TEXT
);
