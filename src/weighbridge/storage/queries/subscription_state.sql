-- name: subscription_state
SELECT listed_at, callback, trouble, trouble_at, next_try_at, steps
  FROM subscription_state WHERE account = :account

-- name: begin_subscriptions
-- Under another callback nothing is known to be in order yet, and nothing is known to be wrong.
INSERT INTO subscription_state (account, callback) VALUES (:account, :callback)
    ON CONFLICT (account) DO UPDATE
   SET callback = excluded.callback, listed_at = NULL, next_try_at = 0, steps = 0
 WHERE coalesce(subscription_state.callback, '') <> excluded.callback

-- name: note_subscribed
UPDATE subscription_state
   SET listed_at = :now, trouble = NULL, trouble_at = NULL, next_try_at = :next_try_at, steps = 0
 WHERE account = :account

-- name: note_subscription_trouble
UPDATE subscription_state
   SET trouble = :trouble, trouble_at = coalesce(trouble_at, :now), next_try_at = :next_try_at,
       steps = steps + 1
 WHERE account = :account

-- name: postpone_subscriptions
UPDATE subscription_state SET next_try_at = :next_try_at WHERE account = :account

-- name: check_subscriptions_soon
UPDATE subscription_state SET next_try_at = 0

-- name: note_unsubscribed
UPDATE subscription_state
   SET listed_at = NULL, trouble = NULL, trouble_at = NULL, next_try_at = :next_try_at, steps = 0
 WHERE account = :account
