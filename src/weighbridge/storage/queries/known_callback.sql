-- name: add_known_callback
INSERT INTO known_callback (url, first_used_at) VALUES (:url, :now) ON CONFLICT (url) DO NOTHING

-- name: known_callbacks
SELECT url FROM known_callback
