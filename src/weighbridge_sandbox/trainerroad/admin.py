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

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge_sandbox.trainerroad.accounts import Account
from weighbridge_sandbox.trainerroad.profiles import Meanwhile
from weighbridge_sandbox.trainerroad.sessions import COOKIE

if TYPE_CHECKING:
    from weighbridge_sandbox.trainerroad import TrainerRoadCloud

type Content = dict[str, Any]


def administer(cloud: TrainerRoadCloud, action: str, content: Any) -> Any:
    """Carry out one action. Raises ValueError, KeyError or TypeError when it makes no sense."""
    do = _ACTIONS.get(action)
    if do is None:
        raise ValueError(f"There is no action {action!r}. There are: {', '.join(_ACTIONS)}.")
    return do(cloud, content or {})


def _accounts(cloud: TrainerRoadCloud, content: Content) -> Any:
    if "create" in content:
        return cloud.accounts.add(msgspec.convert(content["create"], Account)).listed()
    return [account.listed() for account in cloud.accounts]


def _profile(cloud: TrainerRoadCloud, content: Content) -> Any:
    profile = cloud.accounts.by_name(content["account"]).profile
    profile.update(content.get("set", {}))
    return profile


def _writes(cloud: TrainerRoadCloud, content: Content) -> Any:
    chosen = _username(cloud, content)
    return [
        msgspec.to_builtins(write)
        for write in cloud.profiles.writes
        if chosen in {None, write.account}
    ]


def _cookie(cloud: TrainerRoadCloud, content: Content) -> Any:
    account = cloud.accounts.by_name(content["account"])
    return {"name": COOKIE, "value": cloud.sessions.begin(account.member_id)}


def _expire(cloud: TrainerRoadCloud, content: Content) -> Any:
    name = content.get("account")
    member_id = None if name is None else cloud.accounts.by_name(name).member_id
    return {"expired": cloud.sessions.expire(member_id)}


def _renew_cookie(cloud: TrainerRoadCloud, _: Content) -> Any:
    cloud.renews_cookie = True
    return {"renew": True}


def _forget_cookie(cloud: TrainerRoadCloud, content: Content) -> Any:
    cloud.forgets_cookie = bool(content["on"])
    return content


def _drop(cloud: TrainerRoadCloud, content: Content) -> Any:
    profile = cloud.accounts.by_name(content["account"]).profile
    del profile[content["field"]]
    return profile


def _meanwhile(cloud: TrainerRoadCloud, content: Content) -> Any:
    ordered = msgspec.convert(content, Meanwhile)
    ordered.account = cloud.accounts.by_name(ordered.account).username
    cloud.profiles.meanwhile = ordered
    return content


def _ignore_writes(cloud: TrainerRoadCloud, content: Content) -> Any:
    cloud.profiles.ignores_writes = bool(content["on"])
    return content


def _decimals(cloud: TrainerRoadCloud, content: Content) -> Any:
    digits = content["digits"]
    cloud.profiles.decimals = None if digits is None else int(digits)
    return content


def _pascal_case(cloud: TrainerRoadCloud, content: Content) -> Any:
    cloud.always_pascal = bool(content["on"])
    return content


def _reset(cloud: TrainerRoadCloud, _: Content) -> Any:
    cloud.reset()
    return {"reset": True}


def _username(cloud: TrainerRoadCloud, content: Content) -> str | None:
    """The user name of the account that is named, None for all."""
    name = content.get("account")
    return None if name is None else cloud.accounts.by_name(name).username


_ACTIONS: dict[str, Callable[[TrainerRoadCloud, Content], Any]] = {
    "accounts": _accounts,
    "profile": _profile,
    "writes": _writes,
    "cookie": _cookie,
    "expire": _expire,
    "renew_cookie": _renew_cookie,
    "forget_cookie": _forget_cookie,
    "drop": _drop,
    "meanwhile": _meanwhile,
    "ignore_writes": _ignore_writes,
    "decimals": _decimals,
    "pascal_case": _pascal_case,
    "reset": _reset,
}
