"""``weighbridge serve`` in an empty home: first the pages of the set-up, then the server itself.

nothing configured ──► set-up pages ──► weighbridge.toml ──► the server, same port, same sessions
                                              ▲
                        weighbridge init ─────┘  or an editor, meanwhile
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from weighbridge.config import CONFIG_FILE, ServerSettings, Settings
from weighbridge.core.errors import ConfigProblem, Problem
from weighbridge.web.app import SwappableApp, create_app, put_together
from weighbridge.web.auth import Auth
from weighbridge.web.process import Server, only_one
from weighbridge.web.render import Pages
from weighbridge.web.sessions import Authenticator, read_or_make_token
from weighbridge.web.views.setup import Obstacle, Setup
from weighbridge.web.views.setup_draft import Drafts

if TYPE_CHECKING:
    from filelock import BaseFileLock
    from starlette.types import ASGIApp

log = logging.getLogger(__name__)

NAP = 2.0
"""Seconds between two looks whether another process wrote a configuration."""
_UNSAID = (0, ServerSettings().port)
"""Ports that need not be written: any, and the usual one."""


class SetupServer:
    """``start``, serve ``app``, ``stop``. ``settings`` say where it listens, and little else."""

    def __init__(  # noqa: PLR0913  how it begins, how it goes on, and who hears of it
        self,
        settings: Settings,
        environ: Mapping[str, str],
        read_again: Callable[[], Settings],
        *,
        began: Callable[[Settings], None] = lambda settings: None,
        stuck: Callable[[Problem], None] = lambda problem: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``began`` is called with the settings of the server when it begins, ``stuck`` with the
        problem that prevents it (each problem once).
        """
        self.settings = settings
        self.environ = environ
        self.obstacle: Obstacle | None = None
        self.port = settings.server.port if settings.server.port not in _UNSAID else None
        """A port that was chosen; it is written, for Withings knows it."""
        self._read_again = read_again
        self._began = began
        self._stuck = stuck
        self._clock = clock
        self._authenticator = Authenticator(read_or_make_token(settings.home), clock)
        self._drafts = Drafts(clock)
        self._switch = SwappableApp(self._first_app())
        self.address = ""
        """At which it is listened, once it is."""
        self._server: Server | None = None
        self._home_lock: BaseFileLock | None = None
        self._lock = threading.RLock()
        self._halt = threading.Event()

    @property
    def app(self) -> ASGIApp:
        """What is served, from the first page to the end."""
        return self._switch

    @property
    def is_over(self) -> bool:
        """Whether the server itself has begun."""
        return self._server is not None

    def _first_app(self) -> ASGIApp:
        pages = Pages(self.settings, navigation={})
        auth = Auth(self._authenticator, pages)
        setup = Setup(self, pages, self._drafts)
        return put_together(setup.routes(auth), auth, pages)

    # Life

    def start(self) -> None:
        """Raises ConfigProblem when another server has this home, StateProblem."""
        self._home_lock = only_one(self.settings)
        threading.Thread(target=self._watch, name="weighbridge-setup", daemon=True).start()

    def reachable(self, address: str) -> None:
        """It is listened now, at an address like ``http://127.0.0.1:9474``."""
        self.address = address
        self.settings = self._as_listened(self.settings)

    def stop(self) -> None:
        """End whatever has begun."""
        self._halt.set()
        with self._lock:
            if self._server is not None:
                self._server.stop()
            self._give_up_home()

    # From the set-up to the server

    def look(self) -> None:
        """Go on when there is a configuration now. If that cannot be, ``obstacle`` says why."""
        with self._lock:
            if self.is_over or self._halt.is_set():
                return
            if not (self.settings.home / CONFIG_FILE).exists():
                self.obstacle = None
                return
            obstacle = self._go_on()
            if obstacle is not None and not _same(obstacle, self.obstacle):
                self._stuck(obstacle.problem)
            self.obstacle = obstacle

    def _go_on(self) -> Obstacle | None:
        try:
            settings = self._as_listened(self._read_again())
            if settings.withings.client_id is None or settings.withings.client_secret is None:
                return Obstacle("unfinished", _unfinished(settings))
            self._begin(settings)
        except Problem as problem:
            return Obstacle("broken", problem)
        return None

    def _begin(self, settings: Settings) -> None:
        """Begin to serve, behind the same port and with the same sessions."""
        self._give_up_home()
        server = Server(settings, clock=self._clock, authenticator=self._authenticator)
        try:
            server.start()
        except BaseException:
            server.stop()
            self._home_lock = only_one(settings)
            raise
        self._server, self.settings = server, settings
        self._switch.change(create_app(server.context))
        self._drafts = Drafts(self._clock)  # what was entered is needed no more
        self._began(settings)
        server.reachable(self.address)

    def _as_listened(self, settings: Settings) -> Settings:
        """The port is open already: another one in the file counts from the next start on."""
        host, port = self.settings.server.host, urlsplit(self.address).port
        server = msgspec.structs.replace(
            settings.server, host=host, port=port or self.settings.server.port
        )
        return msgspec.structs.replace(settings, server=server)

    def _give_up_home(self) -> None:
        if self._home_lock is not None:
            self._home_lock.release()
            self._home_lock = None

    def _watch(self) -> None:
        while not self._halt.wait(NAP) and not self.is_over:
            try:
                self.look()
            except Exception:  # the pages go on, and so does the looking
                log.exception("setup_failed")
            self._drafts.expire()


def _same(one: Obstacle, other: Obstacle | None) -> bool:
    return other is not None and str(one.problem) == str(other.problem)


def _unfinished(settings: Settings) -> ConfigProblem:
    return ConfigProblem(code="server.no_application", path=str(settings.home / CONFIG_FILE))
