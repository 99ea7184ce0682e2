"""``sync --dry-run``: what is new is read and kept, the plan is made, shown and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from weighbridge.cli.output import say
from weighbridge.cli.times import count
from weighbridge.config import Person
from weighbridge.core.days import Window
from weighbridge.core.errors import Problem
from weighbridge.storage.ledger import FOR_EVER, Due
from weighbridge.sync.context import Outcome, PersonSync, Route
from weighbridge.sync.pipeline import collect, plan
from weighbridge.sync.services import Services
from weighbridge.sync.stored_readings import readings_at
from weighbridge.targets.base import Owed

Show = Callable[[str, str, str], None]
"""Takes a person, a target and one line of what it would be sent."""


def rehearse(
    workplace: Services,
    person: Person,
    window: Window | None,
    targets: tuple[str, ...],
    show: Show,
) -> Outcome:
    """Show what each target would be sent. Nothing is sent, and the ledger stays as it was."""
    outcome = Outcome(person.name)
    _collect(workplace, person, window, outcome)
    with workplace.database.rehearsal():
        road = workplace.road(person, only=targets)
        plan(road, window)
        for route in road.routes:
            if route.selected and road.archive:
                _show(road, route, show)
    return outcome


def _collect(workplace: Services, person: Person, window: Window | None, outcome: Outcome) -> None:
    """Read what is new, with the targets that are connected already: no other is connected now."""
    connected = tuple(
        target
        for target in person.targets
        if workplace.database.one("route_of", person=person.name, target=target.name)
    )
    try:
        collect(workplace.road(msgspec.structs.replace(person, targets=connected)), window, outcome)
    except Problem as problem:
        outcome.problem = problem
        say(f"{person.name}: {problem}")


def _show(road: PersonSync, route: Route, show: Show) -> None:
    if route.target is None:
        say(f"{road.person}: {route.name} cannot be served: {route.problem}")
        return
    number = 0
    for batch in _batches(road, route):
        number += len(batch)
        for line in route.target.preview(route.target.render(batch)):
            show(road.person, route.name, line)
    say(f"{road.person}: {count(number, 'reading')} would be sent to {route.name}")


def _batches(road: PersonSync, route: Route) -> Iterator[list[Owed]]:
    assert road.archive is not None
    start, shown = 0, set[int]()
    while due := _next_due(route, start, shown):
        known = readings_at(road.archive, (one.taken_at for one in due))
        yield [
            Owed(known[one.reading_id], one.revision, one.previous)
            for one in due
            if one.reading_id in known
        ]
        last = due[-1].taken_at
        shown = {one.id for one in due if one.taken_at == last} | (
            shown if last == start else set()
        )
        start = last


def _next_due(route: Route, start: int, shown: set[int]) -> list[Due]:
    """What follows what was shown; two readings may have the same instant."""
    assert route.target is not None
    most = route.target.batch_size + len(shown)
    due = route.ledger.due(most, now=FOR_EVER, cloud_now=FOR_EVER, start=start)
    return [one for one in due if one.id not in shown]
