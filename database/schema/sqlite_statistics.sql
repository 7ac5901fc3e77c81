-- Statistics in SQLite, in the same file as the fights, so that totals and progress change in one transaction.
-- counted is the number of the last fight in the totals; since is in Unix milliseconds.
CREATE TABLE IF NOT EXISTS statistics (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    counted     INTEGER NOT NULL DEFAULT 0,
    version     INTEGER NOT NULL DEFAULT 0,
    corrections INTEGER NOT NULL DEFAULT 0,
    total       INTEGER NOT NULL DEFAULT 0,
    heroes      INTEGER NOT NULL DEFAULT 0,
    villains    INTEGER NOT NULL DEFAULT 0,
    since       INTEGER
);
CREATE TABLE IF NOT EXISTS statistics_winner (
    name TEXT NOT NULL,
    team TEXT NOT NULL,
    wins INTEGER NOT NULL,
    PRIMARY KEY (name, team)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS statistics_winner_order ON statistics_winner (wins DESC, name, team);
CREATE TABLE IF NOT EXISTS statistics_place (
    name   TEXT NOT NULL PRIMARY KEY,
    fights INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS statistics_place_order ON statistics_place (fights DESC, name);
INSERT OR IGNORE INTO statistics (one) VALUES (1);
