-- name: add_missed_notification
INSERT INTO missed_notification (account, taken_at, found_at) VALUES (:account, :taken_at, :now)
    ON CONFLICT (account, taken_at) DO NOTHING

-- name: missed_notifications_to_report
SELECT taken_at FROM missed_notification
 WHERE account = :account AND reported = 0 AND found_at <= :before

-- name: note_missed_notification_reported
UPDATE missed_notification SET reported = 1 WHERE account = :account AND taken_at = :taken_at

-- name: forget_missed_notification
DELETE FROM missed_notification WHERE account = :account AND taken_at = :taken_at
