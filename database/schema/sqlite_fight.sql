-- Fights in SQLite: an ordinary rowid table whose keys increase with time, so that a write only touches the last
-- page. The document is the response body, byte for byte.
CREATE TABLE IF NOT EXISTS fight (
    number   INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    document BLOB NOT NULL
);
