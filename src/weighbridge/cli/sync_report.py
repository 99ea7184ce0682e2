"""What ``sync`` says at its end: who got what, what waits, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from weighbridge.cli.cli_context import in_shell
from weighbridge.cli.times import count
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import Problem
from weighbridge.sync.context import Delivered, Outcome

Hints = Callable[[str, Delivered], Iterator[str]]
"""Takes a person and what came of a target; yields what to do next."""


def report(
    outcomes: Sequence[Outcome], say: Callable[[str], None], hints_of: Hints | None = None
) -> None:
    """Say it in plain lines; what to do next stands at the end, once."""
    hints: dict[str, None] = {}
    hints_of = hints_of or _hints
    for outcome in outcomes:
        say(f"{outcome.person}: {_collected(outcome)}")
        if outcome.problem:
            say(f"  Withings: {outcome.problem}")
        for delivered in outcome.deliveries:
            say(f"  {delivered.target}: {_summary(delivered)}")
            if delivered.problem:
                say(f"    {delivered.problem}")
            hints.update(dict.fromkeys(hints_of(outcome.person, delivered)))
    for hint in hints:
        say(hint)


def _collected(outcome: Outcome) -> str:
    parts = [f"{count(outcome.changed, 'new or changed measure group')} from Withings"]
    if not outcome.changed:
        parts = ["nothing new from Withings" if not outcome.problem else "Withings was not read"]
    if outcome.odd:
        parts.append(f"{outcome.odd} not understood, kept as they are")
    if outcome.gone:
        parts.append(f"{outcome.gone} no longer there")
    return ", ".join(parts)


def _hints(person: str, delivered: Delivered) -> Iterator[str]:
    if delivered.older:
        yield (
            "Older readings are kept, not sent. To send them:\n"
            f"  weighbridge sync --person {in_shell(person)} "
            f"--target {in_shell(delivered.target)} --since DATE (or --since all)"
        )
    if delivered.open.get(State.HELD):
        yield (
            "Held readings may be somebody else's.\n"
            "  See them:    weighbridge deliveries list --state held\n"
            "  Release one: weighbridge deliveries accept READING"
        )
    if delivered.open.get(State.REJECTED):
        yield (
            "Rejected readings wait for your decision.\n"
            "  See them:    weighbridge deliveries list --state rejected\n"
            "  Then decide: weighbridge deliveries retry, skip or accept READING"
        )


_WORDS = {
    State.PLANNED: "waiting",
    State.SENDING: "being sent",
    State.UNKNOWN: "may have arrived, will be looked for",
    State.BLOCKED: "waiting for a login",
    State.HELD: "held because the owner is in doubt",
    State.REJECTED: "rejected",
}


def _summary(delivered: Delivered) -> str:
    parts = [f"{delivered.sent} sent"] if delivered.sent else []
    if delivered.already_there:
        parts.append(f"{delivered.already_there} already there")
    if delivered.unseen:
        parts.append(f"{delivered.unseen} accepted but not seen there yet")
    parts += [
        f"{delivered.open[state]} {words}"
        for state, words in _WORDS.items()
        if delivered.open.get(state)
    ]
    if delivered.older:
        parts.append(f"{count(delivered.older, 'older reading')} not sent")
    if parts:
        return ", ".join(parts)
    return "not served" if delivered.problem else "up to date"


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
