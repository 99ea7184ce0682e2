-- name: next_touched
SELECT taken_at FROM touched WHERE account = :account AND taken_at > :after
 ORDER BY taken_at LIMIT :most

-- name: forget_touched
DELETE FROM touched WHERE account = :account AND taken_at BETWEEN :start AND :end

-- name: touch_everything
INSERT INTO touched SELECT DISTINCT account, taken_at FROM measure_group WHERE account = :account
    ON CONFLICT (account, taken_at) DO NOTHING

-- name: touch_between
INSERT INTO touched
SELECT DISTINCT account, taken_at FROM measure_group
 WHERE account = :account AND taken_at BETWEEN :start AND :end
    ON CONFLICT (account, taken_at) DO NOTHING

-- name: touched_between
SELECT taken_at FROM touched
 WHERE account = :account AND taken_at BETWEEN :start AND :end ORDER BY taken_at
