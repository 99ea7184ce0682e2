"""``withings-sync``: the command of that name, on the road of Weighbridge.

It reads the original's options and environment (``options``, ``credentials``), makes settings of
them (``settings``), takes the original's state over when it is used for the first time
(``weighbridge.compat``), and brings one person up to date (``upload``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from weighbridge.compat.withings_sync.old_options import read_arguments

if TYPE_CHECKING:
    from weighbridge.compat.old_places import Places
    from weighbridge.compat.withings_sync.old_credentials import Login
    from weighbridge.compat.withings_sync.old_options import Options
    from weighbridge.compat.withings_sync.old_settings import Plan
    from weighbridge.compat.withings_sync.old_span import Span
    from weighbridge.core.errors import ExitCode, Problem
    from weighbridge.sync.context import Delivered, Outcome
    from weighbridge.sync.services import Services


def main() -> None:
    """The entry point of the installed command."""
    options = read_arguments()
    from weighbridge.cli import conclude

    conclude(lambda: run(options, os.environ))


def run(options: Options, environ: Mapping[str, str]) -> ExitCode:
    """One run. Raises Problems that concern it as a whole."""
    from weighbridge.cli.cli_context import CliContext
    from weighbridge.cli.output import say
    from weighbridge.cli.sync_output import progress_for
    from weighbridge.compat.old_places import places_of
    from weighbridge.compat.withings_sync.old_credentials import VISIBLE, read_logins, surroundings
    from weighbridge.compat.withings_sync.old_settings import read_plan

    _set_up_log(options)
    environ = surroundings(Path.cwd(), environ)
    logins = read_logins(options, environ)
    if options.garmin_password or options.trainerroad_password:
        say(VISIBLE)
    places = places_of(options.config_folder, environ)
    plan = read_plan(options, logins, environ, places)
    session = CliContext(plan.settings.home, environ, verbose=2 if options.verbose else 0)
    with progress_for(session, quiet=options.silent) as progress:
        from weighbridge.sync.services import Services

        with Services(plan.settings, progress=progress) as workplace:
            is_new = _connect(workplace, plan, places)
            return _walk(workplace, plan, options, logins, is_new=is_new)


def _set_up_log(options: Options) -> None:
    if options.verbose:
        from weighbridge.cli.logs import set_up

        set_up(2, as_json=False)


def _connect(workplace: Services, plan: Plan, places: Places) -> bool:
    """See to it that a Withings account is connected; whether a person did that just now.

    Raises LoginNeeded when there is none and nobody is here to connect one.
    """
    from weighbridge.cli.output import say
    from weighbridge.compat.withings_sync.old_consent import BY_HAND, connect
    from weighbridge.compat.withings_sync_state import State, take_over
    from weighbridge.core.errors import LoginNeeded
    from weighbridge.storage.archive import account_archive

    tokens = workplace.tokens(plan.person.name)
    if account_archive(workplace.database, plan.person.name) is None:
        for note in take_over(workplace, plan.person, places):
            if note.state is not State.KEPT:
                say(note.text)
    if tokens.load() is not None and not (tokens.login_needed() and sys.stdin.isatty()):
        return False
    if not sys.stdin.isatty():
        raise LoginNeeded("No Withings account is connected.", remedy=BY_HAND)
    connect(workplace, plan.person)
    return True


def _walk(
    workplace: Services,
    plan: Plan,
    options: Options,
    logins: Mapping[str, Login],
    *,
    is_new: bool,
) -> ExitCode:
    """Collect, deliver, write files, and say what came of it."""
    from weighbridge.compat.withings_sync.old_sign_in import SignIns
    from weighbridge.compat.withings_sync.old_span import span_of, window_of
    from weighbridge.compat.withings_sync.old_upload import read_only, upload

    span, window = span_of(workplace, plan, options), window_of(workplace, plan, options)
    if options.no_upload or not plan.targets:
        outcome = read_only(workplace, plan, window)
    else:
        outcome = upload(workplace, plan, window, SignIns(workplace, plan.person, logins))
    if outcome.problem is None:
        _write(workplace, plan, span, options)
    _report(outcome, options)
    is_idle = not (plan.targets or options.no_upload or options.writes_files or is_new)
    if is_idle and outcome.problem is None:
        raise _no_target()
    return outcome.exit_code


def _write(workplace: Services, plan: Plan, span: Span, options: Options) -> None:
    """Whatever was asked for besides sending."""
    from weighbridge.cli.export import owner_of
    from weighbridge.cli.output import say
    from weighbridge.compat.withings_sync.old_output import (
        content_of,
        write_files,
        write_standard_output,
    )
    from weighbridge.storage.archive import account_archive

    archive = account_archive(workplace.database, plan.person.name)
    if archive is None or not (options.no_upload or options.writes_files):
        return
    owner = owner_of(workplace.database, plan.person)
    content = content_of(archive, owner, span, workplace.clock(), options)
    if not content.readings:
        say("No measurements of this time, so there is nothing to write.")
    write_files(content, options)
    if options.no_upload and options.output is None:
        write_standard_output(content, options)


def _no_target() -> Problem:
    from weighbridge.core.errors import ConfigProblem

    return ConfigProblem(
        "No user name at Garmin or TrainerRoad is known, so nothing was sent.",
        remedy="Set GARMIN_USERNAME or TRAINERROAD_USERNAME, or see withings-sync --help.",
    )


def _report(outcome: Outcome, options: Options) -> None:
    from weighbridge.cli.cli_context import in_shell
    from weighbridge.cli.output import say
    from weighbridge.cli.sync_output import report

    if options.silent and outcome.exit_code == 0:
        return
    report([outcome], say, lambda person, delivered: hints_of(delivered, options))
    if options.config_folder is not None and outcome.exit_code != 0:
        home = in_shell(str(options.config_folder))
        say(f"The home folder is named before every such command: weighbridge --home {home} ...")


def hints_of(delivered: Delivered, options: Options) -> Iterator[str]:
    """What to do next, in the words of this command."""
    from weighbridge.core.delivery_state import State

    if delivered.older and options.fromdate is None and delivered.kind == "garmin":
        yield "Older readings are kept, not sent. To send them, add: --fromdate DATE"
    for state in (State.HELD, State.REJECTED):
        if delivered.open.get(state):
            yield f"See what is {state}: weighbridge deliveries list --state {state}"
