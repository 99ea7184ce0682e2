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

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from weighbridge_sandbox.cloud_actions import CloudActions
from weighbridge_sandbox.garmin.accounts import GarminAccount, GarminAccounts
from weighbridge_sandbox.garmin.fit import VALUES
from weighbridge_sandbox.garmin.pressure import Pressures
from weighbridge_sandbox.garmin.sign_in import Gate
from weighbridge_sandbox.garmin.times import text_of
from weighbridge_sandbox.garmin.tokens import Tokens
from weighbridge_sandbox.garmin.upload import Ordered, Poison, Uploads
from weighbridge_sandbox.garmin.weight import UPLOADED, Visibility, WeighIn, WeighIns


class GarminActions(CloudActions):
    """The actions, on the parts that the cloud has."""

    accounts: GarminAccounts
    gate: Gate
    tokens: Tokens
    weigh_ins: WeighIns
    pressures: Pressures
    uploads: Uploads

    def do_accounts(self, create: Any = None) -> Any:
        if create is not None:
            return self.accounts.add(msgspec.convert(create, GarminAccount)).listed()
        return [account.listed() for account in self.accounts]

    def do_weigh_ins(self, account: str | None = None) -> Any:
        chosen = self.accounts.number_of(account)
        return [
            self._listed(row)
            for row in sorted(self.weigh_ins.rows, key=lambda row: (row.instant, row.version))
            if chosen in (None, row.account_id)
        ]

    def _listed(self, row: WeighIn) -> dict[str, Any]:
        return {
            "account": self.accounts.by_id(row.account_id).email,
            "version": row.version,
            "taken_at": _seconds(row.instant),
            "local": text_of(row.local),
            "day": row.day,
            "source": row.source,
            "visible": self.weigh_ins.is_visible(row),
            **{name: format(value, "f") for name, value in row.values.items()},
        }

    def do_pressures(self, account: str | None = None) -> Any:
        chosen = self.accounts.number_of(account)
        return [
            {
                "account": self.accounts.by_id(row.account_id).email,
                "taken_at": _seconds(row.instant),
                **row.shown(),
            }
            for row in sorted(self.pressures.rows, key=lambda row: (row.instant, row.version))
            if chosen in (None, row.account_id)
        ]

    def do_uploads(self, account: str | None = None) -> Any:
        uploads = [one for one in self.uploads.uploads if account in (None, one.account)]
        return msgspec.to_builtins(uploads)

    def do_put_weigh_ins(self, account: str, weigh_ins: Any, source: str = UPLOADED) -> Any:
        owner = self.accounts.by_name(account)
        rows = [(int(row["taken_at"]) * 1000, _values(row)) for row in weigh_ins]
        for instant, values in rows:
            self.weigh_ins.add(owner, instant, values, source=source)
        return {"stored": len(rows)}

    def do_expire(self, account: str | None = None) -> Any:
        return {"expired": self.tokens.expire(self.accounts.number_of(account))}

    def do_revoke(self, account: str | None = None) -> Any:
        return {"revoked": self.tokens.revoke(self.accounts.number_of(account))}

    def do_token_life(self, seconds: float) -> Any:
        self.tokens.life = float(seconds)
        return {"seconds": self.tokens.life}

    def do_visibility(self, **content: Any) -> Any:
        self.weigh_ins.visibility = msgspec.convert(content, Visibility)
        return content

    def do_poison(self, **content: Any) -> Any:
        self.uploads.poison = msgspec.convert(content, Poison)
        return content

    def do_upload_answer(self, **content: Any) -> Any:
        self.uploads.ordered = msgspec.convert(content, Ordered)
        return content

    def do_sign_in(self, answer: int | str | None = None, flows: list[str] | None = None) -> Any:
        self.gate.close(answer, flows)
        return {"answer": answer, "flows": flows}

    def reset(self) -> None:
        raise NotImplementedError

    def do_reset(self) -> Any:
        self.reset()
        return {"reset": True}


def _seconds(milliseconds: int) -> float:
    return milliseconds / 1000 if milliseconds % 1000 else milliseconds // 1000


def _values(row: Mapping[str, Any]) -> dict[str, Decimal]:
    unknown = row.keys() - {"taken_at", *VALUES}
    if unknown or "weight_kg" not in row:
        raise ValueError(f"A weigh-in has taken_at, weight_kg and any of {VALUES}, not {unknown}.")
    return {name: Decimal(str(row[name])) for name in VALUES if name in row}
