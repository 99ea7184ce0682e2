-- name: accept_reading
INSERT INTO acceptance (person, reading_id, accepted_at) VALUES (:person, :reading_id, :now)
    ON CONFLICT (person, reading_id) DO NOTHING

-- name: acceptances
SELECT reading_id FROM acceptance WHERE person = :person
