"""The set-up in the browser, for people who have never edited TOML: its routes, its beginning and
its end. The steps between are in ``setup_steps``.

What was entered is kept in memory (``setup_draft``) until all of it is written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.config import CONFIG_FILE, Settings
from weighbridge.core.errors import Problem, StateProblem
from weighbridge.sources.withings.notification import callback_at, rules_broken
from weighbridge.web.auth import Auth, SignedInEndpoint, SignedInRequest, form_of
from weighbridge.web.monitoring_routes import NO_STORE
from weighbridge.web.render import Pages
from weighbridge.web.urls import CALLBACK_PATH
from weighbridge.web.views.login import Login
from weighbridge.web.views.setup_draft import (
    Draft,
    Drafts,
    Holding,
    Plan,
    mistakes_of,
    plan_of,
    write,
)
from weighbridge.web.views.setup_steps import STEPS, Steps, callback_of
from weighbridge.web.views.withings_login import WAY_BACK

if TYPE_CHECKING:
    from starlette.requests import Request

Step = Callable[["Request", Holding], Response]

_SECRET_LENGTH = 48
"""Characters of the secret in an address for notifications; more or less."""


class Obstacle(msgspec.Struct, frozen=True):
    """There is a configuration, but the server cannot begin with it."""

    reason: str
    """``unfinished``: it names no application; ``broken``: see the problem."""
    problem: Problem


class SetupState(Protocol):
    """What the pages may ask of ``weighbridge.web.setup_server``."""

    settings: Settings
    environ: Mapping[str, str]
    obstacle: Obstacle | None
    port: int | None

    @property
    def is_over(self) -> bool:
        """Whether the server itself has begun."""

    def look(self) -> None:
        """Begin with the configuration that may be there now."""


class Setup:
    """Shows the steps and takes their forms."""

    def __init__(self, state: SetupState, pages: Pages, drafts: Drafts) -> None:
        self._state = state
        self._pages = pages
        self._drafts = drafts
        self._steps = Steps(lambda: state.settings, pages)

    def routes(self, auth: Auth) -> list[BaseRoute]:
        """Everything that a server without a configuration answers."""
        away = auth.require_admin(lambda request: self._pages.go_to("/setup"))
        found: list[BaseRoute] = [
            Route("/healthz", _healthz),
            Route("/readyz", _readyz),
            *self._login_routes(Login(self._pages, auth)),
            # Withings tries this address when it is registered.
            Route(CALLBACK_PATH, auth.public(self._way_back)),
            Route("/", away),
            Route("/connect", away),
        ]
        for method, path, step in self._ways():
            found.append(Route(path, auth.require_admin(self._checked(step)), methods=[method]))
        return found

    def _ways(self) -> list[tuple[str, str, Step]]:
        steps = self._steps
        return [
            ("GET", "/setup", self.show_start),
            ("GET", "/setup/withings", steps.show_application),
            ("POST", "/setup/withings", steps.take_application),
            ("GET", "/setup/people", steps.show_people),
            ("POST", "/setup/people", steps.add_person),
            ("GET", "/setup/people/{key:int}", steps.show_person),
            ("POST", "/setup/people/{key:int}", steps.change_person),
            ("POST", "/setup/people/{key:int}/remove", steps.remove_person),
            ("GET", "/setup/targets", steps.show_first_targets),
            ("GET", "/setup/targets/{key:int}", steps.show_targets),
            ("POST", "/setup/targets/{key:int}", steps.take_targets),
            ("GET", "/setup/address", steps.show_address),
            ("POST", "/setup/address", steps.take_address),
            ("GET", "/setup/review", self.show_review),
            ("POST", "/setup/review", self.write),
        ]

    def _checked(self, step: Step) -> SignedInEndpoint:
        """A step with the answers of this browser, unless there is a configuration by now."""

        def checked(request: SignedInRequest) -> Response:
            self._state.look()
            if self._state.is_over or self._state.obstacle:
                return self._overtaken(request)
            with self._drafts.of(request.visitor.key, self._usual()) as holding:
                return step(request, holding)

        return checked

    def _login_routes(self, login: Login) -> list[BaseRoute]:
        """Signing out forgets the answers: no session could come back to them."""

        def sign_out(request: SignedInRequest) -> Response:
            self._drafts.forget(request.visitor.key)
            return login.sign_out(request)

        return login.routes(sign_out)

    def _usual(self) -> Draft:
        return Draft(url=self._state.settings.server.url or "")

    # The beginning

    def show_start(self, request: Request, holding: Holding) -> Response:
        """What is to come."""
        return self._pages.page(request, "setup.html", steps=STEPS)

    def _way_back(self, request: Request) -> Response:
        return self._pages.message(request, WAY_BACK)

    # The end

    def show_review(
        self, request: Request, holding: Holding, *, trouble: str | Problem = "", status: int = 200
    ) -> Response:
        """The file as it will be written. ``trouble``: why it was not."""
        draft, home = holding.draft, self._state.settings.home
        plan = self._plan(draft)
        return self._pages.page(
            request,
            "setup-review.html",
            status=status,
            steps=STEPS,
            step="review",
            draft=draft,
            plan=plan,
            path=home / CONFIG_FILE,
            mistakes=mistakes_of(plan, home, self._state.environ),
            callback=callback_of(self._state.settings, draft),
            doubtful=_breaks_rules(draft.url),
            trouble=trouble,
        )

    def write(self, request: Request, holding: Holding) -> Response:
        """Write what was shown, and go on as the server."""
        draft, home = holding.draft, self._state.settings.home
        plan = self._plan(draft)
        if form_of(request).get("shown") != plan.fingerprint:
            return self.show_review(request, holding, trouble="changed", status=409)
        if not _is_complete(draft) or mistakes_of(plan, home, self._state.environ):
            return self.show_review(request, holding, status=409)
        try:
            write(plan, home)
        except FileExistsError:
            return self._was_taken(request, holding)
        except StateProblem as problem:
            return self.show_review(request, holding, trouble=problem, status=500)
        return self._go_on(request)

    def _go_on(self, request: Request) -> Response:
        """To the pages of the server, which may have another address than these."""
        self._state.look()
        if self._state.is_over:
            return Pages(self._state.settings).go_to("/connect")
        return self._overtaken(request)

    def _was_taken(self, request: Request, holding: Holding) -> Response:
        """Another process wrote one of the files in this very moment."""
        if not (self._state.settings.home / CONFIG_FILE).exists():
            return self.show_review(request, holding, trouble="changed", status=409)
        self._state.look()
        return self._overtaken(request)

    def _overtaken(self, request: Request) -> Response:
        """There is a configuration now: ours, or that of another program."""
        obstacle = self._state.obstacle
        if obstacle is None:
            return self._pages.go_to("/setup")  # the server answers there
        path = self._state.settings.home / CONFIG_FILE
        return self._pages.page(
            request, "setup-overtaken.html", status=409, obstacle=obstacle, path=path
        )

    def _plan(self, draft: Draft) -> Plan:
        return plan_of(draft, self._state.settings.home, self._state.port)


async def _healthz(request: Request) -> Response:
    return PlainTextResponse("ok\n", headers=NO_STORE)


async def _readyz(request: Request) -> Response:
    reasons = ["Nothing is configured yet. Open /setup in a browser, or run: weighbridge init"]
    return JSONResponse({"ready": False, "reasons": reasons}, 503, headers=NO_STORE)


def _is_complete(draft: Draft) -> bool:
    return draft.has_application and bool(draft.people)


def _breaks_rules(url: str) -> bool:
    """Whether Withings may not like the address."""
    return bool(url) and bool(rules_broken(callback_at(url, "x" * _SECRET_LENGTH)))
