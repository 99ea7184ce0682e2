"""``sync --dry-run``: what would be sent. Withings is read and kept, the plan is taken back."""

from __future__ import annotations

from collections.abc import Iterator

import click

from weighbridge.archive.ledger import FOR_EVER
from weighbridge.archive.recollection import readings_at
from weighbridge.assembly import Workplace
from weighbridge.cli.session import say
from weighbridge.config import Person
from weighbridge.errors import Problem
from weighbridge.pipeline import collect, plan
from weighbridge.plan.window import Window
from weighbridge.road import Outcome, Road, Route
from weighbridge.targets.base import Owed


def rehearse(
    workplace: Workplace, person: Person, window: Window | None, targets: tuple[str, ...]
) -> Outcome:
    """Print what each target would be sent. The ledger stays as it was."""
    road = workplace.road(person, only=targets)
    outcome = Outcome(person.name)
    try:
        collect(road, window, outcome)
    except Problem as problem:
        outcome.problem = problem
        say(f"{person.name}: {problem}")
    with workplace.database.rehearsal():
        plan(road, window)
        for route in road.routes:
            if route.selected:
                _show(road, route)
    return outcome


def _show(road: Road, route: Route) -> None:
    count = 0
    for batch in _batches(road, route):
        count += len(batch)
        assert route.target is not None
        for line in route.target.preview(route.target.render(batch)):
            click.echo(f"{road.person} {route.name}: {line}")
    say(f"{road.person}: {count} readings would be sent to {route.name}")


def _batches(road: Road, route: Route) -> Iterator[list[Owed]]:
    target = route.target
    if target is None or road.archive is None:
        say(f"{road.person}: {route.name} cannot be served: {route.problem}")
        return
    start = 0
    while due := route.ledger.due(target.batch_size, now=FOR_EVER, cloud_now=FOR_EVER, start=start):
        known = readings_at(road.archive, (one.taken_at for one in due))
        yield [
            Owed(known[one.reading_id], one.revision, one.previous)
            for one in due
            if one.reading_id in known
        ]
        start = due[-1].taken_at + 1
