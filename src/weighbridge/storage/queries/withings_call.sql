-- name: forget_withings_calls
DELETE FROM withings_call WHERE at <= :until OR at > :now

-- name: withings_calls
SELECT count(*) AS number, min(at) AS oldest FROM withings_call

-- name: add_withings_call
INSERT INTO withings_call (at) VALUES (:now)
