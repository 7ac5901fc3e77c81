-- Heroes and villains in SQLite. AUTOINCREMENT records the highest id ever assigned, so that ids are never reused.
CREATE TABLE {table} (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    level     INTEGER NOT NULL,
    name      TEXT NOT NULL,
    otherName TEXT,
    picture   TEXT,
    powers    TEXT
);
