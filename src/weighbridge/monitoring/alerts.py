"""What is reported, and when: each problem once, and once more when it is over.

A ``CheckResult`` says how one thing stands now (``monitoring.checks``); an ``Alert`` remembers what
was reported about it. The rule that leads from one to the next is pure, and the memory is a table,
so a restart repeats nothing and forgets nothing. Texts are codes with values until they are sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from weighbridge.core.reason import Reason
from weighbridge.i18n import texts
from weighbridge.i18n.problems import STATUS
from weighbridge.storage.alert_store import Alert, AlertBook

CALM = 300.0
"""Seconds for which a thing must be well before that is reported: what comes and goes is not."""
OWN_TEXTS = "watch."
"""The beginning of the codes whose texts are in ``i18n/<language>/watch.toml``."""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one thing stands now."""

    name: str
    problem: Reason | None
    """What is wrong; None: nothing."""
    over: Reason
    """What is reported when it is well again."""
    bound: float = 0.0
    """Seconds that the problem must last before it is reported."""
    calm: float = CALM
    known: bool = True
    """False: something else stands in the way of knowing, so nothing changes."""


def message_text(reason: Reason, language: str) -> str:
    """The message that is sent. It ends with what the reader does next."""
    said = texts(language)
    if reason.code.startswith(STATUS):
        text = f"{reason.values['about']}: {reason.sentences(language)}"
        return text if reason.values.get("command") else f"{text} {said('watch.nothing_to_do')}"
    if not reason.code.startswith(OWN_TEXTS):
        return reason.sentences(language)
    what = said(reason.code, **reason.values)
    is_over = reason.code == "watch.home_again"
    return f"{what} {said('watch.nothing_to_do')}" if is_over else what


class Step(msgspec.Struct, frozen=True):
    """What is remembered from now on (None: nothing), and what is reported now."""

    alert: Alert | None
    message: Reason | None = None


def next_step(alert: Alert | None, result: CheckResult, now: float, *, heard: bool) -> Step:
    """What follows from a check. ``heard``: there is a channel on which it can be reported."""
    if not result.known:
        return Step(alert)
    if result.problem is None:
        return _over(alert, result, now)
    since = min(alert.since, now) if alert else now
    reported_at = alert.reported_at if alert else None
    found = Alert(result.name, since, reported_at, result.problem)
    if reported_at is not None or not heard or now - since < result.bound:
        return Step(found)
    return Step(msgspec.structs.replace(found, reported_at=now), result.problem)


def _over(alert: Alert | None, result: CheckResult, now: float) -> Step:
    """What was never reported is forgotten without a word."""
    if alert is None or alert.reported_at is None:
        return Step(None)
    over_since = now if alert.over_since is None else min(alert.over_since, now)
    if now - over_since < result.calm:
        return Step(msgspec.structs.replace(alert, over_since=over_since))
    return Step(None, result.over)


class Noted(msgspec.Struct):
    """What was reported now, by name, and how many problems exist."""

    news: list[str] = []
    standing: int = 0
    """So many problems exist and have lasted long enough to count."""


def note_results(
    book: AlertBook, results: Iterable[CheckResult], channels: int, now: float
) -> Noted:
    """Remember the results and report what is news. Call it inside a transaction.

    What is no longer checked (a person or a target left the configuration) is forgotten.
    """
    known = book.alerts()
    noted, watched = Noted(), set[str]()
    for result in results:
        watched.add(result.name)
        step = next_step(known.get(result.name), result, now, heard=channels > 0)
        _remember(book, result.name, known, step)
        noted.standing += stands(step.alert, result, now)
        if step.message is not None:
            book.add_message(step.message, channels, now)
            noted.news.append(result.name)
    for name in known.keys() - watched:
        book.forget(name)
    return noted


def stands(alert: Alert | None, result: CheckResult, now: float) -> bool:
    """Whether a problem counts: it was reported, or would have been if there were a channel."""
    if alert is None:
        return False
    return alert.reported_at is not None or now - alert.since >= result.bound


def _remember(book: AlertBook, name: str, known: Mapping[str, Alert], step: Step) -> None:
    if step.alert is None:
        if name in known:
            book.forget(name)
    elif step.alert != known.get(name):
        book.keep(step.alert)
