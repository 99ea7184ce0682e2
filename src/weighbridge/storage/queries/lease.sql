-- name: lease_of
SELECT holder, expires_at FROM lease WHERE name = :name

-- name: take_lease
-- Free or expired.
INSERT INTO lease (name, holder, expires_at) VALUES (:name, :holder, :expires_at)
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, expires_at = excluded.expires_at
 WHERE lease.expires_at <= :now

-- name: renew_lease
UPDATE lease SET expires_at = :expires_at WHERE name = :name AND holder = :holder

-- name: give_lease_back
DELETE FROM lease WHERE name = :name AND holder = :holder

-- name: give_all_leases_back
DELETE FROM lease WHERE holder = :holder
