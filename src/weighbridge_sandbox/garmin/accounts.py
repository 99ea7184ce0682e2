"""The accounts of the sandbox's Garmin, and what the profile calls say about them.

Two accounts exist from the start, so that a demonstration can sign both in:

    e-mail              password           MFA code
    anna@example.test   anna-walks-home    none
    ben@example.test    ben-rides-uphill   123456
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import msgspec

from weighbridge_sandbox.messages import Request, Response


class Account(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One person at Garmin. ``timezone`` is an IANA name; Garmin computes local days with it."""

    email: str
    password: str
    display_name: str
    mfa_code: str | None = None
    full_name: str = ""
    timezone: str = "Europe/Paris"
    account_id: int = 0

    def __repr__(self) -> str:
        return f"Account({self.email!r})"

    def listed(self) -> dict[str, object]:
        """What the administration may show: neither the password nor the code."""
        return {
            "account_id": self.account_id,
            "email": self.email,
            "display_name": self.display_name,
            "full_name": self.full_name,
            "timezone": self.timezone,
            "mfa": self.mfa_code is not None,
        }


def default_accounts() -> list[Account]:
    """Anna signs in with her password alone, Ben is asked for a code as well."""
    return [
        Account(
            email="anna@example.test",
            password="anna-walks-home",  # noqa: S106 (documented, opens nothing but the sandbox)
            display_name="anna.sandbox",
            full_name="Anna Example",
        ),
        Account(
            email="ben@example.test",
            password="ben-rides-uphill",  # noqa: S106 (documented, opens nothing but the sandbox)
            display_name="ben.sandbox",
            full_name="Ben Example",
            mfa_code="123456",
        ),
    ]


class Accounts:
    """All accounts, found by number, e-mail or display name."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._accounts: dict[int, Account] = {}
        for account in accounts:
            self.add(account)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._accounts.values())

    def add(self, account: Account) -> Account:
        """Number and keep an account. Raises ValueError when the e-mail is taken."""
        if any(other.email == account.email.lower() for other in self):
            raise ValueError(f"There is an account {account.email} already. Choose another e-mail.")
        ZoneInfo(account.timezone)
        account.email = account.email.lower()
        account.account_id = account.account_id or 81_000_001 + len(self._accounts)
        self._accounts[account.account_id] = account
        return account

    def by_id(self, account_id: int) -> Account:
        """The account with this number; it must exist."""
        return self._accounts[account_id]

    def by_email(self, email: str) -> Account:
        """The account with this e-mail. Raises ValueError when there is none."""
        for account in self:
            if account.email == email.lower():
                return account
        raise ValueError(f"There is no account {email}. The action accounts lists all.")

    def signed_in_by(self, email: object, password: object) -> Account | None:
        """The account that this e-mail and this password open, or None."""
        for account in self:
            if account.email == str(email).lower() and account.password == password:
                return account
        return None


_PROFILE = "/userprofile-service/"
_PERSONAL = _PROFILE + "userprofile/personal-information/"


def answer_profile(request: Request, account: Account) -> Response:
    """The profile calls that the library makes (docs/reference/garmin.md#sign-in-requests)."""
    path = request.path
    if request.method != "GET":
        return Response.of_json({"message": "HTTP 405 Method Not Allowed"}, 405)
    if path == _PROFILE + "socialProfile":
        return Response.of_json(_social_profile(account))
    if path == _PROFILE + "userprofile/user-settings":
        return Response.of_json(_user_settings(account))
    if path.startswith(_PERSONAL):
        return _personal_information(path.removeprefix(_PERSONAL), account)
    return Response.of_json({"message": "HTTP 404 Not Found"}, 404)


def _social_profile(account: Account) -> dict[str, object]:
    return {
        "id": account.account_id,
        "profileId": account.account_id,
        "displayName": account.display_name,
        "fullName": account.full_name,
        "userName": account.email,
        "profileVisibility": "private",
    }


def _user_settings(account: Account) -> dict[str, object]:
    data = {"measurementSystem": "metric", "timeFormat": "time_twenty_four_hr"}
    return {"id": account.account_id, "userData": data}


def _personal_information(quoted_name: str, account: Account) -> Response:
    if unquote(quoted_name) != account.display_name:
        return Response.of_json({"message": "HTTP 403 Forbidden"}, 403)
    return Response.of_json({"timeZone": account.timezone, "locale": "en"})
