-- name: alerts
SELECT name, since, reported_at, reason, over_since FROM alert ORDER BY name

-- name: keep_alert
INSERT INTO alert (name, since, reported_at, reason, over_since)
VALUES (:name, :since, :reported_at, :reason, :over_since)
    ON CONFLICT (name) DO UPDATE
   SET since = excluded.since, reported_at = excluded.reported_at, reason = excluded.reason,
       over_since = excluded.over_since

-- name: forget_alert
DELETE FROM alert WHERE name = :name

-- name: count_open_alerts
SELECT count(*) AS number FROM alert WHERE reported_at IS NOT NULL
