-- Fights in the embedded store: an ordinary rowid table whose keys rise with time, so that a write touches the last
-- page only. The document is the answer that the client got, byte for byte.
CREATE TABLE IF NOT EXISTS fight (
    number   INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    document BLOB NOT NULL
);
