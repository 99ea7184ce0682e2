"""What a broker says and what follows from it. Pure.

The numbers are reason codes of MQTT 5 (docs/reference/home-assistant.md#reason-codes). paho
translates those of MQTT 3.1.1 into them; 4 and 5 stand here too, for what arrives untranslated.
"""

from __future__ import annotations

from weighbridge.core.errors import LoginNeeded, Problem, RetryLater

FAILURE = 128
"""Reason codes from here on are failures."""

_LOGIN = {4, 5, 134, 135, 138, 140}
_REMARKS = {
    **dict.fromkeys((1, 132), ("does not speak this version of MQTT", "Change protocol.")),
    **dict.fromkeys((2, 133), ("does not accept our client id", "")),
    **dict.fromkeys((3, 136), ("is not available", "")),
    137: ("is busy", ""),
    142: ("was visited by somebody else with our client id", ""),
    149: ("finds a message too large", "Allow larger ones there."),
    151: ("has no room for more messages", "Look at its limits."),
}
_AGAIN = "It is tried again."


def refused_login(broker: str, code: int, user: str) -> Problem:
    """What follows from a connection that the broker did not accept."""
    if code in _LOGIN:
        whom = f"the user {user}" if user else "visitors without a user name"
        return LoginNeeded(
            f"The MQTT broker {broker} refuses {whom}.",
            remedy="Correct the user in url and the password of this target in weighbridge.toml, "
            "then run: weighbridge sync",
        )
    return _later(broker, code)


def refused_message(broker: str, code: int, topic: str) -> Problem:
    """What follows from a message that the broker did not accept (MQTT 5 only)."""
    if code in _LOGIN:
        return LoginNeeded(
            f"The MQTT broker {broker} does not allow us to write to {topic}.",
            remedy="Allow it in the broker's access list, then run: weighbridge sync",
        )
    return _later(broker, code)


def _later(broker: str, code: int) -> RetryLater:
    what, remedy = _REMARKS.get(code, (f"refused (reason code {code})", "Look at its log."))
    return RetryLater(f"The MQTT broker {broker} {what}.", remedy=f"{remedy} {_AGAIN}".strip())


def unreachable(broker: str, error: Exception) -> RetryLater:
    """What follows from a connection that could not be made."""
    reason = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    if type(error).__name__ == "SSLCertVerificationError":
        return RetryLater(
            f"The certificate of the MQTT broker {broker} is not trusted ({reason}).",
            remedy=f"Name the right host in url and the authority in ca_file. {_AGAIN}",
        )
    return RetryLater(
        f"The MQTT broker {broker} cannot be reached ({reason or type(error).__name__}).",
        remedy=f"Start it, or correct url. {_AGAIN}",
    )


def silent(broker: str, seconds: float) -> RetryLater:
    """What follows from an answer that did not come."""
    return RetryLater(
        f"The MQTT broker {broker} did not answer within {seconds:g} seconds.",
        remedy=f"Look whether it still works. {_AGAIN}",
    )


def gone(broker: str, reason: str = "") -> RetryLater:
    """What follows from a connection that ended."""
    why = f" ({reason})" if reason else ""
    return RetryLater(f"The connection to the MQTT broker {broker} ended{why}.", remedy=_AGAIN)
