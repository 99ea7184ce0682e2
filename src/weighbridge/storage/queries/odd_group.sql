-- name: store_odd_group
INSERT INTO odd_group (account, feed, fingerprint, reason, raw, seen_at)
VALUES (:account, :feed, :fingerprint, :reason, :raw, :now)
    ON CONFLICT (account, feed, fingerprint) DO NOTHING

-- name: count_odd_groups
SELECT count(*) AS number FROM odd_group WHERE account = :account

-- name: count_all_odd_groups
SELECT count(*) AS number FROM odd_group
