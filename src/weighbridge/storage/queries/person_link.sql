-- name: add_person_link
INSERT INTO person_link (hash, person, made_at) VALUES (:hash, :person, :now)

-- name: person_link_of
SELECT hash, person, made_at, used_at FROM person_link
 WHERE hash = :hash AND revoked_at IS NULL

-- name: person_links_of
SELECT hash, person, made_at, used_at FROM person_link
 WHERE person = :person AND revoked_at IS NULL ORDER BY made_at, hash

-- name: note_person_link_used
UPDATE person_link SET used_at = :now WHERE hash = :hash

-- name: revoke_person_link
UPDATE person_link SET revoked_at = :now WHERE hash = :hash AND revoked_at IS NULL
