"""Pages that a visit seldom meets, with values made up for them: work under way, a refusal, an end.

Whatever ``Pages.page`` takes stands here; the real template, layout and texts show it.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from weighbridge.config import load
from weighbridge.server.pages.connect.checking import Checked
from weighbridge.server.pages.connect.disconnecting import Disconnected
from weighbridge.server.pages.endings import Trouble
from weighbridge.server.pages.pages import Pages
from weighbridge.server.pages.sessions import Session
from weighbridge.server.pages.setup.setup_draft import Draft, PersonDraft
from weighbridge.server.pages.setup.setup_steps import STEPS

if TYPE_CHECKING:
    from starlette.responses import Response

    from pages.household import Home

type Sample = tuple[str, dict[str, Any]]

_ANNA = SimpleNamespace(name="anna", timezone="Europe/Paris")
_PLACE = SimpleNamespace(
    person=_ANNA,
    service="Garmin",
    path="/connect/anna/garmin",
    module=True,
    browser_way="garmin",
    browser_words=("", ""),
)
_BOND = SimpleNamespace(
    person=_ANNA, target=None, service="Withings", path="/disconnect/anna/withings"
)
_FREE, _BLOCKED = (SimpleNamespace(blocked_until=at) for at in (None, time.time() + 3600))
_WRONG = Trouble("wrong_password", 403)
_DORA = PersonDraft(key=1, name="dora")
_CHECKED = Checked(subscribed=(1, 4), missing=(16,), left_out=(44,), old=1, checked_at=time.time())
_FORM: dict[str, Any] = {"values": {}, "faults": {}, "steps": STEPS}
_WRONG_URL = {"url": SimpleNamespace(reason="url", values={})}
_BUNDLE = SimpleNamespace(
    rows=[1, 2], counts=lambda: {("anna", "garmin"): 2}, is_part=True, mark="0"
)
_OBSTACLE = SimpleNamespace(reason="problem", problem="weighbridge.toml:1: No such key.")
_REVIEW: dict[str, Any] = {
    "draft": Draft(),
    "plan": SimpleNamespace(shown="[withings]\n" + "x" * 200, passwords=["mqtt"], fingerprint="0"),
    "path": "weighbridge.toml",
    "mistakes": [SimpleNamespace(message="There is no name.", remedy="Write one.")],
    "callback": "http://localhost/connect/withings",
    "doubtful": True,
    "trouble": "changed",
}

SAMPLES: list[Sample] = [
    ("sign-in.html", {"trouble": "wrong", "next": "/"}),
    ("signed-out.html", {}),
    ("strange-form.html", {}),
    *(("refusal.html", {"reason": one}) for one in ("accident", "only_admin")),
    ("person-link.html", {"person": "anna"}),
    ("way-back.html", {}),
    (
        "trouble.html",
        {"reason": "taken", "person": "anna", "owner": "ben", "problem": None, "begin": ""},
    ),
    ("connected.html", {"person": "anna", "userid": 1, "already": True}),
    ("subscriptions.html", {"trouble": None, "checked": None}),
    ("subscriptions.html", {"trouble": None, "checked": _CHECKED}),
    ("target.html", {"trouble": _WRONG, "standing": _FREE, "username": "anna"}),
    ("target.html", {"trouble": None, "standing": _BLOCKED, "username": ""}),
    ("target-working.html", {}),
    ("target-question.html", {"question": SimpleNamespace(kind="code", again=False, link="")}),
    ("target-connected.html", {"name": "anna@example.test"}),
    ("disconnect.html", {"trouble": None, "is_connected": True}),
    ("disconnect-working.html", {}),
    ("disconnected.html", {"outcome": Disconnected(still_told=True)}),
    (
        "deliveries-all.html",
        {"what": "retry_rejected", "found": _BUNDLE, "address": "", "back": ""},
    ),
    ("deliveries-odd.html", {}),
    ("diary-odd.html", {"address": "/diary/anna"}),
    ("history-nothing.html", {"person": "anna", "people": []}),
    ("setup.html", {}),
    ("setup-application.html", {"callback": "/", "has_secret": True, "from_afar": True}),
    ("setup-people.html", {"people": [_DORA], "person": None, "zones": []}),
    (
        "setup-targets.html",
        {
            "person": _DORA,
            "missing": {"mqtt": "pip install"},
            "before": None,
            "brokers": [],
            "has_password": False,
        },
    ),
    ("setup-address.html", {"before": None, "faults": _WRONG_URL}),
    ("setup-review.html", _REVIEW),
    ("setup-overtaken.html", {"obstacle": _OBSTACLE, "path": "weighbridge.toml"}),
    ("setup-done.html", {"path": "weighbridge.toml"}),
]

_COMMON: dict[str, Any] = {
    **_FORM,
    "place": _PLACE,
    "bond": _BOND,
    "person": _ANNA,
    "path": "/",
    "known": (1, 4, 16, 44),
    "notices": [],
}


def show(home: Home, sample: Sample) -> Response:
    """The page of a sample, as the server of a household would send it to the admin."""
    template, values = sample
    pages = Pages(load(home.house.home, {}, secret_folder=home.house.home))
    session = Session("key", "csrf", 0.0, 0.0)
    step = {"step": template.removeprefix("setup-").removesuffix(".html")}
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "headers": [],
        "server": ("127.0.0.1", 80),
        "state": {"session": session},
    }
    return pages.page(Request(scope), template, **{**_COMMON, **step, **values})
