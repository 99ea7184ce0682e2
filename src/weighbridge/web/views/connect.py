"""The connections of each person, and connecting with Withings: to its consent page and back.

The state of a login comes back with the code. It is good only in the session that asked for it:
otherwise a stranger could send a link that connects the account of the stranger.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from starlette.datastructures import QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from weighbridge.config import CONFIG_FILE
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.sources.withings.oauth import consent_url, new_state, read_redirect
from weighbridge.sources.withings.wire import CodeExpired
from weighbridge.storage.archive import OtherProfile, TakenProfile
from weighbridge.storage.database import prove_writable
from weighbridge.storage.subscription_store import SubscriptionState, SubscriptionStore
from weighbridge.sync.person_login import (
    TargetLoginStatus,
    keep_login,
    source_login_status,
    target_login_status,
)
from weighbridge.web.auth import Auth, Endpoint, SignedInRequest, form_of, retry_after
from weighbridge.web.render import Message, Pages
from weighbridge.web.sessions import session_of
from weighbridge.web.urls import (
    CALLBACK_PATH,
    begin_address,
    callback_address,
    callback_path,
    same_place,
)
from weighbridge.web.views import connection_tasks, target_login
from weighbridge.web.views.connection_tasks import check_path, disconnect_path
from weighbridge.web.views.target_login import look_up, service_of, sign_in_path

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Scope

    from weighbridge.config import Person, TargetSettings
    from weighbridge.sources.withings.oauth import WithingsApp
    from weighbridge.sync.services import Services
    from weighbridge.web.app_context import AppContext


AGE = 600.0
"""Seconds for a person to log in at Withings and to agree."""
MOST = 100
"""Sign-ins at once; the oldest is given up first."""


class Consent(msgspec.Struct, eq=False):
    """One person was sent to Withings and may come back."""

    person: str
    session: str
    """The key of the session from which it began."""
    address: str
    """The redirect address that Withings was told."""
    made_at: float
    userid: str | None = None
    """The profile that was connected; None as long as it is not finished."""
    lock: threading.Lock = msgspec.field(default_factory=threading.Lock)
    """Held while it is finished: a browser may ask twice at the same moment."""


class Consents:
    """The logins under way; in memory, few. Safe in several threads."""

    def __init__(self, clock: Callable[[], float], new: Callable[[], str] = new_state) -> None:
        self._clock = clock
        self._new = new
        self._consents: OrderedDict[str, Consent] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, person: str, session: str, address: str) -> str:
        """Remember whom we send away. Returns the state that must come back."""
        state, now = self._new(), self._clock()
        with self._lock:
            self._consents[_hash(state)] = Consent(person, session, address, now)
            while len(self._consents) > MOST:
                self._consents.popitem(last=False)
        return state

    def find(self, state: str, session: str) -> Consent | None:
        """The sign-in of a state, when it began in this session and is young enough."""
        key = _hash(state)
        with self._lock:
            consent = self._consents.get(key)
            if consent is not None and self._clock() - consent.made_at > AGE:
                del self._consents[key]
                return None
            return consent if consent is not None and consent.session == session else None

    def give_up(self, state: str) -> None:
        """It will not be finished: another one must be begun."""
        with self._lock:
            self._consents.pop(_hash(state), None)


def _hash(state: str) -> str:
    return sha256(state.encode("utf-8", "replace")).hexdigest()


log = logging.getLogger(__name__)

WAY_BACK = Message("connect.way_back_title", ("connect.way_back",), "connect.somebody", "/connect")
_CONNECTED = Message("connect.done_title", ("connect.done",), "connect.to_list", "/connect")
_CONNECTED_ALREADY = msgspec.structs.replace(_CONNECTED, texts=("connect.done_already",))

_PRIVATE = {"Referrer-Policy": "no-referrer"}
"""The address of the way back holds a code."""


class FailedLogin(msgspec.Struct, frozen=True):
    """How a login ends that fails."""

    problem: type[Problem]
    status: int
    reason: str
    """Its texts stand under ``connect.<reason>_title`` and, if it has one of its own, ``_next``."""
    explains: bool = True
    """False: what the problem itself says is shown instead, in English."""


REFUSED = FailedLogin(LoginNeeded, 403, "refused")
OTHER_SESSION = FailedLogin(LoginNeeded, 400, "other_session")
UNKNOWN = FailedLogin(ConfigProblem, 404, "nobody")
FAILURES = (
    FailedLogin(CodeExpired, 410, "late"),
    REFUSED,
    FailedLogin(RetryLater, 503, "no_answer"),
    FailedLogin(TakenProfile, 409, "taken"),
    FailedLogin(OtherProfile, 409, "other_profile"),
    FailedLogin(ConfigProblem, 409, "misfit", explains=False),
    FailedLogin(Problem, 500, "not_kept", explains=False),
)
"""The first that fits counts."""


class WithingsLogin:
    """Sends people to Withings and receives them when they come back."""

    def __init__(self, context: AppContext, auth: Auth, pages: Pages) -> None:
        self._context = context
        self._auth = auth
        self._pages = pages
        self._consents = Consents(context.clock)
        self._address = callback_address(context.settings)

    def begins(self, request: Request) -> bool:
        """Whether the request wants to go to Withings: a form, or a link that names a person."""
        return request.method == "POST" or (
            request.method == "GET" and "person" in request.query_params and not self.ends(request)
        )

    def ends(self, request: Request) -> bool:
        """Whether Withings sends a browser back, or asks with HEAD whether we are here."""
        return ends_the_way(request.scope)

    def begin(self, request: SignedInRequest) -> Response:
        """Send the browser of a person who is signed in to the consent page."""
        given = form_of(request) if request.method == "POST" else request.query_params
        person = self._person(request, given.get("person", ""))
        if person is None:
            return self._say(request, UNKNOWN)
        try:
            with self._context.open() as services:
                app = self._app(services)
                prove_writable(services.settings.home)
        except Problem as problem:
            return self._trouble(request, problem, person.name)
        state = self._consents.begin(person.name, request.visitor.key, self._address)
        return self._pages.leave_for(consent_url(app, state))

    def come_back(self, request: Request) -> Response:
        """Finish what ``begin`` began. HEAD is a question whether we are here: it uses nothing up.

        Withings probes the address with HEAD and wants exactly 200
        (docs/reference/withings-api.md#address-test).
        """
        if request.method == "HEAD" or not self.ends(request):
            return self._pages.message(request, WAY_BACK, headers=_PRIVATE)
        state = request.query_params.get("state", "")
        session = session_of(request)
        consent = self._consents.find(state, session.key) if session else None
        if consent is None:
            return self._of_other_session(request)
        with consent.lock:
            return self._conclude(request, consent, state)

    def _conclude(self, request: Request, consent: Consent, state: str) -> Response:
        if consent.userid is not None:
            return self._connected(request, consent, already=True)
        try:
            code = read_redirect(request.url.query, state)
        except ConfigProblem:  # no code at all: nothing that Withings made
            return self._of_other_session(request)
        except LoginNeeded as problem:
            self._consents.give_up(state)
            return self._trouble(request, problem, consent.person)
        try:
            consent.userid = self._exchange(consent, code)
        except Problem as problem:
            if not isinstance(problem, RetryLater):  # then the same code may still work
                self._consents.give_up(state)
            return self._trouble(request, problem, consent.person)
        log.info("connected", extra={"person": consent.person})
        self._context.request_sync(consent.person)
        return self._connected(request, consent, already=False)

    def _exchange(self, consent: Consent, code: str) -> str:
        person = self._context.settings.directory.person(consent.person)
        with self._context.open() as services:
            return keep_login(services, person, self._app(services), code)

    def _app(self, services: Services) -> WithingsApp:
        """The application, with the address at which we wait."""
        return msgspec.structs.replace(services.app(), callback_url=self._address)

    def _person(self, request: Request, name: str) -> Person | None:
        """None for a person whom this visitor may not see, as if there were no such person."""
        return (
            self._context.settings.directory.person(name)
            if self._auth.may_see(request, name)
            else None
        )

    def _connected(self, request: Request, consent: Consent, *, already: bool) -> Response:
        return self._pages.message(
            request,
            _CONNECTED_ALREADY if already else _CONNECTED,
            headers=_PRIVATE,
            person=consent.person,
            userid=consent.userid,
        )

    def _trouble(self, request: Request, problem: Problem, person: str) -> Response:
        """A page that says what is wrong and leads on. What it says holds no secret."""
        ending = next(one for one in FAILURES if isinstance(problem, one.problem))
        log.info("not_connected", extra={"person": person, "problem": type(problem).__name__})
        return self._say(
            request,
            ending,
            person=person,
            problem=problem,
            headers=retry_after(problem) if isinstance(problem, RetryLater) else {},
        )

    def _of_other_session(self, request: Request) -> Response:
        """Another browser, a state that is too old, or a link that a stranger made up."""
        if "error" in request.query_params:  # a refusal may come without a state
            return self._say(request, REFUSED)
        return self._say(request, OTHER_SESSION)

    def _say(
        self,
        request: Request,
        ending: FailedLogin,
        *,
        person: str | None = None,
        problem: Problem | None = None,
        headers: Mapping[str, str] = {},
    ) -> Response:
        """A page for an ending. It leads to the next attempt of a person, or to the list."""
        return self._pages.page(
            request,
            "trouble.html",
            status=ending.status,
            headers={**_PRIVATE, **headers},
            reason=ending.reason,
            person=person,
            owner=_owner(request, problem),
            problem=None if ending.explains else problem,
            begin=begin_address(self._context.settings),
        )


def _owner(request: Request, problem: Problem | None) -> str | None:
    """Whose profile it is already; None for a visitor who must not know of others."""
    session = session_of(request)
    is_admin = session is not None and session.person is None
    return problem.owner if is_admin and isinstance(problem, TakenProfile) else None


def ends_the_way(scope: Scope) -> bool:
    """Whether Withings sends a browser back, or asks with HEAD whether we are here."""
    given = QueryParams(scope["query_string"])
    return scope["method"] == "HEAD" or not given.keys().isdisjoint(("code", "error"))


def routes(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The list, and the pages that make, check and end a connection."""
    login = WithingsLogin(context, auth, pages)
    begin, come_back = auth.require_person(login.begin), auth.public(login.come_back)
    alias = callback_path(context.settings)

    async def withings(request: Request) -> Response:
        """One address to go to Withings and to come back, as Withings knows only one."""
        return await (begin if login.begins(request) else come_back)(request)

    found: list[BaseRoute] = [
        Route("/connect", auth.require_person(_list_of(context, auth, pages))),
        Route(CALLBACK_PATH, withings, methods=["GET", "POST"]),
        *target_login.routes(context, auth, pages),
        *connection_tasks.routes(context, auth, pages),
    ]
    found += _setup_is_done(context, auth, pages)
    if alias == "/":
        found.append(WayBack(alias, come_back))
    elif alias != CALLBACK_PATH:
        found.append(Route(alias, come_back))
    return found


class WayBack(Route):
    """A redirect address that is the address of another page as well: only what Withings sends."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, more = super().matches(scope)
        if match is Match.FULL and not ends_the_way(scope):
            return Match.NONE, {}
        return match, more


def _list_of(context: AppContext, auth: Auth, pages: Pages) -> Endpoint:
    settings = context.settings
    withings = settings.withings
    callback = callback_address(settings)

    def show(request: Request) -> Response:
        with context.open() as services:
            seen = [settings.directory.person(name) for name in auth.visible(request)]
            people = [source_login_status(services, person) for person in seen]
            others = {person.name: connections_of(services, person) for person in seen}
        begin = begin_address(settings)
        is_here = same_place(begin, request.headers.get("host", ""))
        return pages.page(
            request,
            "connect.html",
            here="connect",
            people=people,
            others=others,
            is_notified=settings.server.url is not None,
            zones={person.name: person.timezone for person in seen},
            callback=callback,
            registered=bool(withings.client_id) and withings.client_secret is not None,
            elsewhere="" if is_here else begin,
        )

    return show


class TargetConnection(msgspec.Struct, frozen=True):
    """A target that signs in, and where that is done."""

    service: str
    standing: TargetLoginStatus
    sign_in: str
    disconnect: str
    problem: Problem | None = None
    """Why the kind cannot be used, in English."""


class ConnectionsPage(msgspec.Struct, frozen=True):
    """What a person has besides Withings itself, and where it is changed."""

    targets: list[TargetConnection]
    care: SubscriptionState | None
    """How the subscriptions stand; None: they were never listed."""
    check: str
    disconnect: str
    """The page that disconnects Withings."""


def connections_of(services: Services, person: Person) -> ConnectionsPage:
    """As far as the archive knows. Nothing is asked."""
    archive = services.archive(person.name)
    return ConnectionsPage(
        targets=[
            found
            for target in person.targets
            if (found := _connection(services, person, target)) is not None
        ],
        care=SubscriptionStore(services.database, archive.account).state() if archive else None,
        check=check_path(person.name),
        disconnect=disconnect_path(person.name),
    )


def _connection(
    services: Services, person: Person, target: TargetSettings
) -> TargetConnection | None:
    """None: the target has no login."""
    module, problem = look_up(target)
    if module is None and problem is None:
        return None
    return TargetConnection(
        service=service_of(module, target),
        standing=target_login_status(services, person, target),
        sign_in=sign_in_path(person.name, target.name),
        disconnect=disconnect_path(person.name, target.name),
        problem=problem,
    )


_SET_UP = Message(
    "setup.done_title", ("setup.done", "setup.done_unused"), "setup.to_connect", "/connect"
)


def _setup_is_done(context: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """Every address of the set-up: a page of it may still be open in another browser."""
    path = context.settings.home / CONFIG_FILE

    def say(request: Request) -> Response:
        status = 409 if request.method == "POST" else 200
        return pages.message(request, _SET_UP, status=status, path=path)

    done = auth.require_admin(say)
    ways = ["GET", "POST"]
    return [Route("/setup", done, methods=ways), Route("/setup/{rest:path}", done, methods=ways)]
