"""``weighbridge status``: for each person and target, how things stand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click
import msgspec

from weighbridge.archive.brake import breaker_name
from weighbridge.archive.database import FILE_NAME, Database, Row
from weighbridge.cli.session import Session, chosen_people, print_json, say
from weighbridge.cli.times import ago, moment
from weighbridge.config import Person
from weighbridge.errors import ExitCode


class TargetStatus(msgspec.Struct):
    """One target of one person."""

    target: str
    verdict: str
    exit_code: int
    last_success: str | None
    open: dict[str, int]
    problem: str | None
    paused_until: str | None
    sign_in_blocked_until: str | None


class PersonStatus(msgspec.Struct):
    """One person."""

    person: str
    connected: bool
    verdict: str
    exit_code: int
    last_success: str | None
    not_understood: int
    targets: list[TargetStatus]


@click.command("status")
@click.option("--person", "people", multiple=True, metavar="NAME", help="Only this person.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(session: Session, people: tuple[str, ...], as_json: bool) -> int:
    """Say for each person and target how things stand. Nothing outside is asked.

    The exit code says the same as that of sync: 0 means that nothing needs you.

    \b
    Example: weighbridge status --json
    """
    settings = session.settings()
    chosen = chosen_people(settings, people)
    if not (settings.home / FILE_NAME).exists():
        say("Nothing was connected yet. Next: weighbridge login withings")
        return ExitCode.LOG_IN
    with Database(settings.home) as database:
        found = [person_status(database, person, time.time()) for person in chosen]
    if as_json:
        print_json(found)
    else:
        for line in _lines(found):
            click.echo(line)
    return _most_urgent(found)


def person_status(database: Database, person: Person, now: float) -> PersonStatus:
    """How one person stands, read from the database alone."""
    account = database.one("account_of", person=person.name)
    login = database.one("credential_of", person=person.name, service="withings")
    verdict, code = _source_verdict(person.name, account, login, now)
    odd = database.one("count_odd_groups", account=account["id"]) if account else None
    return PersonStatus(
        person=person.name,
        connected=login is not None,
        verdict=verdict,
        exit_code=code,
        last_success=moment(account["checked_at"]) if account else None,
        not_understood=odd["number"] if odd else 0,
        targets=[_target_status(database, person.name, t.name, now) for t in person.targets],
    )


def _source_verdict(
    person: str, account: Row | None, login: Row | None, now: float
) -> tuple[str, ExitCode]:
    log_in = f"Run: weighbridge login withings --person {person}"
    if login is None or account is None:
        return f"not connected. {log_in}", ExitCode.LOG_IN
    if login["login_needed"]:
        return f"log in again ({login['login_needed']}) {log_in}", ExitCode.LOG_IN
    if account["trouble"]:
        since = ago(account["trouble_at"], now)
        return f"trouble since {since}: {account['trouble']}", ExitCode.LATER
    if account["checked_at"] is None:
        return "connected, never asked yet. Run: weighbridge sync", ExitCode.LATER
    return f"asked {ago(account['checked_at'], now)}", ExitCode.DONE


def _target_status(database: Database, person: str, target: str, now: float) -> TargetStatus:
    row = database.one("route_of", person=person, target=target)
    brake = database.one("brake_of", name=breaker_name(person, target))
    blocked = brake["until"] if brake and brake["until"] > now else None
    if row is None:
        return TargetStatus(
            target, "never served yet", ExitCode.LATER, None, {}, None, None, moment(blocked)
        )
    counts = {r["state"]: r["number"] for r in database.all("count_open", route=row["id"])}
    return TargetStatus(
        target=target,
        verdict=_verdict(row, counts, now),
        exit_code=_code(row, counts),
        last_success=moment(row["succeeded_at"]),
        open=counts,
        problem=row["trouble"],
        paused_until=moment(row["pause_until"]) if row["pause_until"] > now else None,
        sign_in_blocked_until=moment(blocked),
    )


_WORDS = {
    "planned": "waiting",
    "sending": "being sent",
    "unknown": "may have arrived",
    "blocked": "waiting for a login",
    "held": "held because the owner is in doubt",
    "rejected": "rejected",
}


def _verdict(row: Row, counts: dict[str, int], now: float) -> str:
    parts = [f"{counts[state]} {words}" for state, words in _WORDS.items() if counts.get(state)]
    text = ", ".join(parts) or "up to date"
    if row["succeeded_at"]:
        text += f", last success {ago(row['succeeded_at'], now)}"
    return text


def _code(row: Row, counts: dict[str, int]) -> ExitCode:
    if counts.get("blocked") or row["trouble_kind"] == "LoginNeeded":
        return ExitCode.LOG_IN
    if counts.get("rejected") or counts.get("unknown"):
        return ExitCode.LOOK
    if counts.get("planned") or counts.get("sending"):
        return ExitCode.LATER
    return ExitCode.DONE


def _lines(found: list[PersonStatus]) -> Iterator[str]:
    for person in found:
        yield f"{person.person}: Withings {person.verdict}"
        if person.not_understood:
            yield f"  {person.not_understood} measure groups could not be understood; they are kept"
        for target in person.targets:
            yield f"  {target.target}: {target.verdict}"
            if target.problem:
                yield f"    {target.problem}"
            if target.paused_until:
                yield f"    It asked to be left alone until {target.paused_until}."
            if target.sign_in_blocked_until:
                yield f"    Sign-in is blocked until {target.sign_in_blocked_until}."


def _most_urgent(found: list[PersonStatus]) -> ExitCode:
    codes: set[Any] = {person.exit_code for person in found}
    codes |= {target.exit_code for person in found for target in person.targets}
    urgent = (ExitCode.USAGE, ExitCode.LOG_IN, ExitCode.LOOK, ExitCode.LATER)
    return next((code for code in urgent if code in codes), ExitCode.DONE)
