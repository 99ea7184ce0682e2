"""Subscriptions that look after themselves: on start, daily, and patiently while there is trouble.

When to look is kept in the database, so that a restart does not begin to hammer. The steps
themselves are in ``mending``.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection

from weighbridge.config import Person
from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater, StateProblem
from weighbridge.runtime.subscription_reconcile import Mending, SubscriptionReport
from weighbridge.sources.withings.notify_url import CALLBACK_PATH, callback_at, rules_broken
from weighbridge.sources.withings.subscriptions import name_of
from weighbridge.storage.database import Database
from weighbridge.storage.subscription_store import (
    SubscriptionState,
    SubscriptionStore,
    current_secret,
    remember_callback,
    retire,
)
from weighbridge.sync.services import Services

log = logging.getLogger(__name__)

PAUSES = (30.0, 60.0, 120.0, 240.0)
LONGEST_PAUSE = 30 * 60.0
"""Seconds after a failure: a callback is refused at random at times, for hours, and then is not
(home-assistant/core#162189)."""
DAY = 86_400.0
FRESH = 10 * 60.0
"""Seconds. A start looks again, but a server that starts every minute does not."""
JITTER = 0.1
"""A pause is longer by up to this part of it."""


def callback_of(workplace: Services) -> str | None:
    """The address that Withings is to notify now; None without a public address.

    Ask for it each time: a person may rotate the secret while the server runs.
    """
    public = workplace.settings.server.url
    if public is None:
        return None
    return callback_at(public, current_secret(workplace.database, workplace.clock()))


def introduce(workplace: Services) -> bool:
    """Say once, at the start, what is to be said about the public address. False: there is none."""
    callback = callback_of(workplace)
    if callback is None:
        log.info("no_notifications", extra={"reason": "[server] has no url", "instead": "polls"})
        return False
    for sentence in rules_broken(callback):
        log.warning("public_address", extra={"rule": sentence, "next": "tried all the same"})
    return True


def due_at(
    database: Database,
    account: int,
    now: float,
    *,
    callback: str | None = None,
    started_at: float | None = None,
) -> float:
    """When the subscriptions of an account are to be looked after, in epoch seconds.

    At once when nobody ever looked, or when ``callback`` is another one than at the last look.
    What was in order before ``started_at`` is looked at anew, unless that was minutes ago. After a
    failure its pause counts, whoever starts in between.
    """
    state = SubscriptionStore(database, account).state()
    if state is None or callback not in (None, state.callback):
        return now
    if state.next_try_at > now + 2 * DAY:
        return now  # the clock was wrong then or is wrong now
    due = state.next_try_at
    if state.trouble or state.listed_at is None or started_at is None:
        return due
    return min(due, state.listed_at + FRESH) if state.listed_at < started_at else due


def look_after(  # noqa: PLR0913  what is outside is passed in
    workplace: Services,
    person: Person,
    callback: str,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    chance: Callable[[], float] = random.random,
    tell: Callable[[str], None] = lambda text: None,
    extra: Collection[int] = (),
    anew: bool = False,
) -> SubscriptionReport:
    """Put the subscriptions of one person in order. May be stopped anywhere and begun again.

    ``extra``: subjects that a person asks for; ``anew``: ask again for those that Withings does
    not offer. A problem is part of the answer, is written down, and is tried again at
    ``next_try_at``. Raises StateProblem and whatever ``sleep`` raises to stop it.
    """
    archive = workplace.archive(person.name)
    if archive is None:
        return SubscriptionReport(
            person.name, problem=_not_connected(person), next_try_at=clock() + DAY
        )
    record = SubscriptionStore(workplace.database, archive.account)
    record.begin(callback)
    if anew:
        record.take_back()
    remember_callback(workplace.database, callback, clock())  # ours before it is first used
    mending = Mending(workplace, person, sleep=sleep, tell=tell)
    care = _carried_out(mending, lambda: mending.mend(callback, extra))
    _note(record, care, clock(), chance)
    if care.problem is None:
        retire_unused(workplace, callback)
    return care


def remove_ours(
    workplace: Services,
    person: Person,
    *,
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda text: None,
    only: Collection[int] = (),
) -> SubscriptionReport:
    """Revoke our subscriptions, all or ``only`` some subjects. Raises like ``look_after``."""
    mending = Mending(workplace, person, sleep=sleep, tell=tell)
    care = _carried_out(mending, lambda: mending.remove(only))
    archive = workplace.archive(person.name)
    if archive is not None and care.revoked:
        record = SubscriptionStore(workplace.database, archive.account)
        record.note_removed(workplace.clock() + DAY)
    return care


def retire_unused(workplace: Services, callback: str) -> None:
    """Old secrets open the door until the subscriptions of everybody were moved to ``callback``."""
    for person in workplace.settings.people:
        archive = workplace.archive(person.name)
        state = SubscriptionStore(workplace.database, archive.account).state() if archive else None
        tokens = workplace.tokens(person.name)
        if state is None or tokens.load() is None or tokens.login_needed():
            continue  # nothing of ours is subscribed, or no notification could be followed anyway
        if not state.settled_at(callback):
            return
    secret = callback.rpartition(CALLBACK_PATH)[2]
    if ended := retire(workplace.database, secret, workplace.clock()):
        log.info("old_secrets_retired", extra={"number": ended})


def pause_after(problem: Problem | None, failures: int) -> float:
    """Seconds until the next look; ``failures`` in a row came before this one."""
    if problem is None:
        return DAY
    if isinstance(problem, LoginNeeded):
        return LONGEST_PAUSE  # it costs no call, and a login is followed soon
    if not isinstance(problem, RetryLater):
        return DAY
    pause = PAUSES[failures] if failures < len(PAUSES) else LONGEST_PAUSE
    return max(pause, problem.after or 0.0)


def _carried_out(mending: Mending, work: Callable[[], None]) -> SubscriptionReport:
    try:
        work()
    except StateProblem:  # nothing could be written down about it
        raise
    except Problem as problem:
        mending.care.problem = problem
    return mending.care


def _not_connected(person: Person) -> LoginNeeded:
    return LoginNeeded(
        code="withings.never_logged_in", login=login_command("withings", person.name)
    )


def _note(
    record: SubscriptionStore, care: SubscriptionReport, now: float, chance: Callable[[], float]
) -> None:
    """Write down how it went, and when to look again."""
    for appli in care.left_out:
        record.leave_out(appli, now)
        log.warning("not_offered", extra={"person": care.person, "subject": name_of(appli)})
    before = record.state() or SubscriptionState()
    care.next_try_at = now + pause_after(care.problem, before.steps) * (1 + JITTER * chance())
    if care.problem is None:
        record.note_in_order(now, care.next_try_at)
    elif isinstance(care.problem, LoginNeeded):
        record.postpone(care.next_try_at)  # a trouble of its own, and told as such
    else:
        record.note_trouble(care.problem.message, now, care.next_try_at)
    _tell_log(care, before)


def _tell_log(care: SubscriptionReport, before: SubscriptionState) -> None:
    """What changed; a trouble that lasts is told once."""
    done = {"subscribed": care.subscribed, "revoked": care.revoked}
    if care.problem is None and (care.subscribed or care.revoked or before.trouble):
        log.info("subscriptions_in_order", extra={"person": care.person, **done})
    elif care.problem is not None:
        level = logging.INFO if before.trouble else logging.WARNING
        kind = type(care.problem).__name__
        log.log(level, "subscriptions_wait", extra={"person": care.person, "problem": kind})
