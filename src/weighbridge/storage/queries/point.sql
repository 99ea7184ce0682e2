-- name: forget_points
DELETE FROM point
 WHERE account = :account
   AND taken_at IN (SELECT t.taken_at FROM touched AS t
                     WHERE t.account = :account AND t.feed = :feed
                       AND t.taken_at BETWEEN :start AND :end)

-- name: add_point
INSERT INTO point
       (account, type_code, position, taken_at, reading_id, mantissa, exponent, doubtful)
VALUES (:account, :type_code, :position, :taken_at, :reading_id, :mantissa, :exponent, :doubtful)
    ON CONFLICT (account, type_code, position, taken_at, reading_id) DO NOTHING

-- name: next_position
-- From one type and place to the next, whatever lies between them.
SELECT position FROM point
 WHERE account = :account AND type_code = :type_code AND position > :position
 ORDER BY position LIMIT 1

-- name: next_type
SELECT min(type_code) AS type_code FROM point WHERE account = :account AND type_code > :type_code

-- name: newest_point
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = :position
   AND (doubtful = 0 OR :doubtful = 1 OR EXISTS (
        SELECT 1 FROM acceptance AS a
         WHERE a.person = :person AND a.reading_id = point.reading_id))
 ORDER BY taken_at DESC, reading_id DESC LIMIT 1

-- name: point_before
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = -1 AND taken_at < :before
   AND (doubtful = 0 OR :doubtful = 1 OR EXISTS (
        SELECT 1 FROM acceptance AS a
         WHERE a.person = :person AND a.reading_id = point.reading_id))
 ORDER BY taken_at DESC, reading_id DESC LIMIT 1

-- name: points_between
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = :position
   AND taken_at BETWEEN :start AND :end
   AND (doubtful = 0 OR :doubtful = 1 OR EXISTS (
        SELECT 1 FROM acceptance AS a
         WHERE a.person = :person AND a.reading_id = point.reading_id))
 ORDER BY taken_at, reading_id

-- name: newest_height
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = -1
   AND mantissa > 0
 ORDER BY taken_at DESC, reading_id DESC LIMIT 1

-- name: has_point
SELECT 1 AS found FROM point
 WHERE account = :account AND type_code = :type_code AND position = -1
   AND taken_at BETWEEN :start AND :end LIMIT 1
