"""Settings and a database become roads. The one place that knows how the parts fit together."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from decimal import Decimal
from hashlib import blake2b
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec

from weighbridge.config import Person, Settings, TargetSettings
from weighbridge.core.commands import login_command
from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem
from weighbridge.core.measures import READING_KINDS, Measurement
from weighbridge.core.network import SharedResources
from weighbridge.core.reason import Reason, reason
from weighbridge.sources.withings.call_policy import CallPolicy
from weighbridge.storage.api_pauses import ApiPauseStore, CallLog, SignInBreaker, breaker_name
from weighbridge.storage.archive import Archive, account_archive
from weighbridge.storage.database import connect
from weighbridge.storage.leases import Leases
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.logins import TargetSession, WithingsTokens
from weighbridge.storage.points import Points
from weighbridge.sync.context import PersonSync, Progress, Route
from weighbridge.sync.planner import Rule
from weighbridge.sync.stored_readings import ArchivedBody
from weighbridge.targets import load_kind
from weighbridge.targets.base import Context, TakesKinds, Target

if TYPE_CHECKING:
    import httpx2

    from weighbridge.sources.withings.client import Withings
    from weighbridge.sources.withings.oauth import WithingsApp

RULES_VERSION = 1
"""Counted up when the rules of planning change: everything is then planned once more."""


class SharedServices:
    """What all threads of a process share: the HTTP client and the connections of targets."""

    def __init__(self) -> None:
        self.connections = SharedResources()
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None

    def client(self, url: str) -> httpx2.Client:
        """The HTTP client, made at the first call; its connections are kept alive."""
        from weighbridge.core.network import http_client

        with self._lock:
            if self._client is None:
                self._client = self._stack.enter_context(http_client(url))
            return self._client

    def close(self) -> None:
        """Give everything back. Nobody may use it any more."""
        self.connections.close()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class Services:
    """An opened home folder: one database, for the thread that opened it, and its leases.

    ``shared``: what the threads of a server have in common; without it, this is the only one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        progress: Progress | None = None,
        shared: SharedServices | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        self.progress = progress or Progress()
        self.database = connect(settings.home)
        self.leases = Leases(self.database, clock, sleep)
        self._stack = ExitStack()
        self.shared = shared or self._stack.enter_context(SharedServices())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
        self.leases.close()
        self.database.close()

    def app(self) -> WithingsApp:
        """The registered application. Raises ConfigProblem that explains how to register one."""
        from weighbridge.sources.withings.oauth import WithingsApp, how_to_register

        given = self.settings.withings
        if not given.client_id or given.client_secret is None:
            raise ConfigProblem(code="withings.no_application", how_to=how_to_register())
        return WithingsApp(
            given.client_id, given.client_secret.reveal(), given.callback_url, given.url
        )

    def client(self, app: WithingsApp) -> httpx2.Client:
        """The HTTP client of this process; connections are kept alive."""
        return self.shared.client(app.api_url)

    def tokens(self, person: str) -> WithingsTokens:
        """Where the Withings login of a person is kept."""
        return WithingsTokens(self.database, self.leases, self.clock, person)

    def session(self, person: str, target: TargetSettings) -> TargetSession:
        """Where the login of a person at a target is kept."""
        return TargetSession(
            self.database,
            self.leases,
            self.clock,
            person=person,
            target=target.name,
            kind=target.kind,
        )

    def breaker(self, person: str, target: str) -> SignInBreaker:
        """The circuit breaker for sign-ins at a target."""
        return SignInBreaker(self.database, breaker_name(person, target), self.clock)

    def source(self, person: str) -> Withings:
        """Withings, read with the login of a person. Nothing is asked yet."""
        from weighbridge.sources.withings.client import Withings
        from weighbridge.sources.withings.token_refresh import TokenRefresh

        store = self.tokens(person)
        # Known already: asking would only spend calls on a login that is dead or not ours.
        if why := store.login_needed() or self._wrong_profile(store):
            raise LoginNeeded(
                code="withings.log_in", cause=why, login=login_command("withings", person)
            )
        app = self.app()
        client, policy = self.client(app), self._call_policy()
        tokens = TokenRefresh(store, app, client, policy, person)
        return Withings(client, tokens, policy, app.url)

    def _call_policy(self) -> CallPolicy:
        """What Withings allows to the application, all its people and processes together."""
        return CallPolicy(
            ApiPauseStore(self.database, "withings"),
            CallLog(self.database),
            clock=self.clock,
            sleep=self.sleep,
            on_call=self.progress.asking,
        )

    def _wrong_profile(self, store: WithingsTokens) -> Reason | None:
        """People do not mix: the tokens must be those of the profile that was connected."""
        pair, archive = store.load(), self.archive(store.person)
        if pair is None or archive is None or pair.userid == archive.userid:
            return None
        return reason("withings.wrong_profile")

    def archive(self, person: str) -> Archive | None:
        """What is known of a person's account; None before it was connected."""
        return account_archive(self.database, person)

    def context(self, person: Person, target: TargetSettings) -> Context:
        """What a target may use of the world."""
        return Context(
            person=person.name,
            target=target.name,
            home=self.settings.home,
            session=self.session(person.name, target),
            height=lambda: self._height(person),
            timezone=person.timezone,
            clock=self.clock,
            sleep=self.sleep,
            body=ArchivedBody(
                lambda: self.archive(person.name),
                counts_doubtful=person.ambiguous == "deliver",
            ),
            connected_at=lambda: self._ledger(person, target).row()["connected_at"],
            connections=self.shared.connections,
            installation=self._installation,
        )

    def _height(self, person: Person) -> Decimal | None:
        """In metres: the configured height, else the newest one ever measured."""
        if person.height_cm is not None:
            return person.height_cm / 100
        archive = self.archive(person.name)
        return Points(archive).height() if archive else None

    def _installation(self) -> str:
        from weighbridge.storage.database import get_or_create

        return get_or_create(self.database, "installation", lambda: uuid.uuid4().hex)

    def _ledger(self, person: Person, target: TargetSettings) -> Ledger:
        return Ledger(self.database, person.name, target.name, self.clock())

    def target(self, person: Person, target: TargetSettings) -> Target:
        """Build a target; it touches nothing outside. Raises ConfigProblem."""
        return load_kind(target.kind).create(target.options, self.context(person, target))

    def person_sync(
        self,
        person: Person,
        only: Collection[str] = (),
        *,
        heeds_backoff: bool = False,
    ) -> PersonSync:
        """What a sync of a person needs. With ``only``, other targets are planned, not served."""
        return PersonSync(
            person.name,
            database=self.database,
            leases=self.leases,
            archive=self.archive(person.name),
            source=lambda: self.source(person.name),
            routes=[
                self._route(person, target, not only or target.name in only)
                for target in person.targets
            ],
            clock=self.clock,
            sleep=self.sleep,
            progress=self.progress,
            heeds_backoff=heeds_backoff,
        )

    def _route(self, person: Person, settings: TargetSettings, selected: bool) -> Route:
        ledger = self._ledger(person, settings)
        target, problem, signs_in = None, None, True
        try:
            signs_in = load_kind(settings.kind).signs_in
            target = self.target(person, settings)
        except Problem as found:
            problem = found
        return Route(
            name=settings.name,
            kind=settings.kind,
            target=target,
            ledger=ledger,
            rule=_rule(person, settings, target, ledger.row()["connected_at"]),
            fingerprint=_fingerprint(person, settings),
            selected=selected,
            problem=problem,
            signs_in=signs_in,
        )


def _rule(
    person: Person, settings: TargetSettings, target: Target | None, connected_at: float
) -> Rule:
    return Rule(
        takes=_taking(target) if target else lambda record: (),
        since=Window(settings.since or connected_at, zone=person.timezone),
        ambiguous=person.ambiguous,
        settle=settings.settle,
    )


def _taking(target: Target) -> Callable[[Any], Sequence[Measurement]]:
    """A target is asked only about records of the kinds that it takes."""
    kinds = target.kinds if isinstance(target, TakesKinds) else READING_KINDS
    return lambda record: target.takes(record) if record.kind in kinds else ()


def _fingerprint(person: Person, settings: TargetSettings) -> str:
    """Changes when what is owed may have changed, and then everything is planned once more."""
    parts = [
        RULES_VERSION,
        settings.kind,
        settings.since,
        settings.settle,
        person.ambiguous,
        person.timezone,
        repr(settings.options),
    ]
    return blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()
