-- name: instance_value
SELECT value FROM instance_value WHERE name = :name

-- name: add_instance_value
INSERT INTO instance_value (name, value, made_at) VALUES (:name, :value, :now)
