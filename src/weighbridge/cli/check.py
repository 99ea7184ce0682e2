"""``weighbridge check``: ask Withings and every target whether they are there and know us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import click
import msgspec

from weighbridge.cli.cli_context import (
    CliContext,
    check_targets,
    chosen_people,
    people_option,
    refuse_unconfigured,
    targets_option,
)
from weighbridge.cli.output import echo, print_json
from weighbridge.config import Person, TargetSettings
from weighbridge.core.errors import Problem, most_urgent
from weighbridge.sync.services import Services


class CheckAnswer(msgspec.Struct):
    """One question and its answer. ``where``: ``withings`` or the name of a target."""

    person: str
    where: str
    works: bool
    answer: str
    exit_code: int = 0


@click.command("check")
@people_option
@targets_option
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def command(
    context: CliContext, people: tuple[str, ...], targets: tuple[str, ...], as_json: bool
) -> int:
    """Ask Withings and every target whether they can be reached and the login works.

    Nothing is sent and nothing is changed.

    \b
    Exit code, of the worst answer: 0 everything works, 1 look at it,
               2 correct the configuration, 3 log in, 4 try again later.

    \b
    Examples:
      weighbridge check
      weighbridge check --person anna --target mqtt
    """
    settings = context.settings()
    refuse_unconfigured(settings)
    chosen = chosen_people(settings, people)
    check_targets(chosen, targets)
    found = []
    with Services(settings) as services:
        for person in chosen:
            for one in _check(services, person, targets):
                found.append(one)
                if not as_json:
                    echo(f"{one.person}, {one.where}: {one.answer}")
    if as_json:
        print_json(found)
    return most_urgent({one.exit_code for one in found})


def _check(services: Services, person: Person, targets: tuple[str, ...]) -> Iterator[CheckAnswer]:
    if not targets:
        yield _asked(person.name, "withings", lambda: _ask_withings(services, person))
    for target in person.targets:
        if not targets or target.name in targets:
            ask = partial(_ask_target, services, person, target)
            yield _asked(person.name, target.name, ask)


def _asked(person: str, where: str, ask: Callable[[], str]) -> CheckAnswer:
    try:
        return CheckAnswer(person, where, works=True, answer=ask())
    except Problem as problem:
        code = int(problem.exit_code)
        return CheckAnswer(person, where, works=False, answer=str(problem), exit_code=code)


def _ask_withings(services: Services, person: Person) -> str:
    from weighbridge.sources.withings.user_info import list_devices

    devices = list_devices(services.source(person.name).call)
    known = [f"{one.model or one.type} (battery {one.battery or 'unknown'})" for one in devices]
    return "the login works" + (f"; devices: {', '.join(known)}" if known else "; no devices")


def _ask_target(services: Services, person: Person, settings: TargetSettings) -> str:
    from weighbridge.targets.base import Checks

    target = services.target(person, settings)
    return target.check() if isinstance(target, Checks) else "there is nothing to ask it"
