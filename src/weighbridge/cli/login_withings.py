"""Connecting a Withings account: link, consent, code, tokens."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import click

from weighbridge.cli.output import say
from weighbridge.config import Person
from weighbridge.core.errors import ConfigProblem
from weighbridge.sources.withings.oauth import WithingsApp, consent_url, new_state, read_pasted
from weighbridge.sources.withings.oauth_callback import Callback
from weighbridge.sources.withings.wire import CodeExpired
from weighbridge.storage.database import prove_writable
from weighbridge.sync import person_login
from weighbridge.sync.services import Services

LINKS = 3
"""How often a new link is offered to a person whose code came too late."""


def connect(
    services: Services, person: Person, *, code: str | None, paste: bool, browser: bool
) -> None:
    """Lead a person through the consent, and keep the tokens. Raises Problems."""
    app = services.app()
    prove_writable(services.settings.home)
    if code is not None:
        keep_login(services, person, app, code)
        return
    ask_and_keep(
        services,
        person,
        lambda: _ask_by_paste(app) if paste else _ask_by_callback(app, browser),
    )


def ask_and_keep(services: Services, person: Person, ask: Callable[[], str]) -> None:
    """Keep the login of the code that ``ask`` gets; ask again when it came too late."""
    for left in reversed(range(LINKS)):
        code = ask()
        try:
            keep_login(services, person, services.app(), code)
            return
        except CodeExpired as problem:
            if not left:
                raise
            say(f"{problem.message} Here is a new link.")


def keep_login(services: Services, person: Person, app: WithingsApp, code: str) -> None:
    """Exchange at once, keep it, and say so. Raises Problems."""
    userid = person_login.keep_login(services, person, app, code)
    say(f"{person.name} is connected to the Withings profile {userid}.")


def _ask_by_paste(app: WithingsApp) -> str:
    state = new_state()
    say("Open this link in a browser, choose the profile and agree:")
    say(f"  {consent_url(app, state)}")
    say("Then paste the address that you are sent to (or only the code in it), within 30 seconds.")
    try:
        return read_pasted(click.prompt("Address or code", err=True), state)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        raise ConfigProblem(
            "Nothing was pasted, and nobody is here to ask.",
            remedy="Give the code with --code, or run it in a terminal.",
        ) from None


def _ask_by_callback(app: WithingsApp, browser: bool) -> str:
    state = new_state()
    link = consent_url(app, state)
    try:
        callback = Callback(app.callback_url)
    except ConfigProblem as problem:
        if not sys.stdin.isatty():
            raise
        say(f"{problem.message} So please paste the answer here.")
        return _ask_by_paste(app)
    with callback:
        say("Open this link in a browser on this machine, choose the profile and agree:")
        say(f"  {link}")
        if browser and has_browser():
            open_browser(link)
        return callback.wait(state)


def open_browser(link: str) -> None:
    """Some commands in BROWSER end with the browser itself, so nobody waits for them."""
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=(link,), daemon=True).start()


def has_browser() -> bool:
    """A browser in a window: a text browser would take over the terminal."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
