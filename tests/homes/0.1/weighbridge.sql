PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE acceptance (
    person      TEXT NOT NULL,
    reading_id  TEXT NOT NULL,
    accepted_at REAL NOT NULL,
    PRIMARY KEY (person, reading_id)
);
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
INSERT INTO "account" VALUES(1,'anna','withings','30000001',1.79607179262119817731e+09,1.79607179327622962002e+09,NULL,NULL,NULL,NULL);
CREATE TABLE alert (
    name    TEXT PRIMARY KEY,
    since   REAL NOT NULL,
    reported_at REAL,
    reason  TEXT NOT NULL,
    over_since REAL
);
CREATE TABLE alert_message (
    id      INTEGER PRIMARY KEY,
    channel INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    made_at REAL    NOT NULL
);
CREATE TABLE appli_not_offered (
    account INTEGER NOT NULL REFERENCES account (id),
    appli   INTEGER NOT NULL,
    since   REAL    NOT NULL,
    PRIMARY KEY (account, appli)
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
INSERT INTO "credential" VALUES('anna','withings','30000001','{"userid":"30000001","access_token":"926d6aa9f2923dbbfa9b912cb2297c5715f93781","refresh_token":"05636153bcad22f433f21ef37b1e93f4bdb697e4","expires_at":1796082592,"scope":"user.info,user.metrics,user.activity","issued_at":1796071792}',NULL,1.79607179262128090861e+09,NULL);
CREATE TABLE cursor (
    account    INTEGER NOT NULL REFERENCES account (id),
    feed       TEXT    NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (account, feed)
) WITHOUT ROWID;
INSERT INTO "cursor" VALUES(1,'measures',1750345630);
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
INSERT INTO "delivery" VALUES(1,1,'body','20250615T150640Z-901e31',1750000000,0,'203b93c1b6650f88','delivered',1750000030.0,0.0,1,1.79607179343090271952e+09,1.79607179343905425071e+09,1.79607179348556900023e+09,NULL,'20250615T150640Z-901e31',NULL);
INSERT INTO "delivery" VALUES(2,1,'blood_pressure','20250615T151640Z-5e3392',1750000600,0,'05902e7091e57fbe','delivered',1750000630.0,0.0,1,1.79607179343090271952e+09,1.79607179343905425071e+09,1.79607179348556900023e+09,NULL,'20250615T151640Z-5e3392',NULL);
INSERT INTO "delivery" VALUES(3,1,'body','20250616T150640Z-be638d',1750086400,0,'a331f96034c8939d','delivered',1750086430.0,0.0,1,1.79607179343090271952e+09,1.79607179343905425071e+09,1.79607179348556900023e+09,NULL,'20250616T150640Z-be638d',NULL);
INSERT INTO "delivery" VALUES(4,1,'body','20250617T150640Z-a384de',1750172800,0,'79e76f6475e3bc76','delivered',1750172830.0,0.0,1,1.79607179343090271952e+09,1.79607179343905425071e+09,1.79607179348556900023e+09,NULL,'20250617T150640Z-a384de',NULL);
INSERT INTO "delivery" VALUES(5,1,'body','20250618T150640Z-a6049c',1750259200,0,'51c9d1fcb0b983e0','delivered',1750259230.0,0.0,1,1.79607179343090271952e+09,1.79607179343905425071e+09,1.79607179348556900023e+09,NULL,'20250618T150640Z-a6049c',NULL);
INSERT INTO "delivery" VALUES(6,1,'body','20250619T150640Z-8ffdaf',1750345600,0,'924e7048455b9a18','delivered',1750345630.0,0.0,1,1.79607179343090271952e+09,1.79607179343905425071e+09,1.79607179348556900023e+09,NULL,'20250619T150640Z-8ffdaf',NULL);
CREATE TABLE instance_value (
    name    TEXT PRIMARY KEY,
    value   TEXT NOT NULL,
    made_at REAL NOT NULL
);
CREATE TABLE known_callback (
    url           TEXT PRIMARY KEY,
    first_used_at REAL NOT NULL
);
CREATE TABLE lease (
    name       TEXT PRIMARY KEY,
    holder     TEXT NOT NULL,
    expires_at REAL NOT NULL
);
CREATE TABLE missed_notification (
    account  INTEGER NOT NULL REFERENCES account (id),
    taken_at INTEGER NOT NULL,
    found_at REAL    NOT NULL,
    reported INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, taken_at)
);
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
CREATE TABLE notify_secret (
    secret     TEXT PRIMARY KEY,
    made_at    REAL NOT NULL,
    retired_at REAL
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
CREATE TABLE older_reading (
    route      INTEGER NOT NULL REFERENCES route (id),
    reading_id TEXT    NOT NULL,
    PRIMARY KEY (route, reading_id)
) WITHOUT ROWID;
CREATE TABLE person_link (
    hash       TEXT PRIMARY KEY,
    person     TEXT NOT NULL,
    made_at    REAL NOT NULL,
    used_at    REAL,
    revoked_at REAL
);
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
INSERT INTO "point" VALUES(1,1,-1,1750000000,'20250615T150640Z-901e31',70250,-3,0);
INSERT INTO "point" VALUES(1,1,-1,1750086400,'20250616T150640Z-be638d',71250,-3,0);
INSERT INTO "point" VALUES(1,1,-1,1750172800,'20250617T150640Z-a384de',72250,-3,0);
INSERT INTO "point" VALUES(1,1,-1,1750259200,'20250618T150640Z-a6049c',73250,-3,0);
INSERT INTO "point" VALUES(1,1,-1,1750345600,'20250619T150640Z-8ffdaf',74250,-3,0);
INSERT INTO "point" VALUES(1,9,-1,1750000600,'20250615T151640Z-5e3392',80,0,0);
INSERT INTO "point" VALUES(1,10,-1,1750000600,'20250615T151640Z-5e3392',128,0,0);
INSERT INTO "point" VALUES(1,11,-1,1750000600,'20250615T151640Z-5e3392',61,0,0);
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
INSERT INTO "raw_group" VALUES(1,'measures',1,1750000000,'Europe/Paris',1,NULL,'{"grpid":1,"attrib":0,"date":1750000000,"created":1750000030,"modified":1750000030,"category":1,"deviceid":"device-of-the-story","hash_deviceid":"device-of-the-story","model":"Body+","modelid":5,"comment":null,"measures":[{"type":1,"value":70250,"unit":-3}]}');
INSERT INTO "raw_group" VALUES(1,'measures',2,1750086400,'Europe/Paris',1,NULL,'{"grpid":2,"attrib":0,"date":1750086400,"created":1750086430,"modified":1750086430,"category":1,"deviceid":"device-of-the-story","hash_deviceid":"device-of-the-story","model":"Body+","modelid":5,"comment":null,"measures":[{"type":1,"value":71250,"unit":-3}]}');
INSERT INTO "raw_group" VALUES(1,'measures',3,1750172800,'Europe/Paris',1,NULL,'{"grpid":3,"attrib":0,"date":1750172800,"created":1750172830,"modified":1750172830,"category":1,"deviceid":"device-of-the-story","hash_deviceid":"device-of-the-story","model":"Body+","modelid":5,"comment":null,"measures":[{"type":1,"value":72250,"unit":-3}]}');
INSERT INTO "raw_group" VALUES(1,'measures',4,1750259200,'Europe/Paris',1,NULL,'{"grpid":4,"attrib":0,"date":1750259200,"created":1750259230,"modified":1750259230,"category":1,"deviceid":"device-of-the-story","hash_deviceid":"device-of-the-story","model":"Body+","modelid":5,"comment":null,"measures":[{"type":1,"value":73250,"unit":-3}]}');
INSERT INTO "raw_group" VALUES(1,'measures',5,1750345600,'Europe/Paris',1,NULL,'{"grpid":5,"attrib":0,"date":1750345600,"created":1750345630,"modified":1750345630,"category":1,"deviceid":"device-of-the-story","hash_deviceid":"device-of-the-story","model":"Body+","modelid":5,"comment":null,"measures":[{"type":1,"value":74250,"unit":-3}]}');
INSERT INTO "raw_group" VALUES(1,'measures',10,1750000600,'Europe/Paris',1,NULL,'{"grpid":10,"attrib":0,"date":1750000600,"created":1750000630,"modified":1750000630,"category":1,"deviceid":"cuff-of-the-story","hash_deviceid":"cuff-of-the-story","model":"Body+","modelid":5,"comment":null,"measures":[{"type":9,"value":80,"unit":0},{"type":10,"value":128,"unit":0},{"type":11,"value":61,"unit":0}]}');
CREATE TABLE raw_group_past (
    account     INTEGER NOT NULL,
    feed        TEXT    NOT NULL,
    group_id    INTEGER NOT NULL,
    replaced_at REAL    NOT NULL,
    raw         TEXT    NOT NULL
);
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
INSERT INTO "route" VALUES(1,'anna','file',1.79607179314342045779e+09,'aed723b13fef5f1a21ea1130',0,0.0,1.79607179343835377687e+09,1.79607179349176931384e+09,NULL,NULL,NULL);
CREATE TABLE service_pause (
    name   TEXT PRIMARY KEY,
    until  REAL    NOT NULL,
    steps  INTEGER NOT NULL DEFAULT 0,
    reason TEXT    NOT NULL DEFAULT ''
);
CREATE TABLE subscription_state (
    account     INTEGER PRIMARY KEY REFERENCES account (id),
    callback    TEXT,
    listed_at   REAL,
    trouble     TEXT,
    trouble_at  REAL,
    next_try_at REAL    NOT NULL DEFAULT 0,
    steps       INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE touched (
    account  INTEGER NOT NULL,
    feed     TEXT    NOT NULL,
    taken_at INTEGER NOT NULL,
    PRIMARY KEY (account, feed, taken_at)
) WITHOUT ROWID;
CREATE TABLE weight_goal (
    account  INTEGER PRIMARY KEY REFERENCES account (id),
    mantissa INTEGER,
    exponent INTEGER,
    asked_at REAL NOT NULL
);
CREATE TABLE withings_call (
    at REAL NOT NULL
);
INSERT INTO "withings_call" VALUES(1.7960717932628474235e+09);
CREATE INDEX raw_group_taken ON raw_group (account, feed, taken_at);
CREATE INDEX raw_group_goal ON raw_group (account, taken_at) WHERE category <> 1;
CREATE INDEX point_taken ON point (account, taken_at);
CREATE TRIGGER raw_group_new AFTER INSERT ON raw_group BEGIN
    INSERT INTO touched VALUES (NEW.account, NEW.feed, NEW.taken_at)
        ON CONFLICT (account, feed, taken_at) DO NOTHING;
END;
CREATE TRIGGER raw_group_changed AFTER UPDATE ON raw_group BEGIN
    INSERT INTO raw_group_past
    SELECT OLD.account, OLD.feed, OLD.group_id,
           (julianday('now') - 2440587.5) * 86400.0, OLD.raw
     WHERE OLD.raw <> NEW.raw;
    INSERT INTO touched
    VALUES (OLD.account, OLD.feed, OLD.taken_at), (NEW.account, NEW.feed, NEW.taken_at)
        ON CONFLICT (account, feed, taken_at) DO NOTHING;
END;
CREATE INDEX delivery_open ON delivery (route, state, taken_at)
 WHERE state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected');
CREATE INDEX delivery_set_aside ON delivery (route, state, taken_at)
 WHERE state IN ('superseded', 'skipped');
CREATE INDEX delivery_unseen ON delivery (route, taken_at) WHERE look_until IS NOT NULL;
CREATE INDEX notification_open ON notification (account) WHERE done_at IS NULL;
CREATE INDEX notification_window ON notification (account, last_at);
CREATE INDEX person_link_person ON person_link (person) WHERE revoked_at IS NULL;
COMMIT;
