"""The forms of the set-up: what was typed becomes answers, or a fault at its field. Pure.

The rules are those of the configuration; the sentences about a fault stand in the catalogue, under
``setup.wrong_<reason>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import cache

import msgspec

from weighbridge.config.value_rules import (
    InvalidValue,
    parse_height,
    read_name,
    read_public_url,
    read_timezone,
)
from weighbridge.core.secret import Secret
from weighbridge.targets.kind import FormFault, TargetKind
from weighbridge.web.views.setup_draft import Draft, PersonDraft

LONGEST = 200
"""Characters of a field."""
LONGEST_ADDRESS = 500
WHOLE = 64
"""Characters of the ids and secrets of Withings, all of them hexadecimal digits."""

_WORD = re.compile(r"[A-Za-z0-9._~-]{8,200}")
_CUT = re.compile(r"[0-9a-fA-F]{20,200}")


class Fault(msgspec.Struct, frozen=True):
    """Why a field cannot be used."""

    reason: str
    values: dict[str, object] = {}
    kind: TargetKind | None = None
    """The kind of target whose field it is: it may have words of its own."""
    said: str = ""
    """What to say when there are none, in English."""


class Entered:
    """A form while it is read: what was typed, and what is wrong with it."""

    def __init__(self, form: Mapping[str, str], unseen: Collection[str] = ()) -> None:
        """``unseen`` are fields that are never shown again."""
        self._form = form
        hidden = {"csrf", "client_secret", *unseen}
        self.values = {name: text.strip() for name, text in form.items() if name not in hidden}
        """What the form shows when it must be corrected. No secrets."""
        self.faults: dict[str, Fault] = {}

    def typed(self, name: str) -> str:
        """What was typed, to the letter."""
        return self._form.get(name, "")

    def text(self, name: str, longest: int = LONGEST) -> str:
        """What was typed, without spaces around it; a text that cannot be one is a fault."""
        text = self.typed(name).strip()
        if len(text) > longest or not text.isprintable():
            self.complain(name, "text", count=longest)
            return ""
        return text

    def secret(self, name: str) -> str:
        """As it was typed, with its spaces; it will be the first line of a file."""
        secret = self.typed(name)
        if len(secret) > LONGEST or not secret.isprintable() or "\ufffd" in secret:
            self.complain(name, "password", count=LONGEST)
            return ""
        return secret

    def complain(self, name: str, reason: str, **values: object) -> None:
        """Note a fault. The first one of a field counts."""
        self.faults.setdefault(name, Fault(reason, values))

    def complain_of_target(self, name: str, kind: TargetKind, fault: FormFault) -> None:
        """Note what a kind finds wrong with a field of its own."""
        self.faults.setdefault(name, Fault(fault.reason, kind=kind, said=fault.said))

    def obey[T](self, name: str, rule: Callable[[str], T], text: str, reason: str) -> T | None:
        """A text after a rule of the configuration; None when it is unfit, and noted."""
        try:
            return rule(text)
        except InvalidValue:
            self.complain(name, reason)
            return None


# --- The application at Withings ------------------------------------------------------------------


def read_application(entered: Entered, draft: Draft) -> Draft:
    """Client id and secret. An empty secret keeps the one that was entered before."""
    client_id = entered.text("client_id")
    typed = entered.text("client_secret")
    for name, word in (("client_id", client_id), ("client_secret", typed)):
        _check_word(entered, name, word)
    if not client_id:
        entered.complain("client_id", "missing")
    if typed and typed == client_id:
        entered.complain("client_secret", "same")
    secret = draft.client_secret
    if typed and "client_secret" not in entered.faults:
        secret = Secret.of_value(typed)
    elif secret is None:
        entered.complain("client_secret", "missing")
    if "client_id" in entered.faults:
        client_id = draft.client_id
    return msgspec.structs.replace(draft, client_id=client_id, client_secret=secret)


def _check_word(entered: Entered, name: str, word: str) -> None:
    if word and not _WORD.fullmatch(word):
        entered.complain(name, "word")
    elif _CUT.fullmatch(word) and len(word) != WHOLE:
        entered.complain(name, "cut", count=len(word), whole=WHOLE)


# --- People ---------------------------------------------------------------------------------------


def read_person(entered: Entered, draft: Draft, person: PersonDraft) -> PersonDraft:
    """Name, height and time zone of a person, who may be new."""
    name = entered.text("name")
    if not name:
        entered.complain("name", "missing")
    elif entered.obey("name", read_name, name, "name") is not None:
        others = {one.name.casefold() for one in draft.people if one.key != person.key}
        if name.casefold() in others:
            entered.complain("name", "twin")
    return msgspec.structs.replace(
        person, name=name, height_cm=_read_height(entered), timezone=_read_zone(entered)
    )


def _read_height(entered: Entered) -> Decimal | None:
    text = entered.text("height").removesuffix("cm")
    return entered.obey("height", parse_height, text, "height") if text else None


def _read_zone(entered: Entered) -> str:
    """A zone in any case, with spaces for its underscores."""
    text = entered.text("timezone")
    if not text:
        return ""
    known = _zones_by_word()
    zone = known.get(_word_of(text), text)
    try:
        return read_timezone(zone)
    except InvalidValue:
        import difflib

        near = difflib.get_close_matches(_word_of(text), known, n=1)
    if near:
        entered.complain("timezone", "zone_near", near=known[near[0]])
    else:
        entered.complain("timezone", "zone")
    return ""


@cache
def zones() -> list[str]:
    """The time zones that a person may mean."""
    import zoneinfo

    odd = ("Etc/", "SystemV/", "posix/", "right/")
    known = zoneinfo.available_timezones()
    return sorted(zone for zone in known if "/" in zone and not zone.startswith(odd))


@cache
def _zones_by_word() -> dict[str, str]:
    return {_word_of(zone): zone for zone in zones()}


def _without_user(url: str) -> str:
    """Nothing that stands before an ``@`` is shown again."""
    scheme, sign, rest = url.partition("://")
    return f"{scheme}{sign}{rest.rpartition('@')[2]}"


def _word_of(zone: str) -> str:
    return zone.lower().replace(" ", "_")


# --- The public address ---------------------------------------------------------------------------


def read_address(entered: Entered, draft: Draft) -> Draft:
    """The public address, or none. Without a scheme https is meant."""
    text = entered.text("url", LONGEST_ADDRESS)
    if text and "://" not in text:
        text = f"https://{text}"
    entered.values["url"] = _without_user(text)
    url = entered.obey("url", read_public_url, text, "url") if text else ""
    return msgspec.structs.replace(draft, url=url or "")


# --- What the forms show at first -----------------------------------------------------------------


def shown_person(person: PersonDraft) -> dict[str, str]:
    """The fields of a person."""
    height = "" if person.height_cm is None else str(person.height_cm)
    return {"name": person.name, "height": height, "timezone": person.timezone}
