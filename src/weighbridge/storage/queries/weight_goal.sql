-- name: weight_goal_of
SELECT mantissa, exponent, asked_at FROM weight_goal WHERE account = :account

-- name: keep_weight_goal
INSERT INTO weight_goal (account, mantissa, exponent, asked_at)
VALUES (:account, :mantissa, :exponent, :now)
    ON CONFLICT (account) DO UPDATE
   SET mantissa = excluded.mantissa, exponent = excluded.exponent, asked_at = excluded.asked_at
