-- name: next_touched
SELECT taken_at FROM touched WHERE account = :account AND feed = :feed AND taken_at > :after
 ORDER BY taken_at LIMIT :most

-- name: anything_touched
SELECT 1 AS found FROM touched WHERE account = :account LIMIT 1

-- name: forget_touched
DELETE FROM touched
 WHERE account = :account AND feed = :feed AND taken_at BETWEEN :start AND :end

-- name: touch_everything
INSERT INTO touched (account, feed, taken_at)
SELECT DISTINCT account, feed, taken_at FROM raw_group WHERE account = :account
    ON CONFLICT (account, feed, taken_at) DO NOTHING

-- name: touch_between
INSERT INTO touched (account, feed, taken_at)
SELECT DISTINCT account, feed, taken_at FROM raw_group
 WHERE account = :account AND feed = :feed AND taken_at BETWEEN :start AND :end
    ON CONFLICT (account, feed, taken_at) DO NOTHING
