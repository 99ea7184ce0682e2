"""Who is signed in, and the profile that holds the weight. Pure.

Keys are PascalCase or camelCase and it is not known which, so their first letter may be either
(docs/reference/trainerroad.md#key-casing). Every value but the weight goes back byte for byte as it
came.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self

import msgspec

from weighbridge.core.reason import reason
from weighbridge.targets.trainerroad.trainerroad_http import changed

EQUAL_KG = Decimal("0.01")
"""A smaller difference is none (docs/reference/trainerroad.md#profile)."""

STEP_KG = Decimal("0.1")
"""What is written is rounded to this, and what is read back may differ by it
(docs/reference/trainerroad.md#profile)."""

_HEAVIEST = 100_000
"""No weight in any unit; a number beyond it could overflow the arithmetic."""

type Fields = dict[str, msgspec.Raw]

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Member(msgspec.Struct, frozen=True):
    """Who answers. ``account`` is the member number, ``name`` is for people."""

    account: str
    name: str


class RiderProfile(msgspec.Struct, frozen=True):
    """The rider-information object: all its fields as they came, and the three that we read."""

    fields: Fields
    weight_key: str
    weight_kg: Decimal | None
    """None: the rider has never entered one."""
    ftp: Any

    def __repr__(self) -> str:
        return f"Profile({len(self.fields)} fields)"

    def holds(self, kg: Decimal) -> bool:
        """Whether the profile shows this weight already."""
        return self.weight_kg is not None and abs(self.weight_kg - kg) <= EQUAL_KG

    def with_weight(self, kg: Decimal) -> bytes:
        """The whole object as JSON, with only the weight replaced, in kilograms."""
        weight = msgspec.Raw(format(kg, "f").encode())
        return msgspec.json.encode({**self.fields, self.weight_key: weight})

    def took(self, kg: Decimal, before: Self) -> bool:
        """Whether this profile, read after writing ``kg``, shows it.

        It may keep other decimals than ours. But one step off and exactly as it was before
        means that the write was ignored, as it happened for years (withings-sync#83).
        """
        if self.weight_kg is None:
            return False
        off = abs(self.weight_kg - kg)
        return off < STEP_KG or (off == STEP_KG and self.weight_kg != before.weight_kg)


def read_member(body: bytes) -> Member | None:
    """Who is signed in; None for nobody, which is number -1 (docs/reference/trainerroad.md#member).

    Raises RetryLater when the answer is another one.
    """
    fields = _fields(body, "session_check")
    key = _key(fields, "memberId")
    number = _plain(fields[key]) if key else None
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if key is None or not (is_number or number is None):
        raise changed("nameless_session")
    if number is None or number <= 0:
        return None
    key = _key(fields, "username")
    name = _plain(fields[key]) if key else None
    return Member(str(number), name if isinstance(name, str) and name else f"member {number}")


def read_profile(body: bytes) -> RiderProfile:
    """The profile. Raises RetryLater when it is not an object with a weight."""
    fields = _fields(body, "profile")
    key = _key(fields, "weightKg")
    if key is None:
        raise changed("no_weight_field")
    ftp_key = _key(fields, "ftp")
    return RiderProfile(
        fields, key, _weight(fields[key]), _plain(fields[ftp_key]) if ftp_key else None
    )


def read_success(body: bytes) -> bool | None:
    """What a sign-in says about itself; None when it is not an answer to a sign-in."""
    try:
        fields = _OBJECT.decode(body)
    except _UNREADABLE:
        return None
    key = _key(fields, "success")
    success = _plain(fields[key]) if key else None
    return success if isinstance(success, bool) else None


def _fields(body: bytes, what: str) -> Fields:
    try:
        return _OBJECT.decode(body)
    except _UNREADABLE:
        raise changed("not_an_object", what=reason(f"trainerroad.{what}")) from None


def _key(fields: Mapping[str, Any], name: str) -> str | None:
    """The key as it was received; None when there is none, or both spellings."""
    found = [key for key in (name, name[:1].upper() + name[1:]) if key in fields]
    return found[0] if len(found) == 1 else None


def _plain(raw: msgspec.Raw) -> Any:
    """The value; a text when it cannot be read, because no number that we use is one."""
    try:
        return msgspec.json.decode(raw)
    except _UNREADABLE:
        return ""


def _weight(raw: msgspec.Raw) -> Decimal | None:
    """An exact number or none; whatever else is not the weight that we know."""
    plain = _plain(raw)
    if plain is None:
        return None
    if not isinstance(plain, (int, float)) or isinstance(plain, bool) or abs(plain) > _HEAVIEST:
        raise changed("odd_weight")
    return msgspec.json.decode(raw, type=Decimal)
