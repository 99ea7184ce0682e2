"""Keeps the subscriptions of everybody in order: at the start, daily, and patiently after problems.

When to look next is kept in the database, so that a restart does not begin to hammer. The steps
themselves are in ``subscription_reconcile``.
"""

from __future__ import annotations

import logging
import random as system_random
from collections.abc import Callable, Collection

from weighbridge.config import Person, everyone
from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater, StateProblem
from weighbridge.runtime.subscription_reconcile import Reconciliation, SubscriptionReport
from weighbridge.sources.withings.notification import CALLBACK_PATH, callback_at, rules_broken
from weighbridge.sources.withings.withings_subscriptions import name_of
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
(docs/reference/withings-api.md#callbacks)."""
DAY = 86_400.0
FRESH = 10 * 60.0
"""Seconds. A start looks again, but a server that starts every minute does not."""
JITTER = 0.1
"""A pause is longer by up to this part of it."""


def callback_of(services: Services) -> str | None:
    """The address that Withings is to notify now; None without a public address.

    Ask for it each time: a person may rotate the secret while the server runs.
    """
    public = services.settings.server.url
    if public is None:
        return None
    return callback_at(public, current_secret(services.database, services.clock()))


def warn_about_url(services: Services) -> bool:
    """Log once, at the start, what is wrong with the public address. False: there is none."""
    callback = callback_of(services)
    if callback is None:
        log.info("no_notifications", extra={"reason": "[server] has no url", "instead": "polls"})
        return False
    for sentence in rules_broken(callback):
        log.warning("public_address", extra={"rule": sentence, "next": "tried all the same"})
    return True


def keep_in_order(
    services: Services,
    *,
    random: Callable[[], float],
    started_at: float,
    pause: float,
) -> None:
    """Look after everybody, again and again with ``pause`` seconds between, until ``sleep`` of the
    services raises. Returns at once without a public address.

    Raises Problems of the home folder.
    """
    if not warn_about_url(services):
        return
    while True:
        look_after_all(services, random=random, started_at=started_at)
        services.sleep(pause)


def look_after_all(services: Services, *, random: Callable[[], float], started_at: float) -> None:
    """One pass over everybody whose subscriptions are due. One person's problem stops no other."""
    moved = None
    for person in everyone(services.settings.directory):
        try:
            moved = _look_after_if_due(services, person, random, started_at) or moved
        except Problem as problem:
            log.warning("subscriptions_failed", extra={"problem": problem.message})
    if moved is not None:
        retire_unused(services, moved)


def _look_after_if_due(
    services: Services, person: Person, random: Callable[[], float], started_at: float
) -> str | None:
    """The callback to which the subscriptions of this person were moved."""
    archive, callback = services.archive(person.name), callback_of(services)
    if archive is None or callback is None:
        return None
    now = services.clock()
    due = due_at(services.database, archive.account, now, callback=callback, started_at=started_at)
    if due > now:
        return None
    report = look_after(services, person, callback, random=random)
    return callback if report.problem is None else None


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
    What was in order before ``started_at`` is looked at again, unless that was minutes ago. After
    a failure its pause counts, whatever is started in between.
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
    services: Services,
    person: Person,
    callback: str,
    *,
    random: Callable[[], float] = system_random.random,
    tell: Callable[[str], None] = lambda text: None,
    extra: Collection[int] = (),
    ask_again: bool = False,
) -> SubscriptionReport:
    """Put the subscriptions of one person in order. May be stopped anywhere and begun again.

    ``extra``: subjects that a person asks for; ``ask_again``: for those too that Withings did not
    offer before. A problem is part of the report, is written down, and is tried again at
    ``next_try_at``. Raises StateProblem and whatever ``sleep`` of the services raises to stop it.
    """
    clock, archive = services.clock, services.archive(person.name)
    if archive is None:
        return SubscriptionReport(
            person.name, problem=_not_connected(person), next_try_at=clock() + DAY
        )
    store = SubscriptionStore(services.database, archive.account)
    store.begin(callback)
    if ask_again:
        store.take_back()
    remember_callback(services.database, callback, clock())  # ours before it is first used
    steps = Reconciliation(services, person, tell)
    report = _carried_out(steps, lambda: steps.reconcile(callback, extra))
    _note(store, report, clock(), random)
    return report


def remove_ours(
    services: Services,
    person: Person,
    *,
    tell: Callable[[str], None] = lambda text: None,
    only: Collection[int] = (),
) -> SubscriptionReport:
    """Revoke our subscriptions, all or ``only`` some subjects. Raises like ``look_after``."""
    steps = Reconciliation(services, person, tell)
    report = _carried_out(steps, lambda: steps.remove(only))
    archive = services.archive(person.name)
    if archive is not None and report.revoked:
        store = SubscriptionStore(services.database, archive.account)
        store.note_removed(services.clock() + DAY)
    return report


def retire_unused(services: Services, callback: str) -> None:
    """End old secrets once the subscriptions of everybody were moved to ``callback``.

    It looks at everybody: call it once after a pass, not once a person.
    """
    for person in everyone(services.settings.directory):
        archive = services.archive(person.name)
        state = SubscriptionStore(services.database, archive.account).state() if archive else None
        tokens = services.tokens(person.name)
        if state is None or tokens.load() is None or tokens.login_needed():
            continue  # nothing of ours is subscribed, or no notification could be followed anyway
        if not state.settled_at(callback):
            return
    secret = callback.rpartition(CALLBACK_PATH)[2]
    if ended := retire(services.database, secret, services.clock()):
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


def _carried_out(steps: Reconciliation, work: Callable[[], None]) -> SubscriptionReport:
    try:
        work()
    except StateProblem:  # nothing could be written down about it
        raise
    except Problem as problem:
        steps.report.problem = problem
    return steps.report


def _not_connected(person: Person) -> LoginNeeded:
    return LoginNeeded(
        code="withings.never_logged_in", login=login_command("withings", person.name)
    )


def _note(
    store: SubscriptionStore, report: SubscriptionReport, now: float, random: Callable[[], float]
) -> None:
    """Write down how it went, and when to look again."""
    for appli in report.left_out:
        store.leave_out(appli, now)
        log.warning("not_offered", extra={"person": report.person, "subject": name_of(appli)})
    before = store.state() or SubscriptionState()
    report.next_try_at = now + pause_after(report.problem, before.steps) * (1 + JITTER * random())
    if report.problem is None:
        store.note_in_order(now, report.next_try_at)
    elif isinstance(report.problem, LoginNeeded):
        store.postpone(report.next_try_at)  # pages and alerts name that problem on their own
    else:
        store.note_trouble(report.problem, now, report.next_try_at)
    _log_report(report, before)


def _log_report(report: SubscriptionReport, before: SubscriptionState) -> None:
    """What changed; a problem that lasts is a warning once."""
    done = {"subscribed": report.subscribed, "revoked": report.revoked}
    if report.problem is None and (report.subscribed or report.revoked or before.trouble):
        log.info("subscriptions_in_order", extra={"person": report.person, **done})
    elif report.problem is not None:
        level = logging.INFO if before.trouble else logging.WARNING
        kind = type(report.problem).__name__
        log.log(level, "subscriptions_wait", extra={"person": report.person, "problem": kind})
