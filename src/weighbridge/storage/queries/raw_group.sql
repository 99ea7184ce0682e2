-- name: store_group
INSERT INTO raw_group (account, feed, group_id, taken_at, zone, category, raw)
VALUES (:account, :feed, :group_id, :taken_at, :zone, :category, :raw)
    ON CONFLICT (account, feed, group_id) DO UPDATE
   SET taken_at = excluded.taken_at, zone = excluded.zone, category = excluded.category,
       raw = excluded.raw, gone_at = NULL
 WHERE raw_group.raw <> excluded.raw OR raw_group.gone_at IS NOT NULL

-- name: ids_between
SELECT group_id FROM raw_group
 WHERE account = :account AND feed = :feed AND taken_at BETWEEN :start AND :end AND gone_at IS NULL

-- name: mark_gone
UPDATE raw_group SET gone_at = :now
 WHERE account = :account AND feed = :feed AND group_id = :group_id AND gone_at IS NULL

-- name: groups_between
SELECT group_id, taken_at, zone, raw FROM raw_group
 WHERE account = :account AND feed = :feed AND taken_at BETWEEN :start AND :end AND gone_at IS NULL
 ORDER BY taken_at, group_id

-- name: groups_at
SELECT group_id, taken_at, zone, raw FROM raw_group
 WHERE account = :account AND feed = :feed AND taken_at IN (:instants) AND gone_at IS NULL
 ORDER BY taken_at, group_id

-- name: touched_groups
SELECT g.group_id, g.taken_at, g.zone, g.raw FROM raw_group AS g
 WHERE g.account = :account AND g.feed = :feed AND g.gone_at IS NULL
   AND g.taken_at IN (SELECT t.taken_at FROM touched AS t
                       WHERE t.account = :account AND t.feed = :feed
                         AND t.taken_at BETWEEN :start AND :end)
 ORDER BY g.taken_at, g.group_id

-- name: instants_before
SELECT DISTINCT taken_at FROM raw_group
 WHERE account = :account AND feed = :feed AND taken_at < :before AND gone_at IS NULL
 ORDER BY taken_at DESC LIMIT :most

-- name: instants_from
SELECT DISTINCT taken_at FROM raw_group
 WHERE account = :account AND feed = :feed AND taken_at > :after AND taken_at <= :end AND gone_at IS NULL
 ORDER BY taken_at LIMIT :most

-- name: goal_groups
-- "category <> 1" beside "category = 2" is what lets SQLite use the partial index.
SELECT raw, zone FROM raw_group
 WHERE account = :account AND category <> 1 AND category = 2 AND gone_at IS NULL
 ORDER BY taken_at, group_id
