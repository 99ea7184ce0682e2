-- name: service_pause
SELECT until, steps, reason FROM service_pause WHERE name = :name

-- name: set_service_pause
INSERT INTO service_pause (name, until, steps, reason) VALUES (:name, :until, :steps, :reason)
    ON CONFLICT (name) DO UPDATE
   SET until = CASE WHEN service_pause.until > excluded.until
                    THEN service_pause.until ELSE excluded.until END,
       steps = excluded.steps, reason = excluded.reason

-- name: end_service_pause
DELETE FROM service_pause WHERE name = :name
