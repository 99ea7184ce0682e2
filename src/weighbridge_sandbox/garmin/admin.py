"""What a test or a person may ask of the sandbox's Garmin: ``POST /sandbox/garmin/<action>``.

    accounts       list; with "create": {email, password, display_name, ...} one more
    weigh_ins      every stored weigh-in, exactly as it was decoded; "account" for one account
    pressures      every stored blood pressure; "account" for one account
    uploads        every file that was sent: received_at, size, sha256, rows, account, status ...
    put_weigh_ins  as if another tool had sent them: "account" and
                   "weigh_ins": [{"taken_at": 1772323200, "weight_kg": "65.75", ...}, ...];
                   fit.VALUES lists the names of the values
    expire         end the access tokens of "account", or all
    revoke         end the refresh tokens of "account", or all
    token_life     access tokens issued from now on live "seconds"
    visibility     uploads show up only after "reads" and "seconds"
    poison         files with one of "timestamps" are refused as a whole, with "status" 415 or 400
    upload_answer  "status" 200, 201 or 202; with "failure": "text", "times": 1 a failure inside
    sign_in        close sign-in: "answer" 429, 427, 403, "captcha" or null (open again);
                   "flows": ["mobile", "portal", "widget"], all when they are not named
    reset          as it was at the start

Accounts are named by their e-mail. Passwords, codes and tokens are never returned.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from weighbridge_sandbox.garmin.accounts import Account
from weighbridge_sandbox.garmin.fit import VALUES
from weighbridge_sandbox.garmin.times import text_of
from weighbridge_sandbox.garmin.upload import Ordered, Poison
from weighbridge_sandbox.garmin.weight import UPLOADED, Visibility, WeighIn

if TYPE_CHECKING:
    from weighbridge_sandbox.garmin import GarminCloud

type Content = dict[str, Any]


def administer(cloud: GarminCloud, action: str, content: Any) -> Any:
    """Carry out one action. Raises ValueError, KeyError or TypeError when it makes no sense."""
    do = _ACTIONS.get(action)
    if do is None:
        raise ValueError(f"There is no action {action!r}. There are: {', '.join(_ACTIONS)}.")
    try:
        return do(cloud, content or {})
    except (ArithmeticError, AttributeError) as problem:
        raise ValueError(f"{action}: {problem}") from problem


def _accounts(cloud: GarminCloud, content: Content) -> Any:
    if "create" in content:
        return cloud.accounts.add(msgspec.convert(content["create"], Account)).listed()
    return [account.listed() for account in cloud.accounts]


def _weigh_ins(cloud: GarminCloud, content: Content) -> Any:
    chosen = _account_id(cloud, content)
    return [
        _listed(cloud, row)
        for row in sorted(cloud.weigh_ins.rows, key=lambda row: (row.instant, row.version))
        if chosen in (None, row.account_id)
    ]


def _listed(cloud: GarminCloud, row: WeighIn) -> Content:
    return {
        "account": cloud.accounts.by_id(row.account_id).email,
        "version": row.version,
        "taken_at": row.instant / 1000 if row.instant % 1000 else row.instant // 1000,
        "local": text_of(row.local),
        "day": row.day,
        "source": row.source,
        "visible": cloud.weigh_ins.is_visible(row),
        **{name: format(value, "f") for name, value in row.values.items()},
    }


def _pressures(cloud: GarminCloud, content: Content) -> Any:
    chosen = _account_id(cloud, content)
    return [
        {
            "account": cloud.accounts.by_id(row.account_id).email,
            "taken_at": row.instant / 1000 if row.instant % 1000 else row.instant // 1000,
            **row.shown(),
        }
        for row in sorted(cloud.pressures.rows, key=lambda row: (row.instant, row.version))
        if chosen in (None, row.account_id)
    ]


def _uploads(cloud: GarminCloud, content: Content) -> Any:
    chosen = content.get("account")
    uploads = [one for one in cloud.uploads.uploads if chosen in (None, one.account)]
    return msgspec.to_builtins(uploads)


def _put_weigh_ins(cloud: GarminCloud, content: Content) -> Any:
    account = cloud.accounts.by_email(content["account"])
    rows = [(int(row["taken_at"]) * 1000, _values(row)) for row in content["weigh_ins"]]
    for instant, values in rows:
        cloud.weigh_ins.add(account, instant, values, source=content.get("source", UPLOADED))
    return {"stored": len(rows)}


def _values(row: Content) -> dict[str, Decimal]:
    unknown = row.keys() - {"taken_at", *VALUES}
    if unknown or "weight_kg" not in row:
        raise ValueError(f"A weigh-in has taken_at, weight_kg and any of {VALUES}, not {unknown}.")
    return {name: Decimal(str(row[name])) for name in VALUES if name in row}


def _expire(cloud: GarminCloud, content: Content) -> Any:
    return {"expired": cloud.tokens.expire(_account_id(cloud, content))}


def _revoke(cloud: GarminCloud, content: Content) -> Any:
    return {"revoked": cloud.tokens.revoke(_account_id(cloud, content))}


def _token_life(cloud: GarminCloud, content: Content) -> Any:
    cloud.tokens.life = float(content["seconds"])
    return {"seconds": cloud.tokens.life}


def _visibility(cloud: GarminCloud, content: Content) -> Any:
    cloud.weigh_ins.visibility = msgspec.convert(content, Visibility)
    return content


def _poison(cloud: GarminCloud, content: Content) -> Any:
    cloud.uploads.poison = msgspec.convert(content, Poison)
    return content


def _upload_answer(cloud: GarminCloud, content: Content) -> Any:
    cloud.uploads.ordered = msgspec.convert(content, Ordered)
    return content


def _sign_in(cloud: GarminCloud, content: Content) -> Any:
    cloud.gate.close(content.get("answer"), content.get("flows"))
    return content


def _reset(cloud: GarminCloud, _: Content) -> Any:
    cloud.reset()
    return {"reset": True}


def _account_id(cloud: GarminCloud, content: Content) -> int | None:
    """The account that is named, None for all."""
    email = content.get("account")
    return None if email is None else cloud.accounts.by_email(email).account_id


_ACTIONS: dict[str, Callable[[GarminCloud, Content], Any]] = {
    "accounts": _accounts,
    "weigh_ins": _weigh_ins,
    "pressures": _pressures,
    "uploads": _uploads,
    "put_weigh_ins": _put_weigh_ins,
    "expire": _expire,
    "revoke": _revoke,
    "token_life": _token_life,
    "visibility": _visibility,
    "poison": _poison,
    "upload_answer": _upload_answer,
    "sign_in": _sign_in,
    "reset": _reset,
}
