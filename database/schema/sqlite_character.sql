-- Heroes and villains in the embedded store. AUTOINCREMENT keeps the highest id ever given, so that none comes twice.
CREATE TABLE {table} (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    level     INTEGER NOT NULL,
    name      TEXT NOT NULL,
    otherName TEXT,
    picture   TEXT,
    powers    TEXT
);
