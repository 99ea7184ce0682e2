"""What ``weighbridge subscriptions list`` and ``check`` show, for people and for scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from weighbridge.cli.times import count, moment, span
from weighbridge.config import Person
from weighbridge.core.commands import command_line
from weighbridge.core.errors import ConfigProblem, ExitCode
from weighbridge.core.network import http_client, within
from weighbridge.runtime.subscription_reconcile import FoundSubscriptions, find_subscriptions
from weighbridge.sources.withings.notification import rules_broken, shortened
from weighbridge.sources.withings.withings_subscriptions import Subscription, name_of
from weighbridge.storage.subscription_store import SubscriptionState, SubscriptionStore
from weighbridge.sync.services import Services

PROBE_LIMIT = 10.0
"""Seconds. Withings waits for "a few" (docs/reference/withings-api.md#delivery)."""
WANTED_STATUS = 200
"""Exactly that: others had 204 refused (docs/reference/withings-api.md#address-test)."""


def listed(person: Person, found: FoundSubscriptions, callback: str | None) -> dict[str, Any]:
    """Everything that is subscribed for one person, for scripts. No address is in full."""
    return {
        "person": person.name,
        "subscriptions": [_subscription(one, found, callback) for one in found.subscriptions],
    }


def _subscription(
    one: Subscription, found: FoundSubscriptions, callback: str | None
) -> dict[str, Any]:
    return {
        "appli": one.appli,
        "subject": name_of(one.appli),
        "owner": _owner(one, found, callback),
        "callback": shortened(one.callback),
    }


def _owner(one: Subscription, found: FoundSubscriptions, callback: str | None) -> str:
    if one.callback == callback:
        return "ours"
    if one.callback not in found.ours:
        return "other"
    return "ours, old address" if callback else "ours"


def list_lines(people: list[dict[str, Any]]) -> Iterator[str]:
    """The same as a table."""
    everything = [one for person in people for one in person["subscriptions"]]
    subject = max((len(one["subject"]) for one in everything), default=0)
    owner = max((len(one["owner"]) for one in everything), default=0)
    for person in people:
        yield f"{person['person']}:{'' if person['subscriptions'] else ' none'}"
        for one in person["subscriptions"]:
            yield (
                f"  {one['appli']:>3}  {one['subject']:<{subject}}  {one['owner']:<{owner}}"
                f"  {one['callback']}"
            )


class CheckOutput(msgspec.Struct, frozen=True):
    """One thing that was looked at: for scripts, for people, and the exit code."""

    content: dict[str, Any]
    lines: list[str]
    exit_code: ExitCode


def check_address(callback: str) -> CheckOutput:
    """How the public address answers from here, and the rules that it breaks."""
    broken, seen = rules_broken(callback), probe(callback)
    content = {
        "callback": shortened(callback),
        "rules_broken": broken,
        "http_status": seen.status,
        "answer": seen.said,
    }
    lines = [f"{content['callback']}: {seen.said}", *(f"    {sentence}" for sentence in broken)]
    if broken:
        lines.append("    Withings may refuse this address; it is tried all the same.")
    return CheckOutput(content, lines, ExitCode.LOOK if seen.is_wrong else ExitCode.DONE)


def check_person(services: Services, person: Person, callback: str) -> CheckOutput:
    """What one person's account tells us of, and what is missing. Raises Problems."""
    found = find_subscriptions(services, person, callback)
    there = sorted(one.appli for one in found.subscriptions if one.callback == callback)
    archive = services.archive(person.name)
    record = SubscriptionStore(services.database, archive.account) if archive else None
    state = (record.state() if record else None) or SubscriptionState()
    trouble = state.trouble.message() if state.trouble else None
    content = {
        "person": person.name,
        "subscribed": there,
        "missing": found.differences.missing,
        "at_old_addresses": len(found.differences.old),
        "not_offered": sorted(found.left_out),
        "trouble": trouble,
        "trouble_since": moment(state.trouble_at),
        "next_try_at": moment(state.next_try_at) if state.trouble else None,
    }
    lines = [f"{person.name}: this address is notified about {_names(there) or 'nothing'}."]
    lines += _wrong(person, found)
    if state.trouble_at is not None:
        since = span(services.clock() - state.trouble_at)
        lines.append(
            f"    In trouble for {since}. {state.trouble.message() if state.trouble else ''}"
        )
    return CheckOutput(content, lines, ExitCode.LOOK if found.differences else ExitCode.DONE)


def _wrong(person: Person, found: FoundSubscriptions) -> Iterator[str]:
    missing, old = found.differences.missing, found.differences.old
    if found.left_out:
        yield f"    Withings does not offer to your application: {_names(found.left_out)}."
    if missing:
        yield f"    Missing: {_names(missing)}."
    if old:
        yield f"    Still at an old address of ours: {count(len(old), 'subscription')}."
    if missing or old:
        add = command_line("subscriptions", "add", "--person", person.name)
        yield f"    A running server repairs that by itself. To do it now: {add}"


def _names(applis: Iterable[int]) -> str:
    return ", ".join(name_of(appli) for appli in sorted(applis))


# --- Our own public address -------------------------------------------------------


class Probe(msgspec.Struct, frozen=True):
    """What a HEAD of the callback brought."""

    status: int | None
    """The HTTP status; None: no answer reached this machine."""
    said: str
    """The same as a sentence, with what to do."""

    @property
    def is_wrong(self) -> bool:
        """Somebody answers, and not as Withings wants it. No answer proves nothing."""
        return self.status not in (None, WANTED_STATUS)


def probe(callback: str) -> Probe:
    """One HEAD from this machine. Nothing is raised, and no text holds the address."""
    import httpx2

    try:
        with http_client(callback) as client:
            status = within(
                PROBE_LIMIT, lambda: client.head(callback, timeout=PROBE_LIMIT)
            ).status_code
    except TimeoutError:
        return _unreached("no answer in time")
    except (httpx2.HTTPError, httpx2.InvalidURL, ConfigProblem, ValueError) as error:
        return _unreached(type(error).__name__)
    if status == WANTED_STATUS:
        return Probe(status, "The public address answers as Withings wants it.")
    return Probe(
        status,
        f"The public address answers {status} where Withings wants {WANTED_STATUS}. Check that "
        "it leads to weighbridge serve, for HEAD as well, and that the server is running.",
    )


def _unreached(why: str) -> Probe:
    return Probe(
        None,
        f"The public address cannot be reached from this machine ({why}). Some routers do not let "
        "a house see itself from outside: try it with a telephone that is not in your network.",
    )
