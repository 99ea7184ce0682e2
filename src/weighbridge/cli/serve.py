"""``weighbridge serve``: take the notifications of Withings, keep everybody up to date."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import click
import msgspec

from weighbridge.cli.cli_context import CliContext, is_configured
from weighbridge.cli.output import say
from weighbridge.config import CONFIG_FILE, ServerSettings, Settings
from weighbridge.config.field_values import read_value
from weighbridge.config.value_rules import InvalidValue
from weighbridge.core.errors import ConfigProblem, ExitCode
from weighbridge.core.network import is_loopback

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_LONG_RUN = (700, 10, 10)
"""How often Python looks for cycles, as usual. Other commands look rarely: they end soon."""
LAST_MOMENT = 0.3
"""Seconds at the end for threads that have nothing left to do."""


@click.command("serve")
@click.option(
    "--host", metavar="ADDRESS", help="The address to listen on. Default: this machine only."
)
@click.option(
    "--port", type=int, metavar="PORT", help=f"The port; {ServerSettings().port} unless configured."
)
@click.option(
    "--url", metavar="URL", help="The public address at which Withings reaches the server."
)
@click.pass_obj
def command(context: CliContext, host: str | None, port: int | None, url: str | None) -> int:
    """Run a server: receive notifications, poll from time to time, and deliver.

    Without a configuration it starts with the set-up in the browser.

    It listens on this machine only, unless --host or [server] in weighbridge.toml says otherwise.
    Stop it with Ctrl-C or SIGTERM; unfinished work continues at the next start.

    \b
    Examples:
      weighbridge serve
      weighbridge serve --url https://scale.example.org
      weighbridge --log-format json serve --host 0.0.0.0
    """
    gc.set_threshold(*_LONG_RUN)
    settings = _with_options(context.settings(), host, port, url)
    _set_up_log(context)
    if is_configured(settings):
        return _serve(settings)

    def read_again() -> Settings:
        """What was entered in the browser counts before --url, which was proposed there."""
        written = context.settings()
        return _with_options(written, host, port, None if written.server.url else url)

    return _set_up(context, settings, read_again)


def _serve(settings: Settings) -> int:
    from weighbridge.web.app import create_app
    from weighbridge.web.process import Server

    before = threading.enumerate()
    server = Server(settings)
    server.start()

    def ready(address: str) -> None:
        server.reachable(address)
        _say_ready(settings, address)

    return _listen(settings, create_app(server.context), ready, server.stop, before)


def _set_up(context: CliContext, settings: Settings, read_again: Callable[[], Settings]) -> int:
    """Begin with the pages of the set-up. The server follows in the same process."""
    from weighbridge.web.setup_server import SetupServer

    def tell_begun(configured: Settings) -> None:
        say(f"There is a configuration now: {configured.home / CONFIG_FILE}.")
        _say_ready(configured, setting_up.address)

    before = threading.enumerate()
    setting_up = SetupServer(
        settings,
        context.environ,
        read_again,
        began=tell_begun,
        stuck=lambda problem: say(str(problem)),
    )
    setting_up.start()

    def ready(address: str) -> None:
        setting_up.reachable(address)
        _say_how_to_set_up(setting_up.settings, address)

    return _listen(settings, setting_up.app, ready, setting_up.stop, before)


def _listen(
    settings: Settings,
    app: ASGIApp,
    ready: Callable[[str], None],
    stop: Callable[[], None],
    before: Collection[threading.Thread],
) -> int:
    from weighbridge.web.server import listen

    try:
        listen(app, settings.server.host, settings.server.port, on_ready=ready)
    finally:
        stop()
    say("Stopped. Nothing is lost: the next start goes on.")
    _leave_behind(before)
    return ExitCode.DONE


def _leave_behind(before: Collection[threading.Thread]) -> None:
    """End now when a thread of a page waits for a locked database or for Withings.

    The interpreter would wait for it. What it does is as safe as after a power cut.
    """
    end = time.monotonic() + LAST_MOMENT
    for thread in threading.enumerate():
        if thread.daemon or thread in before:
            continue
        thread.join(max(0.0, end - time.monotonic()))
        if thread.is_alive():
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(ExitCode.DONE)


def _say_ready(settings: Settings, address: str) -> None:
    say(f"Weighbridge is at {_for_people(address)}. End it with Ctrl-C.")
    if settings.server.url is None:
        minutes = settings.server.poll / 60
        say(
            f"Withings cannot notify it: no public address is set, so it polls every {minutes:.0f} "
            "minutes. To learn of readings within seconds: --url, or url in [server] of "
            "weighbridge.toml."
        )
    _say_where_the_token_is(settings)


def _for_people(address: str) -> str:
    """What to type into a browser, where the server listens on every address."""
    for everywhere in ("//0.0.0.0:", "//[::]:"):
        if everywhere in address:
            here = address.replace(everywhere, "//localhost:")
            return f"{here}, and at every other address of this machine"
    return address


def _say_how_to_set_up(settings: Settings, address: str) -> None:
    from weighbridge.web.urls import base_url

    is_named = settings.server.url is not None or is_loopback(settings.server.host)
    pages = base_url(settings) if is_named else address
    say(f"Nothing is configured yet. Open {pages}/setup in a browser and follow the steps.")
    say("Or run in another terminal: weighbridge init. End this with Ctrl-C.")
    _say_where_the_token_is(settings)


def _say_where_the_token_is(settings: Settings) -> None:
    if not is_loopback(settings.server.host):
        say("Others on the network can reach it: the pages ask for the admin token.")
    say(f"The admin token for the pages is in {settings.home / 'admin-token'}.")


def _with_options(
    settings: Settings, host: str | None, port: int | None, url: str | None
) -> Settings:
    """The settings, where the command line counts before the file. Raises ConfigProblem."""
    given: dict[str, object] = {}
    for name, value in (("host", host), ("port", port), ("url", url)):
        if value is not None:
            try:
                given[name] = read_value(ServerSettings, name, value)
            except InvalidValue as unfit:
                raise ConfigProblem(f"--{name} {unfit.message}", remedy=unfit.remedy) from None
    server: ServerSettings = msgspec.structs.replace(settings.server, **given)
    return msgspec.structs.replace(settings, server=server)


def _set_up_log(context: CliContext) -> None:
    """A server says what went wrong, even when no option asks for more."""
    if not context.verbose and not context.json_logs:
        from weighbridge.cli.logs import set_up

        set_up(0, as_json=False)
