"""Secrets stay inside: not in what is said or logged, not in an address, not open to others."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.house import ACCOUNTS, LONG_AGO, House, Result, days_ago, pressure, weight
from weighbridge_sandbox.messages import Request

pytestmark = pytest.mark.story

EMAIL, PASSWORD, MFA_CODE = ACCOUNTS["ben"]
CLIENT_SECRET = "a-secret-of-the-application-4711"
VALUES = ("83.417", "83417", "131.0", "131/", "22.37", "2237")
"""The values of Ben's body as they are sent, and as they are told."""


class Witness:
    """Runs commands with everything logged, and remembers all that can be seen from outside."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.seen: dict[str, str] = {}
        self.addresses: list[str] = []
        self.secrets = {PASSWORD, str(MFA_CODE), CLIENT_SECRET}
        note = house.sandbox.requests.note

        def look(request: Request, *more: Any) -> Any:
            self.addresses.append(f"{request.path} {request.query}")
            return note(request, *more)

        house.sandbox.requests.note = look  # type: ignore[method-assign]

    def run(self, *arguments: str, expect: int | None = 0, **more: Any) -> Result:
        result = self.house.run("-vv", "--log-format", "json", *arguments, expect=expect, **more)
        self.seen[f"{len(self.seen)} {' '.join(arguments[:2])}"] = result.out + result.err
        if (self.house.home / "weighbridge.db").exists():
            self.secrets.update(self.tokens())
        return result

    def tokens(self) -> Iterator[str]:
        """Every token that is stored now, or was stored before."""
        rows = self.house.database("SELECT secret, previous FROM credential")
        for content in (json.loads(text) for row in rows for text in row if text):
            for name, value in content.items():
                if "token" in name:
                    yield value
                    yield from (part for part in value.split(".") if len(part) > 20)


@pytest.fixture
def witness(house: House) -> Witness:
    fat = {"type": 6, "value": 2237, "unit": -2}
    group = weight(1, days_ago(2), "83.417")
    group["measures"].append(fat)
    house.person("ben", [group, pressure(2, days_ago(1), 131, 84)])
    house.target("ben", "garmin", f'{LONG_AGO}\nusername = "{EMAIL}"')
    house.target("ben", "file", f'path = "ben.json"\n{LONG_AGO}')
    house.withings.tokens.client_secret = CLIENT_SECRET
    house.write_configuration()
    return Witness(house)


def test_no_secret_is_ever_said_logged_or_put_into_an_address(witness: Witness) -> None:
    house = witness.house
    witness.run("config", "check")
    witness.run("config", "show")
    code = house.admin.code("ben", house.callback_url)
    spent = house.admin.code("ben", house.callback_url)
    witness.secrets |= {code, spent}
    witness.run("login", "withings", "--code", code)
    witness.run("login", "withings", "--code", code, expect=3)
    witness.run(
        "login", "withings", "--paste", input=f"{house.callback_url}?code={spent}\n", expect=2
    )
    arguments = ["login", "garmin", "--password-stdin"]
    witness.run(*arguments, input=f"{PASSWORD}\n", expect=3)
    witness.run(*arguments, "--mfa-code", str(MFA_CODE), input=f"{PASSWORD}\n")
    witness.run("sync")

    # Renewals, refusals, and answers that hold what they should not.
    house.admin.expire_tokens("ben")
    house.admin.tell("garmin", "expire")
    house.admin.add_groups("ben", [weight(3, days_ago(0.1), "83.417")])
    witness.run("sync")
    house.admin.expire_tokens("ben")
    for kind in ("garbage", "truncated", "drop"):
        house.admin.fault(kind, path="/v2/oauth2")
        witness.run("sync", expect=4)
        house.admin.advance_clock(20)  # else the next renewal would be too early for Withings
    ((stored,),) = house.database("SELECT secret FROM credential WHERE service = 'withings'")
    echo = f"{CLIENT_SECRET} {json.loads(stored)['refresh_token']}"
    house.admin.fault("status", path="/v2/oauth2", status=503, error=f"Invalid Params {echo}")
    witness.run("sync", expect=None)
    house.admin.revoke_tokens("ben")
    house.admin.tell("garmin", "revoke")
    house.admin.tell("garmin", "expire")
    house.database("UPDATE delivery SET state = 'unknown' WHERE state = 'confirmed'")
    witness.run("sync", expect=3)
    for command in (["status"], ["deliveries", "list"], ["show"]):
        witness.run(*command, expect=None)

    assert len(witness.secrets) > 10
    log = json.dumps(house.requests())
    for secret in witness.secrets:
        for name, text in witness.seen.items():
            assert secret not in text, name
        assert secret not in log
        assert not any(secret in address for address in witness.addresses)


def test_no_value_of_a_body_is_logged_unless_everything_is(witness: Witness) -> None:
    house = witness.house
    house.log_in("ben")
    house.log_in_garmin("ben")
    house.admin.fault("http", path="/upload-service/upload", status=415)
    for style in ("text", "json"):
        synced = house.run("-v", "--log-format", style, "sync", expect=None)
        assert not any(value in synced.err for value in VALUES)
        house.admin.edit_group(1, {"comment": "once more"})
    assert "83.42" in house.run("show").out


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are something else there")
def test_the_home_is_closed_to_others(witness: Witness) -> None:
    house = witness.house
    house.log_in("ben")
    house.log_in_garmin("ben")
    house.sync()
    for path in house.home.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
