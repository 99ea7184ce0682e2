-- name: store_group
INSERT INTO measure_group (account, group_id, taken_at, zone, category, raw)
VALUES (:account, :group_id, :taken_at, :zone, :category, :raw)
    ON CONFLICT (account, group_id) DO UPDATE
   SET taken_at = excluded.taken_at, zone = excluded.zone, category = excluded.category,
       raw = excluded.raw, gone_at = NULL
 WHERE measure_group.raw <> excluded.raw OR measure_group.gone_at IS NOT NULL

-- name: ids_between
SELECT group_id FROM measure_group
 WHERE account = :account AND taken_at BETWEEN :start AND :end AND gone_at IS NULL

-- name: mark_gone
UPDATE measure_group SET gone_at = :now
 WHERE account = :account AND group_id = :group_id AND gone_at IS NULL

-- name: groups_between
SELECT group_id, taken_at, zone, raw FROM measure_group
 WHERE account = :account AND taken_at BETWEEN :start AND :end AND gone_at IS NULL
 ORDER BY taken_at, group_id

-- name: instants_before
SELECT DISTINCT taken_at FROM measure_group
 WHERE account = :account AND taken_at < :before AND gone_at IS NULL
 ORDER BY taken_at DESC LIMIT :most

-- name: instants_from
SELECT DISTINCT taken_at FROM measure_group
 WHERE account = :account AND taken_at > :after AND taken_at <= :end AND gone_at IS NULL
 ORDER BY taken_at LIMIT :most

-- name: goal_groups
-- "category <> 1" beside "category = 2" is what lets SQLite use the partial index.
SELECT raw, zone FROM measure_group
 WHERE account = :account AND category <> 1 AND category = 2 AND gone_at IS NULL
 ORDER BY taken_at, group_id
