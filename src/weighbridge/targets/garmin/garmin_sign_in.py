"""The interactive sign-in: the only place where a password is sent. One attempt a call.

Sign-ins are what Garmin counts and blocks, per account and per network, for hours
(docs/reference/garmin.md#limits). So a blocked one has its own class, and the caller
keeps a breaker.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from weighbridge.core.errors import ConfigProblem, LoginNeeded
from weighbridge.targets.base import SignedIn, WrongCode, WrongTicket
from weighbridge.targets.garmin import garmin_library
from weighbridge.targets.garmin.garmin_library import Endpoint

if TYPE_CHECKING:
    from weighbridge.targets.garmin.garmin_adapter import GarminConnection

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
    garmin_library.require()
    from weighbridge.targets.garmin.garmin_adapter import GarminConnection, reach

    reach(place)
    connection = GarminConnection(place)
    asks_for_code = connection.sign_in(username, password)
    del password  # a person may need minutes for the code, and nobody needs it any more
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
    garmin_library.require()
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
    from weighbridge.targets.garmin.garmin_account import read_profile

    profile = read_profile(connection.call("GET", "/userprofile-service/socialProfile"))
    tokens = msgspec.structs.replace(
        connection.tokens(), profile_id=profile.account, display_name=profile.display_name
    )
    if not (tokens.di_token and tokens.di_refresh_token and tokens.di_client_id):
        raise LoginNeeded(code="garmin.login_incomplete")
    return SignedIn(msgspec.to_builtins(tokens), profile.account, profile.name)
