"""Settings and a database become syncs. The one place that knows how the parts fit together."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection
from contextlib import ExitStack
from decimal import Decimal
from functools import partial
from hashlib import blake2b
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec

from weighbridge.config import Person, Settings, TargetSettings
from weighbridge.core.commands import login_command
from weighbridge.core.days import Window
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem
from weighbridge.core.measures import READING_KINDS
from weighbridge.core.network import SharedResources
from weighbridge.core.reason import reason
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
    from weighbridge.core.form_client import FormClient
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
        self._client: FormClient | None = None

    def client(self, url: str) -> FormClient:
        """The HTTP client, made at the first call; its connections are kept alive."""
        from weighbridge.core.network import form_client

        with self._lock:
            if self._client is None:
                self._client = self._stack.enter_context(form_client(url))
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
        self._call_policy = CallPolicy(
            ApiPauseStore(self.database, "withings"),
            CallLog(self.database),
            clock=clock,
            sleep=sleep,
            on_call=self.progress.asking,
        )
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
        pair, archive = store.load(), self.archive(person)
        # Known already: asking would only spend calls on a login that is dead or not ours.
        why = store.login_needed()
        if not why and pair and archive and pair.userid != archive.userid:
            why = reason("withings.wrong_profile")
        if why:
            login = login_command("withings", person)
            raise LoginNeeded(code="withings.log_in", cause=why, login=login)
        app = self.app()
        client = self.shared.client(app.api_url)
        tokens = TokenRefresh(store, app, client, self._call_policy, person)
        return Withings(client, tokens, self._call_policy, app.url)

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
            height=partial(self._height, person),
            timezone=person.timezone,
            clock=self.clock,
            sleep=self.sleep,
            body=ArchivedBody(
                partial(self.archive, person.name), counts_doubtful=person.ambiguous == "deliver"
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
            source=partial(self.source, person.name),
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
            kind = load_kind(settings.kind)
            signs_in = kind.signs_in
            target = kind.create(settings.options, self.context(person, settings))
        except Problem as found:
            problem = found
        since = settings.since or ledger.row()["connected_at"]
        rule = Rule(
            takes=target.takes if target else lambda record: (),
            since=Window(since, zone=person.timezone),
            kinds=target.kinds if isinstance(target, TakesKinds) else READING_KINDS,
            ambiguous=person.ambiguous,
            settle=settings.settle,
        )
        return Route(
            name=settings.name,
            kind=settings.kind,
            target=target,
            ledger=ledger,
            rule=rule,
            fingerprint=_fingerprint(person, settings),
            selected=selected,
            problem=problem,
            signs_in=signs_in,
        )


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
