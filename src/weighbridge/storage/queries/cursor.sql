-- name: cursor_of
SELECT changed_at FROM cursor WHERE account = :account AND feed = :feed

-- name: advance_cursor
INSERT INTO cursor (account, feed, changed_at) VALUES (:account, :feed, :changed_at)
    ON CONFLICT (account, feed) DO UPDATE SET changed_at = excluded.changed_at
 WHERE cursor.changed_at < excluded.changed_at
