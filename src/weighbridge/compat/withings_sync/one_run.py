"""One run of ``withings-sync``, from the options to the exit code.

It reads the original's options and environment, makes settings of them, takes the original's
state over when it is used for the first time, and brings one person up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from weighbridge.cli.cli_context import CliContext
from weighbridge.cli.export import owner_of
from weighbridge.cli.logs import set_up
from weighbridge.cli.output import say
from weighbridge.cli.sync_output import progress_for, report
from weighbridge.compat import ImportResult
from weighbridge.compat.withings_sync.command_line import CommandOptions
from weighbridge.compat.withings_sync.output_files import (
    content_of,
    write_files,
    write_standard_output,
)
from weighbridge.compat.withings_sync.run_plan import (
    VISIBLE,
    RunPeriod,
    RunPlan,
    TargetCredentials,
    complete_environment,
    period_of,
    read_credentials,
    read_plan,
    window_of,
)
from weighbridge.compat.withings_sync.state_import import StateFiles, state_files_of, take_over
from weighbridge.compat.withings_sync.terminal_consent import BY_HAND, connect
from weighbridge.compat.withings_sync.upload import AutomaticSignIn, read_only, upload
from weighbridge.core.commands import in_shell
from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ConfigProblem, ExitCode, LoginNeeded
from weighbridge.storage.archive import account_archive
from weighbridge.sync.context import Delivered, Outcome
from weighbridge.sync.services import Services


def run(options: CommandOptions, environ: Mapping[str, str]) -> ExitCode:
    """One run. Raises Problems that concern it as a whole."""
    if options.verbose:
        set_up(2, as_json=False)
    environ = complete_environment(Path.cwd(), environ)
    credentials = read_credentials(options, environ)
    if options.garmin_password or options.trainerroad_password:
        say(VISIBLE)
    places = state_files_of(options.config_folder, environ)
    plan = read_plan(options, credentials, environ, places)
    session = CliContext(plan.settings.home, environ, verbose=2 if options.verbose else 0)
    with (
        progress_for(session, quiet=options.silent) as progress,
        Services(plan.settings, progress=progress) as services,
    ):
        is_new = _connect(services, plan, places)
        return _bring_up_to_date(services, plan, options, credentials, is_new=is_new)


def _connect(services: Services, plan: RunPlan, places: StateFiles) -> bool:
    """Make sure that a Withings account is connected. True: a person connected it just now.

    Raises LoginNeeded when there is none and no terminal to connect one.
    """
    tokens = services.tokens(plan.person.name)
    if account_archive(services.database, plan.person.name) is None:
        for note in take_over(services, plan.person, places):
            if note.result is not ImportResult.KEPT:
                say(note.text)
    if tokens.load() is not None and not (tokens.login_needed() and sys.stdin.isatty()):
        return False
    if not sys.stdin.isatty():
        raise LoginNeeded("No Withings account is connected.", remedy=BY_HAND)
    connect(services, plan.person)
    return True


def _bring_up_to_date(
    services: Services,
    plan: RunPlan,
    options: CommandOptions,
    credentials: Mapping[str, TargetCredentials],
    *,
    is_new: bool,
) -> ExitCode:
    """Collect, deliver, write files and report."""
    period, window = period_of(services, plan, options), window_of(services, plan, options)
    if options.no_upload or not plan.targets:
        outcome = read_only(services, plan, window)
    else:
        outcome = upload(
            services, plan, window, AutomaticSignIn(services, plan.person, credentials)
        )
    if outcome.problem is None:
        _write(services, plan, period, options)
    _report(outcome, options)
    is_idle = not (plan.targets or options.no_upload or options.writes_files or is_new)
    if is_idle and outcome.problem is None:
        raise ConfigProblem(
            "No user name at Garmin or TrainerRoad is known, so nothing was sent.",
            remedy="Set GARMIN_USERNAME or TRAINERROAD_USERNAME, or see withings-sync --help.",
        )
    return outcome.exit_code


def _write(services: Services, plan: RunPlan, period: RunPeriod, options: CommandOptions) -> None:
    """Write the files that were asked for, or standard output."""
    archive = account_archive(services.database, plan.person.name)
    if archive is None or not (options.no_upload or options.writes_files):
        return
    owner = owner_of(services.database, plan.person)
    content = content_of(archive, owner, period, services.clock(), options)
    if not content.readings:
        say("There are no measurements of these days, so nothing is written.")
    write_files(content, options)
    if options.no_upload and options.output is None:
        write_standard_output(content, options)


def _report(outcome: Outcome, options: CommandOptions) -> None:
    if options.silent and outcome.exit_code == 0:
        return
    report([outcome], say, lambda person, delivered: hints_of(delivered, options))
    if options.config_folder is not None and outcome.exit_code != 0:
        home = in_shell(str(options.config_folder))
        say(f"The home folder is named before every such command: weighbridge --home {home} ...")


def hints_of(delivered: Delivered, options: CommandOptions) -> Iterator[str]:
    """What to do next, in the words of this command."""
    if delivered.older and options.fromdate is None and delivered.kind == "garmin":
        yield "Older readings are kept, not sent. To send them, add: --fromdate DATE"
    for state in (State.HELD, State.REJECTED):
        if delivered.open.get(state):
            yield f"See what is {state}: weighbridge deliveries list --state {state}"
