-- name: add_notification
INSERT INTO notification (account, appli, first_at, last_at, action, received_at, done_at)
VALUES (:account, :appli, :first_at, :last_at, :action, :received_at, :done_at)

-- name: open_notifications
SELECT id, appli, first_at, last_at, action, received_at FROM notification
 WHERE account = :account AND done_at IS NULL
 ORDER BY received_at, id

-- name: people_with_open_notifications
SELECT DISTINCT a.person FROM notification AS k JOIN account AS a ON a.id = k.account
 WHERE k.done_at IS NULL
 ORDER BY a.person

-- name: settle_notification
UPDATE notification SET done_at = :now WHERE id = :id AND done_at IS NULL

-- name: forget_notifications
DELETE FROM notification WHERE done_at < :before

-- name: notifications_announcing
SELECT DISTINCT appli FROM notification
 WHERE account = :account AND last_at >= :earliest AND first_at <= :latest

-- name: count_open_notifications
SELECT count(*) AS number FROM notification WHERE done_at IS NULL

-- name: last_notification
SELECT max(received_at) AS received_at FROM notification WHERE account = :account
