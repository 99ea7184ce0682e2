"""The set-up in the browser, for people who have never edited TOML: its pages from first to last.

Each is a page of its own that works without JavaScript. What is right is kept and the browser sent
on; what must be corrected is shown again, with what was typed. What was entered is kept in memory
(``setup_draft``) until all of it is written at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from weighbridge.config import CONFIG_FILE, Settings
from weighbridge.core.errors import Problem, StateProblem
from weighbridge.core.network import is_loopback
from weighbridge.sources.withings.notification import callback_at, rules_broken
from weighbridge.web.auth import Auth, SignedInEndpoint, SignedInRequest, form_of
from weighbridge.web.render import NO_STORE, Pages, language_names
from weighbridge.web.security import host_name
from weighbridge.web.urls import CALLBACK_PATH, base_url, callback_address, same_place
from weighbridge.web.views.connect import WAY_BACK
from weighbridge.web.views.login_page import Login
from weighbridge.web.views.setup_draft import (
    MOST_PEOPLE,
    Draft,
    Drafts,
    Holding,
    PersonDraft,
    Plan,
    mistakes_of,
    plan_of,
    write,
)
from weighbridge.web.views.setup_forms import (
    Entered,
    read_address,
    read_application,
    read_person,
    read_targets,
    secret_fields,
    shown_person,
    shown_targets,
    views,
    zones,
)
from weighbridge.web.wording import Words

if TYPE_CHECKING:
    from starlette.requests import Request


STEPS = {
    "application": "/setup/withings",
    "people": "/setup/people",
    "targets": "/setup/targets",
    "address": "/setup/address",
    "review": "/setup/review",
}
"""Step → its page. Its name stands under ``setup.step_<step>``."""


class Steps:
    """Shows the forms and takes them. ``settings`` are those under which it is listened."""

    def __init__(self, settings: Callable[[], Settings], pages: Pages) -> None:
        self._settings = settings
        self._pages = pages

    # 1. The application at Withings

    def show_application(
        self, request: Request, holding: Holding, entered: Entered | None = None
    ) -> Response:
        """How to get client id and secret, and where they are entered."""
        draft = holding.draft
        return self._form(
            request,
            "application",
            entered or {"client_id": draft.client_id},
            callback=callback_of(self._settings(), draft),
            has_secret=draft.client_secret is not None,
            from_afar=_comes_from_afar(request, self._settings()),
        )

    def take_application(self, request: Request, holding: Holding) -> Response:
        """Keep them."""
        entered = Entered(form_of(request))
        draft = read_application(entered, holding.draft)
        if entered.faults:
            holding.draft = holding.draft.with_secrets_of(draft)
            return self.show_application(request, holding, entered)
        holding.draft = draft
        return self._pages.go_to(STEPS["people"])

    # 2. People

    def show_people(
        self, request: Request, holding: Holding, entered: Entered | None = None
    ) -> Response:
        """Who was entered, and a form for one more."""
        people = holding.draft.people
        shown: Entered | Mapping[str, str] = entered or {}
        return self._form(request, "people", shown, people=people, zones=zones(), person=None)

    def add_person(self, request: Request, holding: Holding) -> Response:
        """One more. The button says whether others follow."""
        draft, form = holding.draft, form_of(request)
        entered = Entered(form)
        person = read_person(entered, draft, PersonDraft(key=draft.next_key, name=""))
        if len(draft.people) >= MOST_PEOPLE:
            entered.complain("name", "full", count=MOST_PEOPLE)
        if entered.faults:
            return self.show_people(request, holding, entered)
        holding.draft = draft.with_person(person)
        return self._pages.go_to(STEPS["people" if form.get("then") == "more" else "targets"])

    def show_person(
        self, request: Request, holding: Holding, entered: Entered | None = None
    ) -> Response:
        """The form of a person."""
        person = self._person(request, holding)
        if person is None:
            return self._pages.go_to(STEPS["people"])
        shown = entered or shown_person(person)
        return self._form(request, "people", shown, people=(), zones=zones(), person=person)

    def change_person(self, request: Request, holding: Holding) -> Response:
        """Keep what was changed."""
        person = self._person(request, holding)
        if person is not None:
            entered = Entered(form_of(request))
            changed = read_person(entered, holding.draft, person)
            if entered.faults:
                return self.show_person(request, holding, entered)
            holding.draft = holding.draft.with_person(changed)
        return self._pages.go_to(STEPS["people"])

    def remove_person(self, request: Request, holding: Holding) -> Response:
        """A person who was removed already is no error."""
        holding.draft = holding.draft.without_person(request.path_params["key"])
        return self._pages.go_to(STEPS["people"])

    # 3. Targets

    def show_first_targets(self, request: Request, holding: Holding) -> Response:
        """Begin with the first person."""
        people = holding.draft.people
        place = f"{STEPS['targets']}/{people[0].key}" if people else STEPS["people"]
        return self._pages.go_to(place)

    def show_targets(
        self, request: Request, holding: Holding, entered: Entered | None = None
    ) -> Response:
        """Where the readings of a person go."""
        draft, person = holding.draft, self._person(request, holding)
        if person is None:
            return self._pages.go_to(STEPS["people"])
        spoken = self._pages.texts(request).language
        return self._form(
            request,
            "targets",
            entered or shown_targets(person, spoken),
            person=person,
            before=draft.before(person),
            kinds=views(Words(self._pages.texts(request)), language_names(), draft, person),
        )

    def take_targets(self, request: Request, holding: Holding) -> Response:
        """Keep them, then ask about the next person."""
        draft, person = holding.draft, self._person(request, holding)
        if person is None:
            return self._pages.go_to(STEPS["people"])
        entered = Entered(form_of(request), unseen=secret_fields())
        changed = read_targets(entered, draft, person)
        if entered.faults:
            holding.draft = draft.with_secrets_of(changed)
            return self.show_targets(request, holding, entered)
        holding.draft = changed
        following = draft.after(person)
        place = f"{STEPS['targets']}/{following.key}" if following else STEPS["address"]
        return self._pages.go_to(place)

    # 4. The public address

    def show_address(
        self, request: Request, holding: Holding, entered: Entered | None = None
    ) -> Response:
        """What it is for, and the field."""
        draft = holding.draft
        last = draft.people[-1] if draft.people else None
        return self._form(request, "address", entered or {"url": draft.url}, before=last)

    def take_address(self, request: Request, holding: Holding) -> Response:
        """Keep it; it may be empty."""
        entered = Entered(form_of(request))
        draft = read_address(entered, holding.draft)
        if entered.faults:
            return self.show_address(request, holding, entered)
        holding.draft = draft
        return self._pages.go_to(STEPS["review"])

    def _form(
        self,
        request: Request,
        step: str,
        shown: Entered | Mapping[str, str],
        **values: Any,
    ) -> Response:
        """The page of a step. 422: something must be corrected; it shows what was typed."""
        faulty = isinstance(shown, Entered)
        return self._pages.page(
            request,
            f"setup-{step}.html",
            status=422 if faulty else 200,
            steps=STEPS,
            step=step,
            values=shown.values if isinstance(shown, Entered) else shown,
            faults=shown.faults if isinstance(shown, Entered) else {},
            **values,
        )

    def _person(self, request: Request, holding: Holding) -> PersonDraft | None:
        return holding.draft.person(request.path_params["key"])


def callback_of(settings: Settings, draft: Draft) -> str:
    """What must be registered at Withings, as the server will say it later on."""
    server = msgspec.structs.replace(settings.server, url=draft.url or None)
    return callback_address(msgspec.structs.replace(settings, server=server))


def _comes_from_afar(request: Request, settings: Settings) -> bool:
    """Whether a browser could not come back to the address of this computer."""
    host = request.headers.get("host", "")
    return not same_place(base_url(settings), host) and not is_loopback(host_name(host) or "")


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
