"""What a broker says and what follows from it. Pure.

The numbers are reason codes of MQTT 5 (docs/reference/home-assistant.md#reason-codes). paho
translates those of MQTT 3.1.1 into them; 4 and 5 stand here too, for what arrives untranslated.
"""

from __future__ import annotations

from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.core.network import is_untrusted

FAILURE = 128
"""Reason codes from here on are failures."""

_LOGIN = {4, 5, 134, 135, 138, 140}
_CODES = {
    **dict.fromkeys((1, 132), "version"),
    **dict.fromkeys((2, 133), "client_id"),
    **dict.fromkeys((3, 136), "unavailable"),
    137: "busy",
    142: "client_id_taken",
    149: "too_large",
    151: "no_room",
}
"""Reason code → the end of a code ``mqtt.<...>``."""


def refused_login(broker: str, code: int, user: str) -> Problem:
    """What follows from a connection that the broker did not accept."""
    if code in _LOGIN:
        if user:
            return LoginNeeded(code="mqtt.user_refused", broker=broker, user=user)
        return LoginNeeded(code="mqtt.anonymous_refused", broker=broker)
    return _later(broker, code)


def refused_message(broker: str, code: int, topic: str) -> Problem:
    """What follows from a message that the broker did not accept (MQTT 5 only)."""
    if code in _LOGIN:
        return LoginNeeded(code="mqtt.not_allowed", broker=broker, topic=topic)
    return _later(broker, code)


def _later(broker: str, code: int) -> RetryLater:
    return RetryLater(code=f"mqtt.{_CODES.get(code, 'refused')}", broker=broker, status=code)


def unreachable(broker: str, error: Exception) -> RetryLater:
    """What follows from a connection that could not be made."""
    reason = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    if is_untrusted(error):
        return RetryLater(code="mqtt.not_trusted", broker=broker, error=reason)
    return RetryLater(code="mqtt.unreachable", broker=broker, error=reason or type(error).__name__)


def silent(broker: str, seconds: float) -> RetryLater:
    """What follows from an answer that did not come."""
    return RetryLater(code="mqtt.silent", broker=broker, seconds=round(seconds, 1))


def gone(broker: str, reason: str = "") -> RetryLater:
    """What follows from a connection that ended."""
    if reason:
        return RetryLater(code="mqtt.ended_because", broker=broker, error=reason)
    return RetryLater(code="mqtt.ended", broker=broker)
