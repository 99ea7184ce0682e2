-- name: route_of
SELECT * FROM route WHERE person = :person AND target = :target

-- name: add_route
INSERT INTO route (person, target, connected_at) VALUES (:person, :target, :now)
    ON CONFLICT (person, target) DO NOTHING

-- name: keep_fingerprint
UPDATE route SET fingerprint = :fingerprint, older = 0 WHERE id = :route

-- name: count_older_readings
UPDATE route SET older = older + :number WHERE id = :route

-- name: pause_route
UPDATE route SET pause_until = :until WHERE id = :route

-- name: note_attempt
UPDATE route SET attempted_at = :now WHERE id = :route

-- name: note_success
UPDATE route
   SET succeeded_at = :now, pause_until = 0, trouble = NULL, decision = NULL, trouble_at = NULL
 WHERE id = :route

-- name: note_trouble
UPDATE route
   SET trouble = :trouble, decision = :decision, trouble_at = coalesce(trouble_at, :now)
 WHERE id = :route

-- name: forget_login_trouble
UPDATE route SET trouble = NULL, decision = NULL, trouble_at = NULL
 WHERE id = :route AND decision = :decision

-- name: routes
SELECT * FROM route ORDER BY person, target

-- name: planned_routes
SELECT id, target FROM route WHERE person = :person AND fingerprint <> ''

-- name: routes_with_open_deliveries
-- The index is walked route by route: what is done costs nothing.
SELECT person, target FROM route AS r
 WHERE EXISTS (SELECT 1 FROM delivery AS d
                WHERE d.route = r.id AND d.state IN ('planned', 'sending', 'unknown')
                  AND d.state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected'))
