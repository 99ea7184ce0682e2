-- What we know, what is owed, and who may ask: one database, so that one transaction can span them.

CREATE TABLE account (
    id           INTEGER PRIMARY KEY,
    person       TEXT    NOT NULL UNIQUE,
    userid       TEXT    NOT NULL UNIQUE,
    cursor       INTEGER NOT NULL DEFAULT 0,
    connected_at REAL    NOT NULL,
    checked_at   REAL,
    trouble      TEXT,
    trouble_at   REAL
);

CREATE TABLE measure_group (
    account    INTEGER NOT NULL REFERENCES account (id),
    group_id   INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    zone       TEXT,
    gone_at    REAL,
    raw        TEXT    NOT NULL,
    PRIMARY KEY (account, group_id)
) WITHOUT ROWID;

CREATE INDEX measure_group_taken ON measure_group (account, taken_at);

CREATE TABLE measure_group_past (
    account     INTEGER NOT NULL,
    group_id    INTEGER NOT NULL,
    replaced_at REAL    NOT NULL,
    raw         TEXT    NOT NULL
);

CREATE TABLE odd_group (
    account     INTEGER NOT NULL REFERENCES account (id),
    fingerprint TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    raw         TEXT    NOT NULL,
    seen_at     REAL    NOT NULL,
    PRIMARY KEY (account, fingerprint)
);

-- Heights are rare and BMI needs the newest of all time, so they are found without reading groups.
CREATE TABLE height (
    account  INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    mantissa INTEGER NOT NULL,
    exponent INTEGER NOT NULL,
    PRIMARY KEY (account, group_id)
);

-- The instants whose readings must be planned again. Marked in the transaction that stores the
-- groups, taken away in the one that plans: a crash between the two forgets nothing.
-- The triggers say DO NOTHING, because the policy of the statement that fires them would override
-- an OR IGNORE (an upsert would then fail on an instant that is touched already).
CREATE TABLE touched (
    account  INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (account, taken_at)
) WITHOUT ROWID;

CREATE TRIGGER measure_group_new AFTER INSERT ON measure_group BEGIN
    INSERT INTO touched VALUES (NEW.account, NEW.taken_at)
        ON CONFLICT (account, taken_at) DO NOTHING;
END;

-- unixepoch() knows fractions from SQLite 3.42 on, so the seconds are counted from the Julian day.
CREATE TRIGGER measure_group_changed AFTER UPDATE ON measure_group BEGIN
    INSERT INTO measure_group_past
    SELECT OLD.account, OLD.group_id, (julianday('now') - 2440587.5) * 86400.0, OLD.raw
     WHERE OLD.raw <> NEW.raw;
    INSERT INTO touched VALUES (OLD.account, OLD.taken_at), (NEW.account, NEW.taken_at)
        ON CONFLICT (account, taken_at) DO NOTHING;
END;

-- A route is one target of one person.
CREATE TABLE route (
    id           INTEGER PRIMARY KEY,
    person       TEXT    NOT NULL,
    target       TEXT    NOT NULL,
    connected_at REAL    NOT NULL,
    fingerprint  TEXT    NOT NULL DEFAULT '',
    older        INTEGER NOT NULL DEFAULT 0,
    pause_until  REAL    NOT NULL DEFAULT 0,
    attempted_at REAL,
    succeeded_at REAL,
    trouble      TEXT,
    trouble_kind TEXT,
    trouble_at   REAL,
    UNIQUE (person, target)
);

-- Readings from before the first day of a route: each is counted once in ``route.older``.
CREATE TABLE older (
    route      INTEGER NOT NULL REFERENCES route (id),
    reading_id TEXT    NOT NULL,
    PRIMARY KEY (route, reading_id)
) WITHOUT ROWID;

CREATE TABLE delivery (
    id         INTEGER PRIMARY KEY,
    route      INTEGER NOT NULL REFERENCES route (id),
    reading_id TEXT    NOT NULL,
    taken_at   INTEGER NOT NULL,
    ordinal    INTEGER NOT NULL,
    revision   TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    settles_at REAL    NOT NULL DEFAULT 0,
    not_before REAL    NOT NULL DEFAULT 0,
    attempts   INTEGER NOT NULL DEFAULT 0,
    planned_at REAL    NOT NULL,
    claimed_at REAL,
    done_at    REAL,
    look_until REAL,
    reference  TEXT,
    answer     TEXT,
    UNIQUE (route, taken_at, reading_id, ordinal)
);

-- Only what is still open: questions about it cost the same with a thousand or a million readings.
CREATE INDEX delivery_open ON delivery (route, state, taken_at)
 WHERE state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected');
CREATE INDEX delivery_unseen ON delivery (route, taken_at) WHERE look_until IS NOT NULL;

CREATE TABLE acceptance (
    person      TEXT NOT NULL,
    reading_id  TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    PRIMARY KEY (person, reading_id)
);

CREATE TABLE credential (
    person       TEXT NOT NULL,
    service      TEXT NOT NULL,
    account      TEXT NOT NULL,
    secret       TEXT NOT NULL,
    previous     TEXT,
    stored_at    REAL NOT NULL,
    login_needed TEXT,
    PRIMARY KEY (person, service)
);

CREATE TABLE lease (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires_at REAL NOT NULL
);

CREATE TABLE brake (
    name   TEXT PRIMARY KEY,
    until  REAL    NOT NULL,
    steps  INTEGER NOT NULL DEFAULT 0,
    reason TEXT    NOT NULL DEFAULT ''
);
