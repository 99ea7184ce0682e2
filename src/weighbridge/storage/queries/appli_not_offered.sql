-- name: add_appli_not_offered
INSERT INTO appli_not_offered (account, appli, since) VALUES (:account, :appli, :now)
    ON CONFLICT (account, appli) DO UPDATE SET since = excluded.since

-- name: applis_not_offered
SELECT appli FROM appli_not_offered WHERE account = :account AND since > :after

-- name: forget_applis_not_offered
DELETE FROM appli_not_offered WHERE account = :account
