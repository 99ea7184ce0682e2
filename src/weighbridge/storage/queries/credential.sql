-- name: credential_of
SELECT account, secret, previous, stored_at, login_needed
  FROM credential WHERE person = :person AND service = :service

-- name: credential_by_account
SELECT person FROM credential WHERE account = :account AND person <> :person

-- name: store_credential
INSERT INTO credential (person, service, account, secret, stored_at)
VALUES (:person, :service, :account, :secret, :now)
    ON CONFLICT (person, service) DO UPDATE
   SET previous = credential.secret, account = excluded.account, secret = excluded.secret,
       stored_at = excluded.stored_at, login_needed = NULL

-- name: bind_credential
-- Only the account: the tokens may have been renewed by another process meanwhile.
UPDATE credential SET account = :account
 WHERE person = :person AND service = :service AND account = :unbound

-- name: mark_login_needed
UPDATE credential SET login_needed = :reason WHERE person = :person AND service = :service

-- name: forget_credential
DELETE FROM credential WHERE person = :person AND service = :service

-- name: withings_logins
SELECT c.person, c.login_needed IS NULL AS works, c.stored_at, a.trouble IS NOT NULL AS in_trouble
  FROM credential AS c LEFT JOIN account AS a ON a.person = c.person
 WHERE c.service = 'withings'
