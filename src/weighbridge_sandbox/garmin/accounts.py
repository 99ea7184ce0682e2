"""The accounts of the sandbox's Garmin, and what the profile calls say about them.

Two accounts exist from the start, so that a demonstration can sign both in:

    e-mail              password           MFA code
    anna@example.test   anna-walks-home    none
    ben@example.test    ben-rides-uphill   123456
"""

from __future__ import annotations

from urllib.parse import unquote
from zoneinfo import ZoneInfo

from weighbridge_sandbox.accounts import Account, Accounts
from weighbridge_sandbox.messages import Request, Response


class GarminAccount(Account, kw_only=True, forbid_unknown_fields=True):
    """One person at Garmin. ``timezone`` is an IANA name; Garmin computes local days with it."""

    display_name: str
    mfa_code: str | None = None
    full_name: str = ""
    timezone: str = "Europe/Paris"

    def __post_init__(self) -> None:
        ZoneInfo(self.timezone)
        self.email = self.email.lower()

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


type GarminAccounts = Accounts[GarminAccount]


def default_accounts() -> list[GarminAccount]:
    """Anna signs in with her password alone, Ben is asked for a code as well."""
    return [
        GarminAccount(
            email="anna@example.test",
            password="anna-walks-home",  # noqa: S106 (documented, opens nothing but the sandbox)
            display_name="anna.sandbox",
            full_name="Anna Example",
        ),
        GarminAccount(
            email="ben@example.test",
            password="ben-rides-uphill",  # noqa: S106 (documented, opens nothing but the sandbox)
            display_name="ben.sandbox",
            full_name="Ben Example",
            mfa_code="123456",
        ),
    ]


_PROFILE = "/userprofile-service/"
_PERSONAL = _PROFILE + "userprofile/personal-information/"


def answer_profile(request: Request, account: GarminAccount) -> Response:
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


def _social_profile(account: GarminAccount) -> dict[str, object]:
    return {
        "id": account.account_id,
        "profileId": account.account_id,
        "displayName": account.display_name,
        "fullName": account.full_name,
        "userName": account.email,
        "profileVisibility": "private",
    }


def _user_settings(account: GarminAccount) -> dict[str, object]:
    data = {"measurementSystem": "metric", "timeFormat": "time_twenty_four_hr"}
    return {"id": account.account_id, "userData": data}


def _personal_information(quoted_name: str, account: GarminAccount) -> Response:
    if unquote(quoted_name) != account.display_name:
        return Response.of_json({"message": "HTTP 403 Forbidden"}, 403)
    return Response.of_json({"timeZone": account.timezone, "locale": "en"})
