"""``weighbridge status``: for each person and target, how things stand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click
import msgspec

from weighbridge.archive.brake import breaker_name
from weighbridge.archive.database import FILE_NAME, Database, Row
from weighbridge.cli.folding import tell
from weighbridge.cli.session import (
    Session,
    chosen_people,
    in_shell,
    print_json,
    refuse_unconfigured,
)
from weighbridge.cli.times import ago, count, moment, span
from weighbridge.config import Person, TargetSettings
from weighbridge.errors import ExitCode, most_urgent
from weighbridge.targets import load_kind


class TargetStatus(msgspec.Struct):
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


class PersonStatus(msgspec.Struct):
    """One person."""

    person: str
    connected: bool
    verdict: str
    exit_code: int
    problem: str | None
    last_success: str | None
    not_understood: int
    targets: list[TargetStatus]


@click.command("status")
@click.option("--person", "people", multiple=True, metavar="NAME", help="Only this person.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(session: Session, people: tuple[str, ...], as_json: bool) -> int:
    """Say for each person and target how things stand. Nothing outside is asked.

    The exit code says the same as that of sync: 0 nothing is left undone, 1 look, 3 log in,
    4 not delivered yet.

    \b
    Examples:
      weighbridge status
      weighbridge status --json
    """
    settings = session.settings()
    chosen = chosen_people(settings, people)
    now = time.time()
    if not (settings.home / FILE_NAME).exists():
        refuse_unconfigured(settings)
        found = [_person_status(None, person, now) for person in chosen]
    else:
        with Database(settings.home) as database:
            found = [_person_status(database, person, now) for person in chosen]
    if as_json:
        print_json(found)
    else:
        for line in _lines(found):
            tell(line)
    codes = {person.exit_code for person in found}
    return most_urgent(codes | {t.exit_code for person in found for t in person.targets})


def _person_status(database: Database | None, person: Person, now: float) -> PersonStatus:
    """How one person stands, read from the database alone; None: there is none yet."""
    account = login = odd = None
    if database:
        account = database.one("account_of", person=person.name)
        login = database.one("credential_of", person=person.name, service="withings")
    if database and account:
        odd = database.one("count_odd_groups", account=account["id"])
    verdict, problem, code = _source_verdict(person.name, account, login, now)
    return PersonStatus(
        person=person.name,
        connected=login is not None,
        verdict=verdict,
        exit_code=code,
        problem=problem,
        last_success=moment(account["checked_at"]) if account else None,
        not_understood=odd["number"] if odd else 0,
        targets=[_status_of(database, person.name, target, now) for target in person.targets],
    )


def _status_of(
    database: Database | None, person: str, target: TargetSettings, now: float
) -> TargetStatus:
    """A target that was never signed in needs that before anything else."""
    status = _target_status(database, person, target.name, now)
    if status.verdict != _NEVER or not hasattr(load_kind(target.kind), "sign_in"):
        return status
    service = f"target {target.name}"
    if database and database.one("credential_of", person=person, service=service):
        return status
    status.verdict, status.exit_code = "not signed in", ExitCode.LOG_IN
    status.problem = f"Run: weighbridge login {in_shell(target.name)} --person {in_shell(person)}"
    return status


def _source_verdict(
    person: str, account: Row | None, login: Row | None, now: float
) -> tuple[str, str | None, ExitCode]:
    """A few words, what to do, the exit code."""
    log_in = f"Run: weighbridge login withings --person {in_shell(person)}"
    if login is None or account is None:
        return "not connected", log_in, ExitCode.LOG_IN
    if login["login_needed"]:
        return "needs a login", f"{login['login_needed']} {log_in}", ExitCode.LOG_IN
    if account["trouble"]:
        verdict = f"in trouble for {span(now - account['trouble_at'])}"
        return verdict, account["trouble"], ExitCode.LATER
    if account["checked_at"] is None:
        return "connected, not read yet", "Run: weighbridge sync", ExitCode.LATER
    return f"read {ago(account['checked_at'], now)}", None, ExitCode.DONE


def _target_status(database: Database | None, person: str, target: str, now: float) -> TargetStatus:
    if database is None:
        return TargetStatus(target, _NEVER, ExitCode.LATER)
    row = database.one("route_of", person=person, target=target)
    brake = database.one("brake_of", name=breaker_name(person, target))
    blocked = moment(brake["until"]) if brake and brake["until"] > now else None
    if row is None or (not row["fingerprint"] and not row["trouble"]):
        return TargetStatus(target, _NEVER, ExitCode.LATER, sign_in_blocked_until=blocked)
    counts = {r["state"]: r["number"] for r in database.all("count_open", route=row["id"])}
    unseen = database.one("count_unseen", route=row["id"])
    return TargetStatus(
        target=target,
        verdict=_verdict(row, counts, unseen["number"] if unseen else 0, now),
        exit_code=_code(row, counts),
        problem=row["trouble"],
        last_success=moment(row["succeeded_at"]),
        open=counts,
        not_seen_yet=unseen["number"] if unseen else 0,
        paused_until=moment(row["pause_until"]) if row["pause_until"] > now else None,
        sign_in_blocked_until=blocked,
    )


_NEVER = "not served yet"
_WORDS = {
    "planned": "waiting",
    "sending": "being sent",
    "unknown": "may have arrived",
    "blocked": "waiting for a login",
    "held": "held because the owner is in doubt",
    "rejected": "rejected",
}


def _verdict(row: Row, counts: dict[str, int], unseen: int, now: float) -> str:
    parts = [f"{counts[state]} {words}" for state, words in _WORDS.items() if counts.get(state)]
    if unseen:
        parts.append(f"{unseen} accepted but not seen there yet")
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
        if person.problem:
            yield f"    {person.problem}"
        if person.not_understood:
            groups = count(person.not_understood, "measure group")
            kept = "it is kept" if person.not_understood == 1 else "they are kept"
            yield f"    {groups} could not be understood; {kept}, the rest went on."
        for target in person.targets:
            yield f"  {target.target}: {target.verdict}"
            if target.problem:
                yield f"    {target.problem}"
            if target.paused_until:
                yield f"    It asked to be left alone until {target.paused_until}."
            if target.sign_in_blocked_until:
                yield f"    Sign-in is blocked until {target.sign_in_blocked_until}."
    hints = {state: None for person in found for target in person.targets for state in target.open}
    for state in hints:
        if state in _HINTS:
            yield _HINTS[state]


_HINTS = {
    "held": "See what is held: weighbridge deliveries list --state held",
    "rejected": "See what is rejected: weighbridge deliveries list --state rejected",
    "unknown": "See what is unknown: weighbridge deliveries list --state unknown",
}
