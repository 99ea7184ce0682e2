"""What ``sync`` says at its end: who got what, what waits, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from weighbridge.errors import Problem
from weighbridge.plan.planner import State
from weighbridge.road import Delivered, Outcome


def report(outcomes: Sequence[Outcome], say: Callable[[str], None]) -> None:
    """Say it in plain lines."""
    for outcome in outcomes:
        say(f"{outcome.person}: {_collected(outcome)}")
        if outcome.problem:
            say(f"  Withings: {outcome.problem}")
        for delivered in outcome.deliveries:
            for line in _lines(outcome.person, delivered):
                say(f"  {line}")


def _collected(outcome: Outcome) -> str:
    parts = [f"{outcome.changed} new or changed of {outcome.groups} groups from Withings"]
    if outcome.odd:
        parts.append(f"{outcome.odd} not understood, kept as they are")
    if outcome.gone:
        parts.append(f"{outcome.gone} no longer there")
    return ", ".join(parts)


def _lines(person: str, delivered: Delivered) -> Iterator[str]:
    yield f"{delivered.target}: {_summary(delivered)}"
    if delivered.problem:
        yield f"  {delivered.problem}"
    if delivered.older:
        yield (
            f"  {delivered.older} older readings are kept but not sent. To send them: weighbridge "
            f"sync --person {person} --target {delivered.target} --since DATE (or --since all)"
        )
    if delivered.open.get(State.HELD):
        yield "  See the held ones with: weighbridge deliveries list --state held"
    if delivered.open.get(State.REJECTED):
        yield "  See the rejected ones with: weighbridge deliveries list --state rejected"


_WORDS = {
    State.PLANNED: "waiting",
    State.SENDING: "being sent",
    State.UNKNOWN: "may have arrived, will be looked for",
    State.BLOCKED: "waiting for a login",
    State.HELD: "held because the owner is in doubt",
    State.REJECTED: "rejected",
}


def _summary(delivered: Delivered) -> str:
    parts = [f"{delivered.sent} sent"]
    if delivered.already_there:
        parts.append(f"{delivered.already_there} already there")
    if delivered.unseen:
        parts.append(f"{delivered.unseen} accepted but not seen there yet")
    parts += [
        f"{delivered.open[state]} {words}"
        for state, words in _WORDS.items()
        if delivered.open.get(state)
    ]
    if len(parts) == 1 and not delivered.sent and not delivered.problem:
        return "up to date"
    return ", ".join(parts)


def outcome_content(outcome: Outcome) -> dict[str, Any]:
    """The same for scripts; the keys are documented in the reference of the command line."""
    return {
        "person": outcome.person,
        "exit_code": int(outcome.exit_code),
        "groups": outcome.groups,
        "changed": outcome.changed,
        "not_understood": outcome.odd,
        "gone": outcome.gone,
        "problem": _problem(outcome.problem),
        "targets": [
            {
                "target": delivered.target,
                "kind": delivered.kind,
                "exit_code": int(delivered.exit_code),
                "sent": delivered.sent,
                "already_there": delivered.already_there,
                "not_seen_yet": delivered.unseen,
                "open": delivered.open,
                "older": delivered.older,
                "problem": _problem(delivered.problem),
            }
            for delivered in outcome.deliveries
        ],
    }


def _problem(problem: Problem | None) -> dict[str, str] | None:
    if problem is None:
        return None
    return {
        "kind": type(problem).__name__,
        "message": problem.message,
        "remedy": problem.remedy,
    }
