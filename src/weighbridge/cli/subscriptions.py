"""``weighbridge subscriptions``: what Withings notifies us about, and putting it in order."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from weighbridge.cli.cli_context import (
    CliContext,
    chosen_people,
    people_option,
    refuse_unconfigured,
)
from weighbridge.cli.output import echo, print_json, say
from weighbridge.cli.times import count
from weighbridge.config import Person
from weighbridge.core.commands import command_line
from weighbridge.core.errors import ConfigProblem, ExitCode, Problem, StateProblem, most_urgent

if TYPE_CHECKING:
    from weighbridge.runtime.subscription_reconcile import FoundSubscriptions, SubscriptionReport
    from weighbridge.sync.services import Services

appli_option = click.option(
    "--appli",
    "applis",
    multiple=True,
    type=click.IntRange(1, 999),
    metavar="N",
    help="This number of Withings, for instance 58 for glucose.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
dry_option = click.option(
    "--dry-run", is_flag=True, help="Show what would be done, and do nothing."
)


@click.group("subscriptions")
def command() -> None:
    """Show and repair what Withings notifies us about.

    A running server does all this by itself. Subscriptions of other programs are shown and never
    changed.

    \b
    Examples:
      weighbridge subscriptions list
      weighbridge subscriptions check
      weighbridge subscriptions url
    """


@command.command("list")
@people_option
@json_option
@click.pass_obj
def list_command(context: CliContext, people: tuple[str, ...], as_json: bool) -> int:
    """List all subscriptions of this application at Withings, ours or not.

    Addresses are shortened: with one in full, anyone could notify in the name of Withings.

    \b
    Example:
      weighbridge subscriptions list --person anna
    """
    from weighbridge.cli.subscriptions_shown import list_lines, listed
    from weighbridge.runtime.subscription_job import callback_of
    from weighbridge.runtime.subscription_reconcile import find_subscriptions

    found: list[dict[str, Any]] = []
    with _services(context) as services:
        callback = callback_of(services)

        def one(person: Person) -> int:
            found.append(listed(person, find_subscriptions(services, person, callback), callback))
            return ExitCode.DONE

        code = _for_each(chosen_people(services.settings, people), one)
    if as_json:
        print_json(found)
    else:
        for line in list_lines(found):
            echo(line)
    return code


@command.command("add")
@people_option
@appli_option
@dry_option
@click.pass_obj
def add_command(
    context: CliContext, people: tuple[str, ...], applis: tuple[int, ...], dry_run: bool
) -> int:
    """Add missing subscriptions, then end those at our old addresses.

    Needs a public address ([server] url) at which weighbridge serve is running: Withings tests
    it first, and requires five seconds between two subscriptions.

    \b
    Examples:
      weighbridge subscriptions add
      weighbridge subscriptions add --person anna --appli 58
    """
    from weighbridge.runtime.subscription_job import look_after, retire_unused
    from weighbridge.runtime.subscription_reconcile import find_subscriptions

    with _services(context) as services:
        callback = _callback(services)
        _warn(callback)

        def one(person: Person) -> int:
            if dry_run:
                _rehearse(person, find_subscriptions(services, person, callback, applis))
                return ExitCode.DONE
            report = look_after(
                services,
                person,
                callback,
                tell=_steps(),
                extra=applis,
                ask_again=True,
            )
            return _report(report, "nothing to do, everything is subscribed")

        code = _for_each(chosen_people(services.settings, people), one)
        if not dry_run:
            retire_unused(services, callback)
    if code == ExitCode.DONE and not dry_run:
        say("Nothing is left to do while weighbridge serve is running.")
    return code


@command.command("remove")
@people_option
@appli_option
@dry_option
@click.pass_obj
def remove_command(
    context: CliContext, people: tuple[str, ...], applis: tuple[int, ...], dry_run: bool
) -> int:
    """End our subscriptions at all addresses. Others are not changed.

    \b
    Examples:
      weighbridge subscriptions remove
      weighbridge subscriptions remove --person anna --appli 44
    """
    from weighbridge.runtime.subscription_job import remove_ours
    from weighbridge.runtime.subscription_reconcile import find_subscriptions
    from weighbridge.sources.withings.withings_subscriptions import name_of

    with _services(context) as services:

        def one(person: Person) -> int:
            if dry_run:
                old = find_subscriptions(services, person, None).differences.old
                ours = [name_of(s.appli) for s in old if not applis or s.appli in applis]
                echo(f"{person.name}: would end {_list(ours) or 'nothing'}.")
                return ExitCode.DONE
            report = remove_ours(services, person, tell=_steps(), only=applis)
            return _report(report, "nothing to do, none of them is ours")

        code = _for_each(chosen_people(services.settings, people), one)
        if code == ExitCode.DONE and not dry_run and services.settings.server.url:
            say(
                "weighbridge serve subscribes again within a day. "
                "To do without notifications, take url out of [server] in weighbridge.toml."
            )
    return code


@command.command("check")
@people_option
@json_option
@click.pass_obj
def check_command(context: CliContext, people: tuple[str, ...], as_json: bool) -> int:
    """Check whether Withings would reach us, and about what. Nothing is changed.

    Ends with 1 when something is missing or the public address does not answer as it should.

    \b
    Example:
      weighbridge subscriptions check
    """
    from weighbridge.cli.subscriptions_shown import CheckOutput, check_address, check_person

    found: list[CheckOutput] = []
    with _services(context) as services:
        callback = _callback(services)
        address = check_address(callback)

        def one(person: Person) -> int:
            found.append(check_person(services, person, callback))
            return found[-1].exit_code

        code = _for_each(chosen_people(services.settings, people), one)
    if as_json:
        print_json({**address.content, "people": [checked.content for checked in found]})
    else:
        for line in (line for checked in (address, *found) for line in checked.lines):
            echo(line)
    return most_urgent({code, address.exit_code})


@command.command("url")
@click.option("--rotate", is_flag=True, help="Create a new secret first.")
@click.pass_obj
def url_command(context: CliContext, rotate: bool) -> int:
    """Print the address that Withings notifies. It contains a secret: do not share it.

    With --rotate the secret is replaced. The old one is accepted until all subscriptions have moved
    to the new one, so no notification is lost.

    \b
    Examples:
      weighbridge subscriptions url
      weighbridge subscriptions url --rotate
    """
    with _services(context) as services:
        callback = _callback(services)
        if rotate:
            from weighbridge.storage.subscription_store import look_soon
            from weighbridge.storage.subscription_store import rotate as make_another

            make_another(services.database, services.clock())
            look_soon(services.database)
            callback = _callback(services)
    click.echo(callback)
    _warn(callback)
    if rotate:
        say(
            "This is a new address. The old one is accepted until everybody was moved. "
            "A running server begins with that by itself. "
            "To do it now: weighbridge subscriptions add"
        )
    return ExitCode.DONE


# --- What the commands have in common ---------------------------------------------------------


def _services(context: CliContext) -> Services:
    from weighbridge.sync.services import Services

    settings = context.settings()
    refuse_unconfigured(settings)
    return Services(settings)


def _callback(services: Services) -> str:
    """Raises ConfigProblem: without a public address Withings cannot notify us."""
    from weighbridge.runtime.subscription_job import callback_of

    callback = callback_of(services)
    if callback is None:
        raise ConfigProblem(
            "Withings cannot notify us: this home has no public address.",
            remedy='Write url = "https://scale.example.org" (yours) under [server] in '
            "weighbridge.toml. Without it, readings are fetched by asking now and then.",
        )
    return callback


def _warn(callback: str) -> None:
    from weighbridge.sources.withings.notification import rules_broken

    broken = rules_broken(callback)
    for sentence in broken:
        say(f"Warning: {sentence}")
    if broken:
        say("Withings may refuse this address; it is tried all the same.")


def _for_each(people: list[Person], work: Callable[[Person], int]) -> ExitCode:
    """One person's trouble never stops another."""
    codes: set[int] = set()
    for person in people:
        try:
            codes.add(work(person))
        except StateProblem:
            raise
        except Problem as problem:
            say(f"{person.name}: {problem}")
            codes.add(problem.exit_code)
    return most_urgent(codes)


def _steps() -> Callable[[str], None]:
    """At a terminal a person waits: each step is printed before its pause."""
    return say if sys.stderr.isatty() else lambda text: None


def _report(report: SubscriptionReport, nothing: str) -> int:
    """What was done for one person, then what could not be done."""
    from weighbridge.sources.withings.withings_subscriptions import name_of

    done = []
    if report.subscribed:
        done.append(f"subscribed to {_list(map(name_of, report.subscribed))}")
    if report.revoked:
        done.append(f"ended {count(len(report.revoked), 'subscription')}")
    if report.left_out:
        names = _list(map(name_of, report.left_out))
        done.append(f"left out what Withings does not offer to your application: {names}")
    if done or report.problem is None:
        echo(f"{report.person}: {'; '.join(done) or nothing}.")
    if report.problem is None:
        return ExitCode.DONE
    say(f"{report.person}: {report.problem}")
    if report.problem.exit_code == ExitCode.LATER:
        again = command_line("subscriptions", "add", "--person", report.person)
        say(f"A running server tries again by itself. To try it yourself: {again}")
    return report.problem.exit_code


def _rehearse(person: Person, found: FoundSubscriptions) -> None:
    from weighbridge.sources.withings.withings_subscriptions import name_of

    missing, old = found.differences.missing, found.differences.old
    parts = [f"would subscribe to {_list(map(name_of, missing))}"] if missing else []
    parts += [f"would end {count(len(old), 'subscription')} of an old address"] if old else []
    echo(f"{person.name}: {'; '.join(parts) or 'nothing to do'}.")


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)
