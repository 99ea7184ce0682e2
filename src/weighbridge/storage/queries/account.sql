-- name: account_of
SELECT id, person, source, userid, connected_at, checked_at, trouble, trouble_at
  FROM account WHERE person = :person

-- name: account_by_userid
SELECT id, person, userid FROM account WHERE source = :source AND userid = :userid

-- name: add_account
INSERT INTO account (person, source, userid, connected_at)
VALUES (:person, :source, :userid, :now)

-- name: note_checked
UPDATE account SET checked_at = :now, trouble = NULL, trouble_at = NULL WHERE id = :account

-- name: note_account_trouble
UPDATE account SET trouble = :trouble, trouble_at = coalesce(trouble_at, :now) WHERE id = :account

-- name: keep_battery
UPDATE account SET battery = :battery, battery_at = :now WHERE id = :account

-- name: battery_of
SELECT battery, battery_at FROM account WHERE id = :account
