-- Every statement of the archive and the ledger, by name. Parameters are named; nothing is ever
-- put into the text. What only SQLite understands stays in the schema files.
--
-- "state IN (all the open ones)" beside "state = one of them" looks needless: it is what lets SQLite
-- use the partial index, so that a million finished deliveries cost nothing.

-- name: account_of
SELECT id, person, userid, cursor, connected_at, checked_at, trouble, trouble_at
  FROM account WHERE person = :person

-- name: account_by_userid
SELECT id, person, userid FROM account WHERE userid = :userid

-- name: add_account
INSERT INTO account (person, userid, connected_at) VALUES (:person, :userid, :now)

-- name: advance_cursor
UPDATE account SET cursor = max(cursor, :cursor) WHERE id = :account

-- name: note_checked
UPDATE account SET checked_at = :now, trouble = NULL, trouble_at = NULL WHERE id = :account

-- name: note_account_trouble
UPDATE account SET trouble = :trouble, trouble_at = coalesce(trouble_at, :now) WHERE id = :account

-- name: store_group
INSERT INTO measure_group (account, group_id, taken_at, zone, category, raw)
VALUES (:account, :group_id, :taken_at, :zone, :category, :raw)
    ON CONFLICT (account, group_id) DO UPDATE
   SET taken_at = excluded.taken_at, zone = excluded.zone, category = excluded.category,
       raw = excluded.raw, gone_at = NULL
 WHERE measure_group.raw <> excluded.raw OR measure_group.gone_at IS NOT NULL

-- name: store_odd_group
INSERT INTO odd_group (account, fingerprint, reason, raw, seen_at)
VALUES (:account, :fingerprint, :reason, :raw, :now)
    ON CONFLICT (account, fingerprint) DO NOTHING

-- name: count_odd_groups
SELECT count(*) AS number FROM odd_group WHERE account = :account

-- name: odd_groups
SELECT reason, raw, seen_at FROM odd_group WHERE account = :account ORDER BY seen_at LIMIT :most

-- name: forget_points
DELETE FROM point
 WHERE account = :account
   AND taken_at IN (SELECT t.taken_at FROM touched AS t
                     WHERE t.account = :account AND t.taken_at BETWEEN :start AND :end)

-- name: add_point
INSERT INTO point
       (account, type_code, position, taken_at, reading_id, mantissa, exponent, doubtful)
VALUES (:account, :type_code, :position, :taken_at, :reading_id, :mantissa, :exponent, :doubtful)
    ON CONFLICT (account, type_code, position, taken_at, reading_id) DO NOTHING

-- name: next_place
-- From one type and place to the next, whatever lies between them.
SELECT position FROM point
 WHERE account = :account AND type_code = :type_code AND position > :position
 ORDER BY position LIMIT 1

-- name: next_type
SELECT min(type_code) AS type_code FROM point WHERE account = :account AND type_code > :type_code

-- name: newest_point
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = :position
   AND (NOT doubtful OR :doubtful OR EXISTS (
        SELECT 1 FROM acceptance AS a
         WHERE a.person = :person AND a.reading_id = point.reading_id))
 ORDER BY taken_at DESC, reading_id DESC LIMIT 1

-- name: point_before
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = -1 AND taken_at < :before
   AND (NOT doubtful OR :doubtful OR EXISTS (
        SELECT 1 FROM acceptance AS a
         WHERE a.person = :person AND a.reading_id = point.reading_id))
 ORDER BY taken_at DESC, reading_id DESC LIMIT 1

-- name: points_between
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = :position
   AND taken_at BETWEEN :start AND :end
   AND (NOT doubtful OR :doubtful OR EXISTS (
        SELECT 1 FROM acceptance AS a
         WHERE a.person = :person AND a.reading_id = point.reading_id))
 ORDER BY taken_at, reading_id

-- name: newest_height
SELECT type_code, position, taken_at, mantissa, exponent FROM point
 WHERE account = :account AND type_code = :type_code AND position = -1
   AND mantissa > 0
 ORDER BY taken_at DESC, reading_id DESC LIMIT 1

-- name: holds_point
SELECT 1 AS found FROM point
 WHERE account = :account AND type_code = :type_code AND position = -1
   AND taken_at BETWEEN :start AND :end LIMIT 1

-- name: ids_between
SELECT group_id FROM measure_group
 WHERE account = :account AND taken_at BETWEEN :start AND :end AND gone_at IS NULL

-- name: mark_gone
UPDATE measure_group SET gone_at = :now
 WHERE account = :account AND group_id = :group_id AND gone_at IS NULL

-- name: next_touched
SELECT taken_at FROM touched WHERE account = :account AND taken_at > :after
 ORDER BY taken_at LIMIT :most

-- name: forget_touched
DELETE FROM touched WHERE account = :account AND taken_at BETWEEN :start AND :end

-- name: touch_everything
INSERT INTO touched SELECT DISTINCT account, taken_at FROM measure_group WHERE account = :account
    ON CONFLICT (account, taken_at) DO NOTHING

-- name: touch_between
INSERT INTO touched
SELECT DISTINCT account, taken_at FROM measure_group
 WHERE account = :account AND taken_at BETWEEN :start AND :end
    ON CONFLICT (account, taken_at) DO NOTHING

-- name: groups_between
SELECT group_id, taken_at, zone, raw FROM measure_group
 WHERE account = :account AND taken_at BETWEEN :start AND :end AND gone_at IS NULL
 ORDER BY taken_at, group_id

-- name: touched_between
SELECT taken_at FROM touched
 WHERE account = :account AND taken_at BETWEEN :start AND :end ORDER BY taken_at

-- name: instants_before
SELECT DISTINCT taken_at FROM measure_group
 WHERE account = :account AND taken_at < :before AND gone_at IS NULL
 ORDER BY taken_at DESC LIMIT :most

-- name: instants_from
SELECT DISTINCT taken_at FROM measure_group
 WHERE account = :account AND taken_at > :after AND taken_at <= :end AND gone_at IS NULL
 ORDER BY taken_at LIMIT :most

-- name: past_of
SELECT replaced_at, raw FROM measure_group_past
 WHERE account = :account AND group_id = :group_id ORDER BY replaced_at

-- name: route_of
SELECT * FROM route WHERE person = :person AND target = :target

-- name: add_route
INSERT INTO route (person, target, connected_at) VALUES (:person, :target, :now)
    ON CONFLICT (person, target) DO NOTHING

-- name: keep_fingerprint
UPDATE route SET fingerprint = :fingerprint, older = 0 WHERE id = :route

-- name: count_older
UPDATE route SET older = older + :number WHERE id = :route

-- name: note_older
INSERT INTO older (route, reading_id) VALUES (:route, :reading_id)
    ON CONFLICT (route, reading_id) DO NOTHING

-- name: forget_older
DELETE FROM older WHERE route = :route AND reading_id = :reading_id

-- name: forget_all_older
DELETE FROM older WHERE route = :route

-- name: pause_route
UPDATE route SET pause_until = :until WHERE id = :route

-- name: note_attempt
UPDATE route SET attempted_at = :now WHERE id = :route

-- name: note_success
UPDATE route
   SET succeeded_at = :now, pause_until = 0, trouble = NULL, trouble_kind = NULL, trouble_at = NULL
 WHERE id = :route

-- name: note_trouble
UPDATE route
   SET trouble = :trouble, trouble_kind = :kind, trouble_at = coalesce(trouble_at, :now)
 WHERE id = :route

-- name: forget_login_trouble
UPDATE route SET trouble = NULL, trouble_kind = NULL, trouble_at = NULL
 WHERE id = :route AND trouble_kind = 'LoginNeeded'

-- name: latest_between
SELECT id, reading_id, taken_at, ordinal, revision, state, settles_at
  FROM delivery
 WHERE route = :route AND taken_at BETWEEN :start AND :end
 ORDER BY taken_at, reading_id, ordinal

-- name: latest_at_touched
-- CROSS JOIN and the plus sign: from each touched instant to its rows, never over the whole span.
SELECT d.id, d.reading_id, d.taken_at, d.ordinal, d.revision, d.state, d.settles_at
  FROM touched AS t CROSS JOIN delivery AS d
 WHERE t.account = :account AND t.taken_at BETWEEN :start AND :end
   AND d.route = :route AND d.taken_at = +t.taken_at
 ORDER BY d.taken_at, d.reading_id, d.ordinal

-- name: add_delivery
INSERT INTO delivery
       (route, reading_id, taken_at, ordinal, revision, state, settles_at, planned_at, answer)
VALUES (:route, :reading_id, :taken_at, :ordinal, :revision, :state, :settles_at, :now, :answer)
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

-- name: skip_before
UPDATE delivery SET state = 'skipped', answer = :answer, done_at = :now
 WHERE route = :route AND state = 'planned' AND taken_at < :before
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- name: claim
-- The WHERE clause is the lock: losing the race changes no row.
UPDATE delivery SET state = 'sending', attempts = attempts + 1, claimed_at = :now
 WHERE id = :id AND state = 'planned'

-- name: settle_up
UPDATE delivery
   SET state = :state, answer = :answer, reference = coalesce(:reference, reference),
       done_at = :now, look_until = :look_until, not_before = :not_before
 WHERE id = :id AND state = :was

-- name: orphans
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
SELECT min(max(CASE WHEN coalesce(d.claimed_at, 0) > :now THEN 0 ELSE d.not_before END,
               d.settles_at - :cloud_ahead)) AS moment
  FROM delivery AS d
 WHERE d.route = :route AND d.state = 'planned'
   AND d.state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
   AND NOT EXISTS (SELECT 1 FROM delivery AS u
                    WHERE u.route = d.route AND u.taken_at = d.taken_at
                      AND u.reading_id = d.reading_id
                      AND (u.state IN ('sending', 'unknown') OR u.look_until IS NOT NULL))

-- name: hurry
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

-- name: latest_deliveries
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route
 ORDER BY d.taken_at DESC, d.id DESC LIMIT :most

-- name: routes
SELECT * FROM route ORDER BY person, target

-- name: planned_routes
SELECT id, target FROM route WHERE person = :person AND fingerprint <> ''

-- name: put_back
-- A person decided: what was open or done becomes owed, held or over.
UPDATE delivery
   SET state = :state, answer = :answer, not_before = 0, look_until = NULL,
       done_at = CASE WHEN :state = 'skipped' THEN :now ELSE done_at END
 WHERE id = :id AND state = :was

-- name: accept_reading
INSERT INTO acceptance (person, reading_id, accepted_at) VALUES (:person, :reading_id, :now)
    ON CONFLICT (person, reading_id) DO NOTHING

-- name: acceptances
SELECT reading_id FROM acceptance WHERE person = :person

-- name: credential_of
SELECT account, secret, previous, stored_at, login_needed
  FROM credential WHERE person = :person AND service = :service

-- name: credential_by_account
SELECT person FROM credential WHERE account = :account AND person <> :person

-- name: store_credential
INSERT INTO credential (person, service, account, secret, stored_at)
VALUES (:person, :service, :account, :secret, :now)
    ON CONFLICT (person, service) DO UPDATE
   SET previous = credential.secret, account = excluded.account, secret = excluded.secret,
       stored_at = excluded.stored_at, login_needed = NULL

-- name: bind_credential
-- Only the account: the tokens may have been renewed by another process meanwhile.
UPDATE credential SET account = :account
 WHERE person = :person AND service = :service AND account = :unbound

-- name: mark_login_needed
UPDATE credential SET login_needed = :reason WHERE person = :person AND service = :service

-- name: forget_credential
DELETE FROM credential WHERE person = :person AND service = :service

-- name: lease_of
SELECT holder, expires_at FROM lease WHERE name = :name

-- name: take_lease
-- Free or expired.
INSERT INTO lease (name, holder, expires_at) VALUES (:name, :holder, :expires_at)
    ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, expires_at = excluded.expires_at
 WHERE lease.expires_at <= :now

-- name: renew_lease
UPDATE lease SET expires_at = :expires_at WHERE name = :name AND holder = :holder

-- name: give_lease_back
DELETE FROM lease WHERE name = :name AND holder = :holder

-- name: give_all_leases_back
DELETE FROM lease WHERE holder = :holder

-- name: brake_of
SELECT until, steps, reason FROM brake WHERE name = :name

-- name: set_brake
INSERT INTO brake (name, until, steps, reason) VALUES (:name, :until, :steps, :reason)
    ON CONFLICT (name) DO UPDATE
   SET until = max(brake.until, excluded.until), steps = excluded.steps, reason = excluded.reason

-- name: release_brake
DELETE FROM brake WHERE name = :name

-- name: forget_calls
DELETE FROM withings_call WHERE at <= :until OR at > :now

-- name: known_calls
SELECT count(*) AS number, min(at) AS oldest FROM withings_call

-- name: note_call
INSERT INTO withings_call (at) VALUES (:now)

-- Keepsakes

-- name: keepsake_of
SELECT value FROM keepsake WHERE name = :name

-- name: store_keepsake
INSERT INTO keepsake (name, value, made_at) VALUES (:name, :value, :now)

-- Subscriptions

-- name: notify_secrets
SELECT secret, made_at FROM notify_secret WHERE retired_at IS NULL ORDER BY made_at DESC

-- name: add_notify_secret
INSERT INTO notify_secret (secret, made_at) VALUES (:secret, :now)

-- name: retire_notify_secrets
UPDATE notify_secret SET retired_at = :now WHERE retired_at IS NULL AND secret <> :current

-- name: remember_callback
INSERT INTO our_callback (url, first_used_at) VALUES (:url, :now) ON CONFLICT (url) DO NOTHING

-- name: our_callbacks
SELECT url FROM our_callback

-- name: care_of
SELECT listed_at, callback, trouble, trouble_at, next_try_at, steps
  FROM subscription_care WHERE account = :account

-- name: begin_care
-- Under another callback nothing is known to be in order yet, and nothing is known to be wrong.
INSERT INTO subscription_care (account, callback) VALUES (:account, :callback)
    ON CONFLICT (account) DO UPDATE
   SET callback = excluded.callback, listed_at = NULL, next_try_at = 0, steps = 0
 WHERE coalesce(subscription_care.callback, '') <> excluded.callback

-- name: note_cared
UPDATE subscription_care
   SET listed_at = :now, trouble = NULL, trouble_at = NULL, next_try_at = :next_try_at, steps = 0
 WHERE account = :account

-- name: note_care_trouble
UPDATE subscription_care
   SET trouble = :trouble, trouble_at = coalesce(trouble_at, :now), next_try_at = :next_try_at,
       steps = steps + 1
 WHERE account = :account

-- name: postpone_care
UPDATE subscription_care SET next_try_at = :next_try_at WHERE account = :account

-- name: hurry_care
UPDATE subscription_care SET next_try_at = 0

-- name: note_removed
UPDATE subscription_care
   SET listed_at = NULL, trouble = NULL, trouble_at = NULL, next_try_at = :next_try_at, steps = 0
 WHERE account = :account

-- name: leave_appli_out
INSERT INTO appli_left_out (account, appli, since) VALUES (:account, :appli, :now)
    ON CONFLICT (account, appli) DO UPDATE SET since = excluded.since

-- name: applis_left_out
SELECT appli FROM appli_left_out WHERE account = :account AND since > :after

-- name: take_applis_back
DELETE FROM appli_left_out WHERE account = :account

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

-- name: withings_logins
SELECT c.person, c.login_needed IS NULL AS works, c.stored_at, a.trouble IS NOT NULL AS in_trouble
  FROM credential AS c LEFT JOIN account AS a ON a.person = c.person
 WHERE c.service = 'withings'

-- name: routes_with_open_deliveries
-- The index is walked route by route: what is done costs nothing.
SELECT person, target FROM route AS r
 WHERE EXISTS (SELECT 1 FROM delivery AS d
                WHERE d.route = r.id AND d.state IN ('planned', 'sending', 'unknown')
                  AND d.state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected'))

-- alerts and metrics

-- name: alerts
SELECT name, since, told_at, text, well_at FROM alert ORDER BY name

-- name: keep_alert
INSERT INTO alert (name, since, told_at, text, well_at)
VALUES (:name, :since, :told_at, :text, :well_at)
    ON CONFLICT (name) DO UPDATE
   SET since = excluded.since, told_at = excluded.told_at, text = excluded.text,
       well_at = excluded.well_at

-- name: forget_alert
DELETE FROM alert WHERE name = :name

-- name: add_alert_message
INSERT INTO alert_message (channel, text, made_at) VALUES (:channel, :text, :now)

-- name: alert_messages
SELECT id, channel, text, made_at FROM alert_message
 WHERE channel = :channel ORDER BY id LIMIT :most

-- name: forget_alert_message
DELETE FROM alert_message WHERE id = :id

-- name: forget_alert_channels
DELETE FROM alert_message WHERE channel >= :channels

-- name: waiting_since
-- Of the oldest that wait in one state, when the first of them was planned. Bounded on purpose.
SELECT min(planned_at) AS planned_at, min(taken_at) AS taken_at
  FROM (SELECT planned_at, taken_at FROM delivery
         WHERE route = :route AND state = :state
           AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')
         ORDER BY taken_at LIMIT :most)

-- name: last_delivery
-- Sent oldest first: the last one stands among the newest, or right before what waits.
SELECT max(done_at) AS done_at
  FROM (SELECT * FROM (SELECT state, done_at FROM delivery WHERE route = :route
                        ORDER BY taken_at DESC LIMIT :most)
         UNION ALL
        SELECT * FROM (SELECT state, done_at FROM delivery
                        WHERE route = :route AND taken_at < :before
                        ORDER BY taken_at DESC LIMIT :most))
 WHERE state IN ('delivered', 'confirmed')

-- name: count_open_notifications
SELECT count(*) AS number FROM notification WHERE done_at IS NULL

-- name: count_all_odd_groups
SELECT count(*) AS number FROM odd_group

-- name: count_alerts_told
SELECT count(*) AS number FROM alert WHERE told_at IS NOT NULL

-- name: count_alert_messages
SELECT count(*) AS number FROM alert_message

-- name: note_unannounced
INSERT INTO unannounced (account, taken_at, found_at) VALUES (:account, :taken_at, :now)
    ON CONFLICT (account, taken_at) DO NOTHING

-- name: unannounced_to_tell
SELECT taken_at FROM unannounced WHERE account = :account AND NOT told AND found_at <= :before

-- name: tell_unannounced
UPDATE unannounced SET told = 1 WHERE account = :account AND taken_at = :taken_at

-- name: forget_unannounced
DELETE FROM unannounced WHERE account = :account AND taken_at = :taken_at

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

-- History

-- name: goal_groups
-- "category <> 1" beside "category = 2" is what lets SQLite use the partial index.
SELECT raw, zone FROM measure_group
 WHERE account = :account AND category <> 1 AND category = 2 AND gone_at IS NULL
 ORDER BY taken_at, group_id

-- name: weight_goal_of
SELECT mantissa, exponent, asked_at FROM weight_goal WHERE account = :account

-- name: keep_weight_goal
INSERT INTO weight_goal (account, mantissa, exponent, asked_at)
VALUES (:account, :mantissa, :exponent, :now)
    ON CONFLICT (account) DO UPDATE
   SET mantissa = excluded.mantissa, exponent = excluded.exponent, asked_at = excluded.asked_at

-- Overview

-- name: last_notification
SELECT max(received_at) AS received_at FROM notification WHERE account = :account

-- name: held_readings
SELECT DISTINCT reading_id FROM delivery
 WHERE route = :route AND state = 'held'
   AND state IN ('planned', 'sending', 'unknown', 'blocked', 'held', 'rejected')

-- Deliveries

-- name: deliveries_before
-- From where a page ended on, so a page costs the same however far back it lies.
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route
   AND (d.taken_at, d.reading_id, d.ordinal) < (:taken_at, :reading_id, :ordinal)
 ORDER BY d.taken_at DESC, d.reading_id DESC, d.ordinal DESC LIMIT :most

-- name: arrived_before
-- Most deliveries have arrived, so the walk from one to the next is short.
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
 ORDER BY d.taken_at DESC, +d.reading_id DESC, +d.ordinal DESC LIMIT :most

-- name: set_aside_before
SELECT r.person, r.target, d.* FROM delivery AS d JOIN route AS r ON r.id = d.route
 WHERE d.route = :route AND d.state = :state AND d.state IN ('superseded', 'skipped')
   AND d.taken_at <= :taken_at
   AND (+d.taken_at, d.reading_id, d.ordinal) < (:taken_at, :reading_id, :ordinal)
 ORDER BY d.taken_at DESC, +d.reading_id DESC, +d.ordinal DESC LIMIT :most

-- name: keep_battery
UPDATE account SET battery = :battery, battery_at = :now WHERE id = :account

-- name: battery_of
SELECT battery, battery_at FROM account WHERE id = :account
