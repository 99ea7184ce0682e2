"""One person's account at Garmin Connect, in Garmin's own operations.

Every call first makes sure that the login lives and belongs to the account that was logged in.
Source: docs/reference/garmin.md#calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Refused, RetryLater
from weighbridge.targets.garmin import garmin_library
from weighbridge.targets.garmin.garmin_answers import (
    GarminAnswer,
    What,
    check_upload,
    pressure_reference,
    trouble_of_read,
)
from weighbridge.targets.garmin.garmin_library import Endpoint
from weighbridge.targets.garmin.garmin_tokens import GarminTokenLife, GarminTokens
from weighbridge.targets.garmin.remote_entries import (
    Held,
    read_pressures,
    read_weigh_ins,
    split_reference,
)

if TYPE_CHECKING:
    from weighbridge.targets.base import Context
    from weighbridge.targets.garmin.garmin_adapter import GarminConnection

FILE_NAME = "weight.fit"
"""Constant: the same content is to be the same file (docs/reference/garmin.md#duplicates)."""

_ALL = {"includeAll": "true"}


class GarminProfile(msgspec.Struct, frozen=True):
    """Who answers. ``account`` never changes, ``name`` is for people."""

    account: str
    display_name: str
    name: str


def read_profile(answer: GarminAnswer) -> GarminProfile:
    """The ``socialProfile`` of the account that is logged in. Raises RetryLater or LoginNeeded."""
    content = answer.json()
    if not answer.good or not isinstance(content, dict):
        raise trouble_of_read(answer, "profile")
    number, display = content.get("profileId"), content.get("displayName")
    if not number and not display:
        raise RetryLater(code="garmin.nameless_profile")
    display = str(display or "")
    return GarminProfile(str(number or display), display, str(content.get("fullName") or display))


class GarminAccount:
    """The operations. Making one touches nothing; the first call connects."""

    def __init__(self, place: Endpoint, context: Context) -> None:
        self._place = place
        self._session = context.session
        self._login = context.login_command
        self._life = GarminTokenLife(context.session, context.clock, self._refresh, self._login)
        self._opened: GarminConnection | None = None
        self._in_use: GarminTokens | None = None
        self._proven: str | None = None

    def profile(self) -> GarminProfile:
        """Who is logged in. Raises LoginNeeded when it is not the one who logged in here."""
        tokens = self._current()
        self._open().use(tokens)
        return self._prove()

    def upload(self, file: bytes) -> None:
        """Send one FIT file. Returns when Garmin took it or has it already."""
        answer = self._call("POST", "/upload-service/upload", files={"file": (FILE_NAME, file)})
        check_upload(answer)

    def add_pressure(self, entry: dict[str, Any]) -> str:
        """Write one blood pressure; returns its reference. Each call adds a row, certainly."""
        answer = self._call("POST", "/bloodpressure-service/bloodpressure", json=entry)
        return pressure_reference(answer)

    def weigh_ins(self, first: str, last: str) -> list[Held]:
        """Everything weighed from one day to another, both included."""
        answer = self._call("GET", f"/weight-service/weight/range/{first}/{last}", params=_ALL)
        held = read_weigh_ins(answer.json()) if answer.good else None
        return _read(held, answer, "weigh_ins")

    def pressures(self, first: str, last: str) -> list[Held]:
        """Every blood pressure from one day to another, both included."""
        path = f"/bloodpressure-service/bloodpressure/range/{first}/{last}"
        answer = self._call("GET", path, params=_ALL)
        held = read_pressures(answer.json()) if answer.good else None
        return _read(held, answer, "pressures")

    def remove_weigh_in(self, reference: str) -> None:
        """Delete one weigh-in. One that is gone already is fine."""
        key, day = _parts(reference)
        self._remove(f"/weight-service/weight/{day}/byversion/{key}")

    def remove_pressure(self, reference: str) -> None:
        """Delete one blood pressure. One that is gone already is fine."""
        key, day = _parts(reference)
        self._remove(f"/bloodpressure-service/bloodpressure/{day}/{key}")

    def _remove(self, path: str) -> None:
        answer = self._call("DELETE", path)
        if not answer.good and answer.status != 404:
            raise trouble_of_read(answer, "deletion")

    def _call(self, method: str, path: str, **content: Any) -> GarminAnswer:
        """One request. Raises LoginNeeded, RetryLater and, for a POST, OutcomeUnknown."""
        tokens = self._current()
        connection = self._open()
        connection.use(tokens)
        if self._proven is None or self._proven != self._session.account():
            self._prove()
        return self._ask(connection, method, path, **content)

    def _prove(self) -> GarminProfile:
        """People do not mix: compare who answers with who logged in."""
        answer = self._ask(self._open(), "GET", "/userprofile-service/socialProfile")
        profile = read_profile(answer)
        if self._session.account() == "":  # taken over from a program that did not say whose
            self._session.bind(profile.account)
        expected = self._session.account()
        if profile.account != expected:
            raise LoginNeeded(code="garmin.other_account", login=self._login)
        self._proven = expected
        return profile

    def _ask(
        self, connection: GarminConnection, method: str, path: str, **content: Any
    ) -> GarminAnswer:
        try:
            answer = connection.call(method, path, **content)
        except OutcomeUnknown as problem:
            if method == "POST":
                raise
            # Reading and deleting leave nothing that could be there twice.
            raise RetryLater(code="target.try_again", cause=problem) from None
        if answer.status == 401:
            raise LoginNeeded(code="garmin.login_no_longer", login=self._login)
        return answer

    def _open(self) -> GarminConnection:
        if self._opened is None:
            garmin_library.require()
            from weighbridge.targets.garmin.garmin_adapter import GarminConnection

            self._opened = GarminConnection(self._place, renew=self._renew)
        return self._opened

    def _current(self) -> GarminTokens:
        self._in_use = self._life.current()
        return self._in_use

    def _renew(self) -> GarminTokens:
        """After a 401: the tokens in use are refused although they are not old."""
        self._in_use = self._life.renew(self._in_use or self._current())
        return self._in_use

    def _refresh(self, tokens: GarminTokens) -> GarminAnswer:
        return self._open().refresh(tokens)


def _read(held: list[Held] | None, answer: GarminAnswer, what: What) -> list[Held]:
    # An answer that cannot be read must never pass for an empty account.
    if held is None:
        raise trouble_of_read(answer, what)
    return held


def _parts(reference: str) -> tuple[str, str]:
    parts = split_reference(reference)
    if parts is None:
        raise Refused(code="garmin.no_key")
    return parts
