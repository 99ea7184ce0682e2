"""What may be asked of the sandbox's TrainerRoad: ``POST /sandbox/trainerroad/<action>``.

    accounts       list; with "create": {username, email, password, profile} one more
    profile        the profile of "account"; with "set": {"ftp": 240, ...} as its rider does
    writes         every profile that was sent: received_at, account, weight_kg, changed, missing,
                   taken; "account" for one of them
    cookie         a new session of "account", as if signed in with a browser
    expire         end the sessions of "account", or all
    renew_cookie   the next member-info brings a new cookie, and the old one is dead
    forget_cookie  "on": sign-ins succeed without a cookie
    drop           the profile of "account" loses "field" (the contract changed)
    meanwhile      right "after" the next "read" or "write" of "account" somebody makes "changes"
    ignore_writes  "on": a profile is taken with 200 and not written
    decimals       weights are kept with so many "digits"; null: all
    pascal_case    "on": every answer is PascalCase, whatever is asked for
    reset          as it was at the start

Accounts are named by their user name or e-mail. Passwords are never returned.
"""

from __future__ import annotations

from typing import Any

import msgspec

from weighbridge_sandbox.cloud_actions import CloudActions
from weighbridge_sandbox.trainerroad.accounts import Rider, Riders
from weighbridge_sandbox.trainerroad.profiles import Meanwhile, Profiles
from weighbridge_sandbox.trainerroad.sessions import COOKIE, Cookies


class TrainerRoadActions(CloudActions):
    """The actions, on the parts that the cloud has."""

    accounts: Riders
    sessions: Cookies
    profiles: Profiles
    always_pascal: bool
    renews_cookie: bool
    """The next member-info of somebody who is signed in brings a new cookie."""
    forgets_cookie: bool
    """A sign-in succeeds, but its cookie is missing."""

    def do_accounts(self, create: Any = None) -> Any:
        if create is not None:
            return self.accounts.add(msgspec.convert(create, Rider)).listed()
        return [account.listed() for account in self.accounts]

    def do_profile(self, account: str, set: Any = None) -> Any:  # noqa: A002  a word of the call
        profile = self.accounts.by_name(account).profile
        profile.update(set or {})
        return profile

    def do_writes(self, account: str | None = None) -> Any:
        chosen = None if account is None else self.accounts.by_name(account).username
        return [
            msgspec.to_builtins(write)
            for write in self.profiles.writes
            if chosen in {None, write.account}
        ]

    def do_cookie(self, account: str) -> Any:
        rider = self.accounts.by_name(account)
        return {"name": COOKIE, "value": self.sessions.begin(rider.account_id)}

    def do_expire(self, account: str | None = None) -> Any:
        return {"expired": self.sessions.expire(self.accounts.number_of(account))}

    def do_renew_cookie(self) -> Any:
        self.renews_cookie = True
        return {"renew": True}

    def do_forget_cookie(self, on: bool) -> Any:
        self.forgets_cookie = bool(on)
        return {"on": on}

    def do_drop(self, account: str, field: str) -> Any:
        profile = self.accounts.by_name(account).profile
        del profile[field]
        return profile

    def do_meanwhile(self, **content: Any) -> Any:
        ordered = msgspec.convert(content, Meanwhile)
        ordered.account = self.accounts.by_name(ordered.account).username
        self.profiles.meanwhile = ordered
        return content

    def do_ignore_writes(self, on: bool) -> Any:
        self.profiles.ignores_writes = bool(on)
        return {"on": on}

    def do_decimals(self, digits: int | None) -> Any:
        self.profiles.decimals = None if digits is None else int(digits)
        return {"digits": digits}

    def do_pascal_case(self, on: bool) -> Any:
        self.always_pascal = bool(on)
        return {"on": on}

    def reset(self) -> None:
        raise NotImplementedError

    def do_reset(self) -> Any:
        self.reset()
        return {"reset": True}
