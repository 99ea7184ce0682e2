-- name: add_older_reading
INSERT INTO older_reading (route, reading_id) VALUES (:route, :reading_id)
    ON CONFLICT (route, reading_id) DO NOTHING

-- name: forget_older_reading
DELETE FROM older_reading WHERE route = :route AND reading_id = :reading_id

-- name: forget_older_readings
DELETE FROM older_reading WHERE route = :route
