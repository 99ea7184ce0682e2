-- name: latest_between
SELECT id, kind, reading_id, taken_at, ordinal, revision, state, settles_at
  FROM delivery
 WHERE route = :route AND taken_at BETWEEN :start AND :end
 ORDER BY taken_at, reading_id, ordinal

-- name: latest_at_touched
-- CROSS JOIN and the plus sign: from each touched instant to its rows, never over the whole span.
SELECT d.id, d.kind, d.reading_id, d.taken_at, d.ordinal, d.revision, d.state, d.settles_at
  FROM touched AS t CROSS JOIN delivery AS d
 WHERE t.account = :account AND t.feed = :feed AND t.taken_at BETWEEN :start AND :end
   AND d.route = :route AND d.taken_at = +t.taken_at
 ORDER BY d.taken_at, d.reading_id, d.ordinal

-- name: add_delivery
INSERT INTO delivery
       (route, kind, reading_id, taken_at, ordinal, revision, state, settles_at, planned_at,
        answer)
VALUES (:route, :kind, :reading_id, :taken_at, :ordinal, :revision, :state, :settles_at, :now,
        :answer)
    ON CONFLICT (route, taken_at, reading_id, ordinal) DO NOTHING

-- name: change_state
UPDATE delivery
   SET state = :state, settles_at = :settles_at, answer = coalesce(:answer, answer)
 WHERE id = :id AND state = :was

-- name: due
-- Oldest first, and never a reading whose older revision may still be on its way. What was claimed
-- in the future was put off by a clock that has been set back since.
SELECT d.id, d.reading_id, d.taken_at, d.revision, d.attempts,
       EXISTS (SELECT 1 FROM delivery AS n
                WHERE n.route = d.route AND n.taken_at = d.taken_at
                  AND n.reading_id = d.reading_id AND n.ordinal > d.ordinal) AS outdated,
       (SELECT coalesce(p.reference, '') FROM delivery AS p
         WHERE p.route = d.route AND p.taken_at = d.taken_at AND p.reading_id = d.reading_id
           AND p.state IN ('delivered', 'confirmed') AND p.ordinal < d.ordinal
         ORDER BY p.ordinal DESC LIMIT 1) AS previous
  FROM delivery AS d
 WHERE d.route = :route AND d.state = 'planned'
   AND (d.not_before <= :now OR d.claimed_at > :now)
   AND d.state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
   AND d.settles_at <= :cloud_now AND d.taken_at >= :start
   AND NOT EXISTS (SELECT 1 FROM delivery AS u
                    WHERE u.route = d.route AND u.taken_at = d.taken_at
                      AND u.reading_id = d.reading_id
                      AND (u.state IN ('sending', 'unknown')
                           OR (u.look_until IS NOT NULL AND u.claimed_at > :on_its_way_since)))
 ORDER BY d.taken_at, d.id LIMIT :most

-- name: newest_due
SELECT max(taken_at) AS taken_at FROM delivery
 WHERE route = :route AND state = 'planned' AND settles_at <= :cloud_now
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: newest_delivered
SELECT taken_at FROM delivery
 WHERE route = :route AND state IN ('delivered', 'confirmed')
 ORDER BY taken_at DESC LIMIT 1

-- name: sent_between
SELECT DISTINCT reading_id, taken_at FROM delivery
 WHERE route = :route AND taken_at BETWEEN :start AND :end
   AND state IN ('sending', 'unknown', 'delivered', 'confirmed')

-- name: skip_before
UPDATE delivery SET state = 'skipped', answer = :answer, done_at = :now
 WHERE route = :route AND state = 'planned' AND taken_at < :before
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: planned_between
SELECT id FROM delivery
 WHERE route = :route AND state = 'planned' AND taken_at BETWEEN :start AND :end
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: claim
-- The WHERE clause is the lock: losing the race changes no row.
UPDATE delivery SET state = 'sending', attempts = attempts + 1, claimed_at = :now
 WHERE id IN (:ids) AND state = 'planned'

-- name: record_outcome
UPDATE delivery
   SET state = :state, answer = :answer, reference = coalesce(:reference, reference),
       done_at = :now, look_until = :look_until, not_before = :not_before
 WHERE id = :id AND state = :was

-- name: mark_interrupted
UPDATE delivery SET state = 'unknown', answer = :answer
 WHERE route = :route AND state = 'sending'
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: in_state
SELECT id, reading_id, taken_at, ordinal, revision, state, claimed_at, attempts
  FROM delivery
 WHERE route = :route AND state = :state
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
 ORDER BY taken_at LIMIT :most

-- name: unseen
SELECT id, reading_id, taken_at, ordinal, revision, state, claimed_at, attempts
  FROM delivery
 WHERE route = :route AND look_until IS NOT NULL AND taken_at >= :start
 ORDER BY taken_at LIMIT :most

-- name: wake_blocked
UPDATE delivery SET state = 'planned'
 WHERE route = :route AND state = 'blocked'
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: block_planned
UPDATE delivery SET state = 'blocked', answer = :answer
 WHERE route = :route AND state = 'planned'
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: count_open
SELECT state, count(*) AS number FROM delivery
 WHERE route = :route
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
 GROUP BY state

-- name: count_unseen
SELECT count(*) AS number FROM delivery WHERE route = :route AND look_until IS NOT NULL

-- name: next_settling
SELECT max(settles_at) AS settles_at FROM delivery
 WHERE route = :route AND state = 'planned' AND settles_at > :cloud_now
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: first_due
-- By the rules of "due". What waits for an older revision to be seen is due when that is looked for.
SELECT min(CASE WHEN coalesce(d.claimed_at, 0) <= :now
                  AND d.not_before > d.settles_at - :cloud_ahead THEN d.not_before
                WHEN d.settles_at > :cloud_ahead THEN d.settles_at - :cloud_ahead
                ELSE 0 END) AS moment
  FROM delivery AS d
 WHERE d.route = :route AND d.state = 'planned'
   AND d.state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
   AND NOT EXISTS (SELECT 1 FROM delivery AS u
                    WHERE u.route = d.route AND u.taken_at = d.taken_at
                      AND u.reading_id = d.reading_id
                      AND (u.state IN ('sending', 'unknown') OR u.look_until IS NOT NULL))

-- name: try_now
UPDATE delivery SET not_before = 0
 WHERE route = :route AND state = 'planned' AND not_before > 0
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: deliveries_of_reading
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE r.person = :person AND d.taken_at = :taken_at AND d.reading_id = :reading_id
 ORDER BY r.target, d.ordinal

-- name: deliveries_in_state
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route AND d.state = :state
 ORDER BY d.taken_at DESC, d.id DESC LIMIT :most

-- name: decide
-- A person decided: what was open or done becomes owed, held or over.
UPDATE delivery
   SET state = :state, answer = :answer, not_before = 0, look_until = NULL,
       done_at = CASE WHEN :state = 'skipped' THEN :now ELSE done_at END
 WHERE id = :id AND state = :was

-- name: waiting_since
-- Of the oldest that wait in one state, when the first of them was planned. Bounded on purpose.
SELECT min(planned_at) AS planned_at, min(taken_at) AS taken_at
  FROM (SELECT planned_at, taken_at FROM delivery
         WHERE route = :route AND state = :state
           AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
         ORDER BY taken_at LIMIT :most) AS waiting

-- name: last_delivery
-- Sent oldest first: the last one is among the newest, or right before what waits.
SELECT max(done_at) AS done_at
  FROM (SELECT * FROM (SELECT state, done_at FROM delivery WHERE route = :route
                        ORDER BY taken_at DESC LIMIT :most) AS newest
         UNION ALL
        SELECT * FROM (SELECT state, done_at FROM delivery
                        WHERE route = :route AND taken_at < :before
                        ORDER BY taken_at DESC LIMIT :most) AS sent) AS both_ends
 WHERE state IN ('delivered', 'confirmed')

-- name: held_readings
SELECT DISTINCT reading_id FROM delivery
 WHERE route = :route AND state = 'held'
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: deliveries_before
-- From where a page ended on, so a page costs the same however far back it lies.
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route
   AND (d.taken_at, d.reading_id, d.ordinal) < (:taken_at, :reading_id, :ordinal)
 ORDER BY d.taken_at DESC, d.reading_id DESC, d.ordinal DESC LIMIT :most

-- name: arrived_before
-- Most deliveries have arrived, so the way from one to the next is short.
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route AND d.state IN ('delivered', 'confirmed')
   AND (d.taken_at, d.reading_id, d.ordinal) < (:taken_at, :reading_id, :ordinal)
 ORDER BY d.taken_at DESC, d.reading_id DESC, d.ordinal DESC LIMIT :most

-- name: open_before
-- The plus signs: by the index of what is open, though another one has the order of all columns.
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route AND d.state = :state
   AND d.state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
   AND d.taken_at <= :taken_at
   AND (+d.taken_at, d.reading_id, d.ordinal) < (:taken_at, :reading_id, :ordinal)
 ORDER BY d.taken_at DESC, d.reading_id || '' DESC, +d.ordinal DESC LIMIT :most

-- name: set_aside_before
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route AND d.state = :state AND d.state IN ('superseded', 'skipped')
   AND d.taken_at <= :taken_at
   AND (+d.taken_at, d.reading_id, d.ordinal) < (:taken_at, :reading_id, :ordinal)
 ORDER BY d.taken_at DESC, d.reading_id || '' DESC, +d.ordinal DESC LIMIT :most
