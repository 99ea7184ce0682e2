"""The forms of the set-up: the application, the people, their targets, the public address.

Each is a page of its own that works without JavaScript. What is right is kept and the browser sent
on; what must be corrected is shown again, with what was typed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.config import Settings
from weighbridge.core.network import is_loopback
from weighbridge.web.auth import form_of
from weighbridge.web.render import Pages, language_names
from weighbridge.web.security import host_name
from weighbridge.web.urls import base_url, callback_address, same_place
from weighbridge.web.views.setup_draft import MOST_PEOPLE, Draft, Holding, PersonDraft
from weighbridge.web.views.setup_fields import (
    Entered,
    read_address,
    read_application,
    read_person,
    shown_person,
    zones,
)
from weighbridge.web.views.setup_targets import read_targets, secret_fields, shown_targets, views
from weighbridge.web.wording import Words

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

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
