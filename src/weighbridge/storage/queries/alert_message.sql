-- name: add_alert_message
INSERT INTO alert_message (channel, reason, made_at) VALUES (:channel, :reason, :now)

-- name: alert_messages
SELECT id, channel, reason, made_at FROM alert_message
 WHERE channel = :channel ORDER BY id LIMIT :most

-- name: forget_alert_message
DELETE FROM alert_message WHERE id = :id

-- name: forget_alert_channels
DELETE FROM alert_message WHERE channel >= :channels

-- name: count_alert_messages
SELECT count(*) AS number FROM alert_message
