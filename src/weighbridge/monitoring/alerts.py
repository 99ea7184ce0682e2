"""Whether somebody must be told: each trouble once, and once more when it is well again.

A *finding* says how one thing stands now (``server.watching.findings``); an *alert* remembers
what became of it. The rule that leads from one to the next is pure, and the memory is a table, so
a restart tells nothing twice and forgets nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from weighbridge.storage.alert_store import Alert, AlertBook

CALM = 300.0
"""Seconds for which a thing must be well before that is told: what comes and goes tells nothing."""


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one thing stands now. Sentences are for a person and end with what to do next."""

    name: str
    trouble: str | None
    """What is wrong; None: nothing."""
    well: str
    """What is told when it is well again."""
    bound: float = 0.0
    """Seconds that the trouble must last before anybody is told."""
    calm: float = CALM
    known: bool = True
    """False: something else stands in the way of knowing, so nothing changes."""


class Step(msgspec.Struct, frozen=True):
    """What is remembered from now on (None: nothing), and what is told now."""

    alert: Alert | None
    tell: str | None = None


def next_step(alert: Alert | None, finding: CheckResult, now: float, *, heard: bool) -> Step:
    """What follows from a finding. ``heard``: there is somebody who can be told."""
    if not finding.known:
        return Step(alert)
    if finding.trouble is None:
        return _well(alert, finding, now)
    since = min(alert.since, now) if alert else now
    told_at = alert.told_at if alert else None
    found = Alert(finding.name, since, told_at, finding.trouble)
    if told_at is not None or not heard or now - since < finding.bound:
        return Step(found)
    return Step(msgspec.structs.replace(found, told_at=now), finding.trouble)


def _well(alert: Alert | None, finding: CheckResult, now: float) -> Step:
    """What nobody heard of is forgotten without a word."""
    if alert is None or alert.told_at is None:
        return Step(None)
    well_at = now if alert.well_at is None else min(alert.well_at, now)
    if now - well_at < finding.calm:
        return Step(msgspec.structs.replace(alert, well_at=well_at))
    return Step(None, finding.well)


class Taken(msgspec.Struct):
    """What came of taking findings down: names of what was told now, and what stands."""

    news: list[str] = []
    standing: int = 0
    """So many troubles are there and have lasted long enough to count."""


def take_down(book: AlertBook, findings: Iterable[CheckResult], channels: int, now: float) -> Taken:
    """Remember what was found and have told what is news. Call it inside a transaction.

    What is no longer watched (a person or a target left the configuration) is forgotten.
    """
    known = book.alerts()
    taken, watched = Taken(), set[str]()
    for finding in findings:
        watched.add(finding.name)
        step = next_step(known.get(finding.name), finding, now, heard=channels > 0)
        _remember(book, finding.name, known, step)
        taken.standing += stands(step.alert, finding, now)
        if step.tell is not None:
            book.tell(step.tell, channels, now)
            taken.news.append(finding.name)
    for name in known.keys() - watched:
        book.forget(name)
    return taken


def stands(alert: Alert | None, finding: CheckResult, now: float) -> bool:
    """Whether a trouble counts: it was told, or would have been if anybody listened."""
    if alert is None:
        return False
    return alert.told_at is not None or now - alert.since >= finding.bound


def _remember(book: AlertBook, name: str, known: Mapping[str, Alert], step: Step) -> None:
    if step.alert is None:
        if name in known:
            book.forget(name)
    elif step.alert != known.get(name):
        book.keep(step.alert)
