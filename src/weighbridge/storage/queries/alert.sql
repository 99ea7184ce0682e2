-- name: alerts
SELECT name, since, told_at, reason, well_at FROM alert ORDER BY name

-- name: keep_alert
INSERT INTO alert (name, since, told_at, reason, well_at)
VALUES (:name, :since, :told_at, :reason, :well_at)
    ON CONFLICT (name) DO UPDATE
   SET since = excluded.since, told_at = excluded.told_at, reason = excluded.reason,
       well_at = excluded.well_at

-- name: forget_alert
DELETE FROM alert WHERE name = :name

-- name: count_open_alerts
SELECT count(*) AS number FROM alert WHERE told_at IS NOT NULL
