"""One person's account at Garmin Connect: signing in, and Garmin's own operations.

Only signing in sends a password, one attempt a call. Sign-ins are what Garmin counts and blocks,
per account and per network, for hours (docs/reference/garmin.md#limits). So a blocked one has its
own class, and the caller keeps a breaker.

Every other call first makes sure that the login lives and belongs to the account that was logged
in (docs/reference/garmin.md#calls).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded, OutcomeUnknown, Refused, RetryLater
from weighbridge.targets.base import SignedIn, WrongCode, WrongTicket
from weighbridge.targets.garmin.garmin_answers import (
    GarminProfile,
    What,
    check_upload,
    pressure_reference,
    read_profile,
    trouble_of_read,
)
from weighbridge.targets.garmin.garmin_options import Endpoint
from weighbridge.targets.garmin.garmin_tokens import GarminTokenLife, GarminTokens, require_library
from weighbridge.targets.garmin.remote_entries import (
    Held,
    read_pressures,
    read_weigh_ins,
    split_reference,
)
from weighbridge.targets.http import HttpAnswer

if TYPE_CHECKING:
    from weighbridge.targets.base import Context
    from weighbridge.targets.garmin.garmin_adapter import GarminConnection

FILE_NAME = "weight.fit"
"""Constant: the same content is to be the same file (docs/reference/garmin.md#duplicates)."""

_ALL = {"includeAll": "true"}


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
        held = read_weigh_ins(answer.json()) if answer.is_good else None
        return _read(held, answer, "weigh_ins")

    def pressures(self, first: str, last: str) -> list[Held]:
        """Every blood pressure from one day to another, both included."""
        path = f"/bloodpressure-service/bloodpressure/range/{first}/{last}"
        answer = self._call("GET", path, params=_ALL)
        held = read_pressures(answer.json()) if answer.is_good else None
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
        if not answer.is_good and answer.status != 404:
            raise trouble_of_read(answer, "deletion")

    def _call(self, method: str, path: str, **content: Any) -> HttpAnswer:
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
    ) -> HttpAnswer:
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
            require_library()
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

    def _refresh(self, tokens: GarminTokens) -> HttpAnswer:
        return self._open().refresh(tokens)


def _read(held: list[Held] | None, answer: HttpAnswer, what: What) -> list[Held]:
    # An answer that cannot be read must never pass for an empty account.
    if held is None:
        raise trouble_of_read(answer, what)
    return held


def _parts(reference: str) -> tuple[str, str]:
    parts = split_reference(reference)
    if parts is None:
        raise Refused(code="garmin.no_key")
    return parts


# --- Signing in -----------------------------------------------------------------------------------

CODE_ATTEMPTS = 3
"""A wrong code can be tried again in the same sign-in, but each counts twice
(docs/reference/garmin.md#signing-in)."""

_TICKET = re.compile(r"ST-[\w.-]+")


def sign_in(
    place: Endpoint, username: str, password: str, *, ask_mfa: Callable[[], str] | None = None
) -> SignedIn:
    """Sign in with e-mail and password. ``ask_mfa`` returns the code that Garmin asks for.

    Raises LoginNeeded (wrong password, wrong or missing code: try again at once), SignInBlocked
    (wait for hours), RetryLater (network or Garmin out of order) and ConfigProblem.
    """
    if not (username and password):
        raise ConfigProblem(code="garmin.needs_both")
    require_library()
    from weighbridge.targets.garmin.garmin_adapter import GarminConnection, reach

    reach(place)
    connection = GarminConnection(place)
    asks_for_code = connection.sign_in(username, password)
    del password  # a person may need minutes for the code, and it is not needed any more
    if asks_for_code:
        _give_code(connection, ask_mfa)
    return _signed_in(connection)


def sign_in_with_ticket(place: Endpoint, ticket: str) -> SignedIn:
    """Finish a sign-in that a person did in a browser (``browser_url``).

    ``ticket`` is the ticket itself or the address that holds it. Raises like ``sign_in``.
    """
    found = _TICKET.search(ticket)
    if found is None:
        raise WrongTicket(code="garmin.no_ticket")
    require_library()
    from weighbridge.targets.garmin.garmin_adapter import GarminConnection

    connection = GarminConnection(place)
    try:
        connection.exchange(found[0])
    except LoginNeeded:
        raise WrongTicket(code="garmin.ticket_refused") from None
    return _signed_in(connection)


def browser_url(place: Endpoint) -> str:
    """The page to open in a browser; it ends at an address with ``?ticket=ST-...``.

    The ticket works once and expires within seconds (docs/reference/garmin.md#signing-in).
    """
    sso = f"{place.sso()}/sso"
    query = {
        "id": "gauth-widget",
        "embedWidget": "true",
        "gauthHost": sso,
        "service": f"{sso}/embed",
        "source": f"{sso}/embed",
        "consumeServiceTicket": "false",
    }
    return f"{sso}/signin?{urlencode(query)}"


def _give_code(connection: GarminConnection, ask_mfa: Callable[[], str] | None) -> None:
    if ask_mfa is None:
        raise LoginNeeded(code="garmin.code_needed")
    given: set[str] = set()
    for _ in range(CODE_ATTEMPTS):
        code = ask_mfa().strip()
        if code in given:
            break  # a code from an option does not get better by repetition
        given.add(code)
        if connection.confirm(code):
            return
    raise WrongCode(code="garmin.wrong_code")


def _signed_in(connection: GarminConnection) -> SignedIn:
    """The tokens and whose they are. A login that cannot be kept is none."""
    profile = read_profile(connection.call("GET", "/userprofile-service/socialProfile"))
    tokens = msgspec.structs.replace(
        connection.tokens(), profile_id=profile.account, display_name=profile.display_name
    )
    if not (tokens.di_token and tokens.di_refresh_token and tokens.di_client_id):
        raise LoginNeeded(code="garmin.login_incomplete")
    return SignedIn(msgspec.to_builtins(tokens), profile.account, profile.name)
