-- name: notify_secrets
SELECT secret, made_at FROM notify_secret WHERE retired_at IS NULL ORDER BY made_at DESC

-- name: add_notify_secret
INSERT INTO notify_secret (secret, made_at) VALUES (:secret, :now)

-- name: retire_notify_secrets
UPDATE notify_secret SET retired_at = :now WHERE retired_at IS NULL AND secret <> :current
