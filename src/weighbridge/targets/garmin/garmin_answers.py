"""What Garmin's answers mean: a status and a body become a decision. Pure.

Source: docs/reference/garmin.md#uploads. Where it leaves a choice:

    402, 403        RetryLater: "login or header problem, not the file"
                    (RobertWojtowicz/export2garmin#31), and often a block of this network, which
                    another sign-in would only prolong
    404, 405, 3xx   RetryLater: the service moved or is shut, no reading is to blame
    409             delivered: already there. The engine looks afterwards
    500, 502, 504   OutcomeUnknown: the request reached a part of Garmin, the rest is not known
    503             RetryLater: turned away at the door
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.core.reason import reason
from weighbridge.targets.http import HttpAnswer

PAUSE_SECONDS = 900.0
"""How long to leave Garmin alone when it does not say (docs/reference/garmin.md#limits)."""

DUPLICATE = 202
"""The code of the message "Duplicate Activity." (docs/reference/garmin.md#uploads)."""

type What = Literal["file", "pressure", "profile", "weigh_ins", "pressures", "deletion", "renewal"]
"""What was asked for or written: the end of a code ``garmin.<...>`` that names it."""

_REFUSING = frozenset({400, 406, 411, 412, 413, 414, 415, 422})
_PAUSING = frozenset({402, 403, 429})
_TURNED_AWAY = frozenset({503, 521, 523})
"""503, and the codes with which Cloudflare says that it reached no server at all."""

_LONGEST_QUOTE = 200


def trouble_of_write(answer: HttpAnswer, what: What) -> Problem:
    """The decision after a write that did not succeed; ``what`` was written, for the message."""
    status, named = answer.status, reason(f"garmin.{what}")
    if status == 401:
        return LoginNeeded(code="garmin.login_refused", login=login_command("garmin"))
    if status in _PAUSING:
        asked = answer.retry_after
        after = PAUSE_SECONDS if asked is None else asked
        return RetryLater(code="garmin.turned_away", after=after, what=named, status=status)
    if status in _REFUSING:
        said = "; ".join(complaints_of(answer.json()))
        code = "garmin.refused" if said else "garmin.refused_silently"
        return Refused(code=code, what=named, status=status, answer=said)
    if status in _TURNED_AWAY:
        return RetryLater(code="garmin.unavailable", after=answer.retry_after, status=status)
    if status >= 500 or answer.is_good:
        return OutcomeUnknown(code="garmin.doubtful", what=named, status=status)
    return RetryLater(code="garmin.not_taken", what=named, status=status)


def trouble_of_read(answer: HttpAnswer, what: What) -> Problem:
    """The decision after a read or a deletion that did not succeed: nothing new has arrived."""
    problem = trouble_of_write(answer, what)
    if isinstance(problem, (RetryLater, LoginNeeded)):
        return problem
    return RetryLater(
        code="garmin.not_answered", what=reason(f"garmin.{what}"), status=answer.status
    )


def check_upload(answer: HttpAnswer) -> None:
    """Return when the file was taken or was there already; raise what follows otherwise.

    A good status alone proves nothing: the failures are in the body
    (docs/reference/garmin.md#uploads).
    """
    if answer.status == 409:
        return
    report = import_report(answer.json())
    if not answer.is_good or report is None:
        raise trouble_of_write(answer, "file")
    failures = report.get("failures")
    if failures and not _only_duplicates(failures):
        said = "; ".join(_messages(failures))
        code = "garmin.file_refused" if said else "garmin.file_refused_silently"
        raise Refused(code=code, answer=said)


def pressure_reference(answer: HttpAnswer) -> str:
    """The reference ``version:day`` of a blood pressure that was just written.

    Empty when it was there already. Raises what follows when it was not taken.
    """
    if answer.status == 409:
        return ""
    content = answer.json()
    if not answer.is_good or not isinstance(content, dict):
        raise trouble_of_write(answer, "pressure")
    version, local = content.get("version"), content.get("measurementTimestampLocal")
    if not isinstance(version, int) or not isinstance(local, str):
        raise trouble_of_write(answer, "pressure")
    return f"{version}:{local[:10]}"


class GarminProfile(msgspec.Struct, frozen=True):
    """Who answers. ``account`` never changes, ``name`` is for people."""

    account: str
    display_name: str
    name: str


def read_profile(answer: HttpAnswer) -> GarminProfile:
    """The ``socialProfile`` of the account that is logged in. Raises RetryLater or LoginNeeded."""
    content = answer.json()
    if not answer.is_good or not isinstance(content, dict):
        raise trouble_of_read(answer, "profile")
    number, display = content.get("profileId"), content.get("displayName")
    if not number and not display:
        raise RetryLater(code="garmin.nameless_profile")
    display = str(display or "")
    return GarminProfile(str(number or display), display, str(content.get("fullName") or display))


def import_report(content: Any) -> dict[str, Any] | None:
    """The envelope of an upload answer, None when there is none."""
    report = content.get("detailedImportResult") if isinstance(content, dict) else None
    return report if isinstance(report, dict) else None


def complaints_of(content: Any) -> list[str]:
    """What an error body says, in Garmin's words."""
    report = import_report(content)
    if report is not None and report.get("failures"):
        return list(_messages(report["failures"]))
    if not isinstance(content, dict):
        return []
    texts = [content.get(key) for key in ("message", "content", "error")]
    return [text[:_LONGEST_QUOTE] for text in texts if isinstance(text, str)]


def _entries(failures: Any) -> Iterator[dict[str, Any]]:
    """Every message of every failure; what has another shape is one without a code."""
    for failure in failures if isinstance(failures, list) else [failures]:
        messages = failure.get("messages") if isinstance(failure, dict) else None
        for message in messages if isinstance(messages, list) and messages else [{}]:
            yield message if isinstance(message, dict) else {"content": message}


def _messages(failures: Any) -> Iterator[str]:
    for entry in _entries(failures):
        if isinstance(entry.get("content"), str):
            yield entry["content"][:_LONGEST_QUOTE]


def _only_duplicates(failures: Any) -> bool:
    return all(entry.get("code") == DUPLICATE for entry in _entries(failures))
