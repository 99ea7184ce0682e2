-- name: account_of
SELECT id, person, userid, cursor, connected_at, checked_at, trouble, trouble_at
  FROM account WHERE person = :person

-- name: account_by_userid
SELECT id, person, userid FROM account WHERE userid = :userid

-- name: add_account
INSERT INTO account (person, userid, connected_at) VALUES (:person, :userid, :now)

-- name: advance_cursor
UPDATE account SET cursor = :cursor WHERE id = :account AND cursor < :cursor

-- name: note_checked
UPDATE account SET checked_at = :now, trouble = NULL, trouble_at = NULL WHERE id = :account

-- name: note_account_trouble
UPDATE account SET trouble = :trouble, trouble_at = coalesce(trouble_at, :now) WHERE id = :account

-- name: keep_battery
UPDATE account SET battery = :battery, battery_at = :now WHERE id = :account

-- name: battery_of
SELECT battery, battery_at FROM account WHERE id = :account
