"""The consent at Withings, as ``withings-sync`` asks for it: a link, then ``Token : ``.

When the registered callback leads to this machine, the browser may bring the code by itself. The
first answer counts, from the browser or from the keyboard.
"""

from __future__ import annotations

import queue
import select
import sys
import threading
import time
from contextlib import suppress

import click

from weighbridge.cli.login_withings import ask_and_keep, has_browser, open_browser
from weighbridge.cli.output import say
from weighbridge.config import Person
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem
from weighbridge.sources.withings.oauth import WithingsApp, consent_url, new_state, read_pasted
from weighbridge.sources.withings.oauth_callback import Callback
from weighbridge.storage.database import prove_writable
from weighbridge.sync.services import Services

PROMPT = "Token : "
TURN = 0.2
"""Seconds to wait for the keyboard before the browser is asked again."""
TYPOS = 3

BY_HAND = "Run withings-sync in a terminal: it shows a link and asks for the token."


def connect(services: Services, person: Person) -> None:
    """Ask the person at this terminal for consent and keep the login. Raises Problems."""
    app = services.app()
    prove_writable(services.settings.home)
    ask_and_keep(services, person, lambda: _ask(app))


def _ask(app: WithingsApp) -> str:
    """The code. It must be used at once: it is valid for 30 seconds."""
    state = new_state()
    link = consent_url(app, state)
    say("Open this link in a browser, choose your profile and agree:")
    say(f"  {link}")
    say("Then paste the token, or the address that you are sent to, within 30 seconds.")
    callback = _callback(app)
    if has_browser():
        open_browser(link)
    if callback is None:
        return _typed_code(state)
    with callback:
        return _first_answer(callback, state)


def _callback(app: WithingsApp) -> Callback | None:
    """The listener for the redirect; None: it leads elsewhere, or its port is taken."""
    with suppress(ConfigProblem):
        return Callback(app.callback_url)
    return None


def _first_answer(callback: Callback, state: str) -> str:
    answers: queue.SimpleQueue[str | Problem] = queue.SimpleQueue()
    callback.serve(state)  # here, because it is closed here
    threading.Thread(target=_wait, args=(callback, state, answers), daemon=True).start()
    _show_prompt()
    while True:
        with suppress(queue.Empty):
            return _answered(answers.get_nowait())
        line = _typed_line(TURN)
        if line is None:
            continue
        if code := _code_in(line, state):
            return code
        _show_prompt()


def _wait(callback: Callback, state: str, answers: queue.SimpleQueue[str | Problem]) -> None:
    try:
        answers.put(callback.wait(state))
    except Problem as problem:
        answers.put(problem)


def _answered(answer: str | Problem) -> str:
    say()  # ends the line of the prompt
    if isinstance(answer, LoginNeeded):
        raise LoginNeeded(answer.message, remedy=BY_HAND)
    if isinstance(answer, Problem):
        raise answer
    return answer


def _typed_line(seconds: float) -> str | None:
    """A line, if one is typed within this time."""
    if sys.platform == "win32":  # select knows only the network there
        import msvcrt

        time.sleep(seconds)
        return _read_line() if msvcrt.kbhit() else None
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return _read_line() if ready else None


def _read_line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise LoginNeeded("No token was given.", remedy=BY_HAND)
    return line


def _typed_code(state: str) -> str:
    for _ in range(TYPOS):
        _show_prompt()
        if code := _code_in(_read_line(), state):
            return code
    raise LoginNeeded("No token was given.", remedy=BY_HAND)


def _code_in(line: str, state: str) -> str | None:
    """The code in a line; None when there is none, after saying why."""
    try:
        return read_pasted(line, state)
    except ConfigProblem as problem:
        say(str(problem))
        return None


def _show_prompt() -> None:
    click.echo(PROMPT, nl=False, err=True)
