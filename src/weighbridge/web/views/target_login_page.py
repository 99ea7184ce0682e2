"""The way of a person in to a target: user name and password, a code if one is asked for, or what
the person's own browser ended at. Only the session is stored.

A sign-in is a chore: the other side may need a minute, and may ask for a code while it runs. The
address of a page names person and target as they are configured, and nothing else.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from weighbridge.core.errors import ConfigProblem, Problem
from weighbridge.sync.target_login import sign_in, standing_at
from weighbridge.targets.base import SignInAnswers
from weighbridge.web.auth import Auth
from weighbridge.web.error_page import MISSING, NOT_UNDER_WAY, Trouble, trouble_of
from weighbridge.web.render import Pages
from weighbridge.web.tasks import BackgroundTask, Question, TaskRegistry, TaskRunning
from weighbridge.web.views.target_ref import TargetPlace, place_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from weighbridge.web.app_context import AppContext

log = logging.getLogger(__name__)

PATIENCE = 8.0
"""Seconds for which a page waits for the other side before it says that it waits."""
LOOK_AGAIN = {"Refresh": "1"}
"""Have the browser ask again by itself, without a script."""

type PollPolicy = Callable[[BackgroundTask[str]], SignInAnswers]


def routes(parts: AppContext, auth: Auth, pages: Pages) -> list[BaseRoute]:
    """The form, what is begun with it, and how it goes on."""
    way = TargetWay(parts, auth, pages)
    base = "/connect/{person}/{target}"
    return [
        Route(base, auth.require_person(way.show)),
        Route(base, auth.require_person(way.begin), methods=["POST"]),
        Route(f"{base}/browser", auth.require_person(way.begin_in_browser), methods=["POST"]),
        Route(f"{base}/progress", auth.require_person(way.progress)),
        Route(f"{base}/answer", auth.require_person(way.answer), methods=["POST"]),
    ]


class TargetWay:
    """Shows the forms, runs the sign-ins, says what came of them."""

    def __init__(self, parts: AppContext, auth: Auth, pages: Pages) -> None:
        self._parts = parts
        self._auth = auth
        self._pages = pages
        self._sign_ins: TaskRegistry[str] = TaskRegistry(parts.clock)

    def show(self, request: Request) -> Response:
        """The form, or until when no password is sent."""
        place = place_of(request, self._auth, self._parts)
        if place is None:
            return self._pages.not_found(request)
        return self._form(request, place, trouble_of(place.problem) if place.problem else None)

    def begin(self, request: Request) -> Response:
        """Sign in with user name and password."""
        place = place_of(request, self._auth, self._parts)
        form = _take_form(request)
        if place is None:
            return self._pages.not_found(request)
        username = form.get("username", "").strip()
        if not (username and form.get("password")):
            return self._form(request, place, MISSING, username)
        asking = _with_password(username, Once(form.pop("password")))
        return self._start(request, place, asking, username)

    def begin_in_browser(self, request: Request) -> Response:
        """Sign in with what the person's own browser will end at."""
        place = place_of(request, self._auth, self._parts)
        if place is None:
            return self._pages.not_found(request)
        return self._start(request, place, _with_ticket)

    def answer(self, request: Request) -> Response:
        """What was asked for: a code, or what the browser ended at."""
        place = place_of(request, self._auth, self._parts)
        given = _take_form(request).get("answer", "").strip()
        if place is None:
            return self._pages.not_found(request)
        chore = self._sign_ins.find(place.key, place.session)
        if chore is not None and given:
            chore.answer(given)
        return self._pages.go_to(f"{place.path}/progress")

    def progress(self, request: Request) -> Response:
        """How the sign-in of this session stands: it asks, it is over, or it takes its time."""
        place = place_of(request, self._auth, self._parts)
        if place is None:
            return self._pages.not_found(request)
        chore = self._sign_ins.find(place.key, place.session)
        if chore is None:
            return self._form(request, place, NOT_UNDER_WAY)
        chore.wait(PATIENCE)
        question = chore.question
        if question is not None:
            return self._ask(request, place, question)
        if not chore.is_over:
            return self._show(request, place, "target-working.html", headers=LOOK_AGAIN)
        if chore.problem is not None:
            return self._form(request, place, trouble_of(chore.problem), chore.note)
        return self._show(request, place, "target-connected.html", name=chore.result)

    def _start(
        self, request: Request, place: TargetPlace, asking: PollPolicy, username: str = ""
    ) -> Response:
        try:
            self._sign_ins.begin(
                place.key,
                place.session,
                lambda chore: self._sign_in(place, asking(chore)),
                username,
            )
        except TaskRunning as problem:
            return self._form(request, place, trouble_of(problem), username)
        return self._pages.go_to(f"{place.path}/progress")

    def _sign_in(self, place: TargetPlace, answers: SignInAnswers) -> str:
        """In the thread of the chore. Returns the name of whoever is signed in now."""
        about = {"person": place.person.name, "target": place.target.name}
        try:
            name = sign_in(self._parts.open, place.person, place.target, answers).name
        except Problem as problem:
            log.info("not_signed_in", extra={**about, "problem": type(problem).__name__})
            raise
        finally:
            self._parts.live.tell(place.person.name)
        log.info("signed_in", extra=about)
        self._parts.wake(place.person.name, asking=False)
        return name

    def _form(
        self,
        request: Request,
        place: TargetPlace,
        trouble: Trouble | None = None,
        username: str = "",
    ) -> Response:
        """The form; ``trouble`` says what became of the last attempt."""
        with self._parts.open() as workplace:
            standing = standing_at(workplace, place.person, place.target)
        if trouble is not None and trouble.reason == "blocked" and standing.blocked_until is None:
            trouble = None  # that has passed
        return self._show(
            request,
            place,
            "target.html",
            status=trouble.status if trouble else 200,
            headers=trouble.headers if trouble else {},
            trouble=trouble,
            standing=standing,
            username=username or getattr(place.target.options, "username", ""),
        )

    def _ask(self, request: Request, place: TargetPlace, question: Question) -> Response:
        return self._show(
            request,
            place,
            "target-question.html",
            status=403 if question.again else 200,
            question=question,
        )

    def _show(
        self,
        request: Request,
        place: TargetPlace,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] = {},
        **values: object,
    ) -> Response:
        return self._pages.page(
            request, template, status=status, headers=headers, here="connect", place=place, **values
        )


class Once:
    """A secret that is given out once, and forgotten with that."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> str:
        text, self._text = self._text, ""
        return text


def _take_form(request: Request) -> dict[str, str]:
    """The fields of the form; the request keeps none of them."""
    form: dict[str, str] = request.state.form
    request.state.form = {}
    return form


def _with_password(username: str, password: Once) -> PollPolicy:
    return lambda chore: SignInAnswers(
        username=lambda: username, password=password, code=_code(chore), ticket=None
    )


def _with_ticket(chore: BackgroundTask[str]) -> SignInAnswers:
    return SignInAnswers(
        username=_only_by_password,
        password=_only_by_password,
        code=_code(chore),
        ticket=lambda link: chore.ask(Question("ticket", link)),
    )


def _code(chore: BackgroundTask[str]) -> Callable[[], str]:
    """Asked once more, the code before was wrong."""
    asked: list[str] = []

    def ask() -> str:
        # Somebody may need minutes. Errors on the way here keep what was sent until that is done.
        gc.collect()
        question = Question("code", again=bool(asked))
        asked.append("")
        return chore.ask(question)

    return ask


def _only_by_password() -> str:
    raise ConfigProblem(
        "There is no way in with a browser here.", remedy="Sign in with user name and password."
    )
