"""``weighbridge status``: for each person and target, how things stand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
import msgspec

from weighbridge.cli.cli_context import (
    CliContext,
    chosen_people,
    people_option,
    refuse_unconfigured,
)
from weighbridge.cli.output import echo, print_json
from weighbridge.cli.times import ago, count, moment, span
from weighbridge.config import Person, TargetSettings
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import most_urgent
from weighbridge.core.reason import Reason, reason
from weighbridge.storage.database import Database, connect, has_database
from weighbridge.sync.status_lines import (
    StatusLine,
    source_line,
    source_login_reason,
    target_lines,
    target_login_reason,
)
from weighbridge.sync.sync_status import (
    SourceState,
    SourceStatus,
    TargetStatus,
    source_status,
    target_status,
)


class TargetReport(msgspec.Struct):
    """One target of one person. The keys are documented in the reference of file formats."""

    target: str
    verdict: str
    exit_code: int
    problem: str | None = None
    last_success: str | None = None
    open: dict[str, int] = {}
    not_seen_yet: int = 0
    paused_until: str | None = None
    sign_in_blocked_until: str | None = None


class PersonReport(msgspec.Struct):
    """One person."""

    person: str
    connected: bool
    verdict: str
    exit_code: int
    problem: str | None
    last_success: str | None
    not_understood: int
    targets: list[TargetReport]


@click.command("status")
@people_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(context: CliContext, people: tuple[str, ...], as_json: bool) -> int:
    """Show the state of each person and target. No service is contacted.

    \b
    Exit code, as of sync: 0 everything is done, 1 look at a delivery, 3 log in,
               4 not delivered yet.

    \b
    Examples:
      weighbridge status
      weighbridge status --json
    """
    settings = context.settings()
    chosen = chosen_people(settings, people)
    now = time.time()
    if not has_database(settings.home):
        refuse_unconfigured(settings)
        found = [_person_status(None, person, now) for person in chosen]
    else:
        with connect(settings.home) as database:
            found = [_person_status(database, person, now) for person in chosen]
    if as_json:
        print_json(found)
    else:
        for line in _lines(found):
            echo(line)
    codes = {person.exit_code for person in found}
    return most_urgent(codes | {t.exit_code for person in found for t in person.targets})


def _person_status(database: Database | None, person: Person, now: float) -> PersonReport:
    """How one person stands; None: there is no database yet."""
    source = source_status(database, person.name)
    verdict, problem = say_source(person.name, source, now)
    return PersonReport(
        person=person.name,
        connected=source.connected,
        verdict=verdict,
        exit_code=source.exit_code,
        problem=problem,
        last_success=moment(source.checked_at),
        not_understood=source.not_understood,
        targets=[_status_of(database, person.name, target, now) for target in person.targets],
    )


def say_source(person: str, source: SourceStatus, now: float) -> tuple[str, str | None]:
    """A sentence, and what to do."""
    login = source_login_reason(person, source)
    problem = _cause_and_remedy(login) if login else _said(source.trouble)
    if source.verdict is SourceState.NOT_READ_YET:
        problem = "Run: weighbridge sync"
    return _sentence(source_line(source), now), problem


def _status_of(
    database: Database | None, person: str, target: TargetSettings, now: float
) -> TargetReport:
    standing = target_status(database, person, target, now)
    login = target_login_reason(person, target.name, standing)
    return TargetReport(
        target=target.name,
        verdict=say_target(standing, _due(database, person, target, standing, now), now),
        exit_code=standing.exit_code,
        problem=_cause_and_remedy(login) if login else _said(standing.trouble),
        last_success=moment(standing.succeeded_at),
        open=dict(standing.open),
        not_seen_yet=standing.unseen,
        paused_until=moment(standing.pause_until),
        sign_in_blocked_until=moment(standing.sign_in_blocked_until),
    )


def _due(
    database: Database | None,
    person: str,
    target: TargetSettings,
    standing: TargetStatus,
    now: float,
) -> float | None:
    """When something that waits is tried next; None: nothing waits."""
    if database is None or not standing.open.keys() & {State.PLANNED, State.SENDING}:
        return None
    from weighbridge.storage.ledger import Ledger
    from weighbridge.sync.retry import next_due

    return next_due(Ledger(database, person, target.name, now), now)


def _said(why: Reason | None) -> str | None:
    return why.sentences() if why else None


def _cause_and_remedy(login: Reason) -> str:
    """Why a login is needed, if that is known, and the command."""
    alone = Reason(login.code).message()
    return login.sentences().removeprefix(alone).lstrip()


def say_target(standing: TargetStatus, due: float | None, now: float) -> str:
    lines = target_lines(standing, due, now)
    if held := standing.open.get(State.HELD):
        lines.append(StatusLine("held", held))
    if standing.succeeded_at:
        lines.append(StatusLine("delivered_at", at=standing.succeeded_at))
    return " ".join(_sentence(line, now) for line in lines)


def _sentence(line: StatusLine, now: float) -> str:
    return reason(f"status.{line.key}", count=line.count, moment=_when(line, now)).message()


def _when(line: StatusLine, now: float) -> str:
    if line.at is None:
        return ""
    if line.key in ("read_at", "delivered_at"):
        return ago(line.at, now)
    return f"in {span(line.at - now)}" if line.at > now else moment(line.at) or ""


def _lines(found: list[PersonReport]) -> Iterator[str]:
    for person in found:
        yield person.person
        yield f"  Withings: {person.verdict}"
        if person.problem:
            yield f"    {person.problem}"
        if person.not_understood:
            groups = count(person.not_understood, "measure group")
            kept = "it is kept" if person.not_understood == 1 else "they are kept"
            yield f"    {groups} could not be understood; {kept}, the rest went on."
        for target in person.targets:
            yield from _target_lines(target)
    states = {state: None for person in found for target in person.targets for state in target.open}
    yield from (_HINTS[state] for state in states if state in _HINTS)


def _target_lines(target: TargetReport) -> Iterator[str]:
    yield f"  {target.target}: {target.verdict}"
    if target.problem:
        yield f"    {target.problem}"
    if target.paused_until:
        yield f"    It asked to be left alone until {target.paused_until}."
    if target.sign_in_blocked_until:
        yield f"    Sign-in is blocked until {target.sign_in_blocked_until}."


_HINTS = {
    "held": "See what waits for a decision: weighbridge deliveries list --state held",
    "rejected": "See what was refused: weighbridge deliveries list --state rejected",
    "unknown": "See what may have arrived: weighbridge deliveries list --state unknown",
}
