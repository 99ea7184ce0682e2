-- What we know, what is owed, and who may ask: one database, so that one transaction can span them.
--
-- Columns named trouble, reason (of a pause), login_needed and answer hold a code and its values as
-- JSON, never a sentence: {"code": "garmin.unavailable", "values": {"status": 503}}. The words are
-- looked up when they are shown. ``decision`` is the word of the problem's class ("login", "later").

CREATE TABLE account (
    id           INTEGER PRIMARY KEY,
    person       TEXT    NOT NULL UNIQUE,
    source       TEXT    NOT NULL DEFAULT 'withings',
    userid       TEXT    NOT NULL,
    connected_at REAL    NOT NULL,
    checked_at   REAL,
    trouble      TEXT,
    trouble_at   REAL,
    battery      TEXT,
    battery_at   REAL,
    UNIQUE (source, userid)
);

-- How far each feed of a source has been read: the time of the newest change that is stored.
CREATE TABLE cursor (
    account    INTEGER NOT NULL REFERENCES account (id),
    feed       TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account, feed)
) WITHOUT ROWID;

-- What a source sent, exactly as it was sent. A feed is what is read with one cursor.
CREATE TABLE raw_group (
    account    INTEGER NOT NULL REFERENCES account (id),
    feed       TEXT    NOT NULL,
    group_id   INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    zone       TEXT,
    category   INTEGER NOT NULL DEFAULT 1,
    gone_at    REAL,
    raw        TEXT    NOT NULL,
    -- The account does not come first: without statistics SQLite would rather read all groups of
    -- an account by this key than those of some instants by their index.
    PRIMARY KEY (group_id, account, feed)
) WITHOUT ROWID;

CREATE INDEX raw_group_taken ON raw_group (account, feed, taken_at);
-- What is no measure (category 1) is a goal, and there are few of them.
CREATE INDEX raw_group_goal ON raw_group (account, taken_at) WHERE category <> 1;

CREATE TABLE raw_group_past (
    account     INTEGER NOT NULL,
    feed        TEXT    NOT NULL,
    group_id    INTEGER NOT NULL,
    replaced_at REAL    NOT NULL,
    raw         TEXT    NOT NULL
);

CREATE TABLE odd_group (
    account     INTEGER NOT NULL REFERENCES account (id),
    feed        TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    reason      TEXT    NOT NULL,
    raw         TEXT    NOT NULL,
    seen_at     REAL    NOT NULL,
    PRIMARY KEY (account, feed, fingerprint)
);

-- Each value of each reading by type and time: derived, so that the newest value, the one before and
-- the history of a type are found without reading groups. position -1: the whole body.
CREATE TABLE point (
    account    INTEGER NOT NULL,
    type_code  INTEGER NOT NULL,
    position   INTEGER NOT NULL,
    taken_at   INTEGER NOT NULL,
    reading_id TEXT    NOT NULL,
    mantissa   INTEGER NOT NULL,
    exponent   INTEGER NOT NULL,
    doubtful   INTEGER NOT NULL,
    PRIMARY KEY (account, type_code, position, taken_at, reading_id)
) WITHOUT ROWID;

CREATE INDEX point_taken ON point (account, taken_at);

-- The instants at which the records of a feed must be planned again. Marked in the transaction that
-- stores the groups, taken away in the one that plans: a crash between the two forgets nothing.
-- The triggers say DO NOTHING, because the policy of the statement that fires them would override
-- an OR IGNORE (an upsert would then fail on an instant that is touched already).
CREATE TABLE touched (
    account  INTEGER NOT NULL,
    feed     TEXT    NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (account, feed, taken_at)
) WITHOUT ROWID;

CREATE TRIGGER raw_group_new AFTER INSERT ON raw_group BEGIN
    INSERT INTO touched VALUES (NEW.account, NEW.feed, NEW.taken_at)
        ON CONFLICT (account, feed, taken_at) DO NOTHING;
END;

-- unixepoch() knows fractions from SQLite 3.42 on, so the seconds are counted from the Julian day.
CREATE TRIGGER raw_group_changed AFTER UPDATE ON raw_group BEGIN
    INSERT INTO raw_group_past
    SELECT OLD.account, OLD.feed, OLD.group_id,
           (julianday('now') - 2440587.5) * 86400.0, OLD.raw
     WHERE OLD.raw <> NEW.raw;
    INSERT INTO touched
    VALUES (OLD.account, OLD.feed, OLD.taken_at), (NEW.account, NEW.feed, NEW.taken_at)
        ON CONFLICT (account, feed, taken_at) DO NOTHING;
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
    decision     TEXT,
    trouble_at   REAL,
    UNIQUE (person, target)
);

-- Readings from before the first day of a route: each is counted once in ``route.older``.
CREATE TABLE older_reading (
    route      INTEGER NOT NULL REFERENCES route (id),
    reading_id TEXT    NOT NULL,
    PRIMARY KEY (route, reading_id)
) WITHOUT ROWID;

CREATE TABLE delivery (
    id         INTEGER PRIMARY KEY,
    route      INTEGER NOT NULL REFERENCES route (id),
    kind       TEXT    NOT NULL,
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
-- Few, and looked for among many.
CREATE INDEX delivery_set_aside ON delivery (route, state, taken_at)
 WHERE state IN ('superseded', 'skipped');
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

CREATE TABLE service_pause (
    name   TEXT PRIMARY KEY,
    until  REAL    NOT NULL,
    steps  INTEGER NOT NULL DEFAULT 0,
    reason TEXT    NOT NULL DEFAULT ''
);

-- The calls to Withings in the last minute: it counts those of all people together.
CREATE TABLE withings_call (
    at REAL NOT NULL
);

-- What Withings told us to look at. Stored before it is answered, settled when it was looked at.
CREATE TABLE notification (
    id          INTEGER PRIMARY KEY,
    account     INTEGER NOT NULL REFERENCES account (id),
    appli       INTEGER NOT NULL,
    first_at    INTEGER,
    last_at     INTEGER,
    action      TEXT,
    received_at REAL    NOT NULL,
    done_at     REAL
);

CREATE INDEX notification_open ON notification (account) WHERE done_at IS NULL;
CREATE INDEX notification_window ON notification (account, last_at);

-- What we made ourselves and must stay the same, for instance the name of this installation.
CREATE TABLE instance_value (
    name    TEXT PRIMARY KEY,
    value   TEXT NOT NULL,
    made_at REAL NOT NULL
);

-- The secret part of the address that Withings notifies. Older ones are accepted until retired.
CREATE TABLE notify_secret (
    secret     TEXT PRIMARY KEY,
    made_at    REAL NOT NULL,
    retired_at REAL
);

-- Every address that we ever had notified: nobody else's subscription is ever touched.
CREATE TABLE known_callback (
    url           TEXT PRIMARY KEY,
    first_used_at REAL NOT NULL
);

-- How the subscriptions of an account stand. ``listed_at``: when all of them were last in order under
-- ``callback``. ``steps``: failures in a row.
CREATE TABLE subscription_state (
    account     INTEGER PRIMARY KEY REFERENCES account (id),
    callback    TEXT,
    listed_at   REAL,
    trouble     TEXT,
    trouble_at  REAL,
    next_try_at REAL    NOT NULL DEFAULT 0,
    steps       INTEGER NOT NULL DEFAULT 0
);

-- Readings that a poll found although notifications were in order, and none had told of them.
CREATE TABLE missed_notification (
    account  INTEGER NOT NULL REFERENCES account (id),
    taken_at INTEGER NOT NULL,
    found_at REAL    NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, taken_at)
);

-- Subjects that Withings does not offer to the application: asked for again now and then only.
CREATE TABLE appli_not_offered (
    account INTEGER NOT NULL REFERENCES account (id),
    appli   INTEGER NOT NULL,
    since   REAL    NOT NULL,
    PRIMARY KEY (account, appli)
);

-- The alerts that were sent: each problem is reported once, and once more when it is over.
CREATE TABLE alert (
    name    TEXT PRIMARY KEY,
    since   REAL NOT NULL,
    reported_at REAL,
    reason  TEXT NOT NULL,
    over_since REAL
);

-- What is still to be sent, once for each channel. Written in the transaction that changes the
-- alert, taken away when the channel has accepted it.
CREATE TABLE alert_message (
    id      INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    made_at REAL    NOT NULL
);

-- Links by which a person sees what is about him- or herself. Only the hash of the secret is kept.
CREATE TABLE person_link (
    hash       TEXT PRIMARY KEY,
    person     TEXT NOT NULL,
    made_at    REAL NOT NULL,
    used_at    REAL,
    revoked_at REAL
);

CREATE INDEX person_link_person ON person_link (person) WHERE revoked_at IS NULL;

-- The weight that a person wants to reach, as Withings answered when last asked. NULL: no goal.
CREATE TABLE weight_goal (
    account  INTEGER PRIMARY KEY REFERENCES account (id),
    mantissa INTEGER,
    exponent INTEGER,
    asked_at REAL NOT NULL
);
