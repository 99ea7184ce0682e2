"""The forms of the set-up: what was typed becomes answers, or a fault at its field. Pure.

The rules are those of the configuration; the sentences about a fault stand in the catalogue, under
``setup.wrong_<reason>``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import get_args
from urllib.parse import quote, unquote

import msgspec

from weighbridge.config.init_answers import FileFormat
from weighbridge.config.value_rules import (
    InvalidValue,
    parse_height,
    read_name,
    read_public_url,
    read_timezone,
)
from weighbridge.core.secret import Secret
from weighbridge.i18n import LANGUAGES
from weighbridge.targets import load_kind
from weighbridge.web.views.setup_draft import (
    USUAL_LANGUAGE,
    USUAL_UNITS,
    BrokerDraft,
    Draft,
    PersonDraft,
)

FORMATS = get_args(FileFormat)
UNITS = ("metric", "imperial")
LONGEST = 200
"""Characters of a field."""
LONGEST_ADDRESS = 500
WHOLE = 64
"""Characters of the ids and secrets of Withings, all of them hexadecimal digits."""

_UNSEEN = frozenset({"csrf", "client_secret", "password"})
"""Fields that are never shown again."""
_WORD = re.compile(r"[A-Za-z0-9._~-]{8,200}")
_CUT = re.compile(r"[0-9a-fA-F]{20,200}")


class Fault(msgspec.Struct, frozen=True):
    """Why a field cannot be used."""

    reason: str
    values: dict[str, object] = {}


class Entered:
    """A form while it is read: what was typed, and what is wrong with it."""

    def __init__(self, form: Mapping[str, str]) -> None:
        self._form = form
        self.values = {name: text.strip() for name, text in form.items() if name not in _UNSEEN}
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

    def choice(self, name: str, known: tuple[str, ...], usual: str) -> str:
        """One of several; the usual one for anything else."""
        chosen = self.typed(name)
        return chosen if chosen in known else usual

    def complain(self, name: str, reason: str, **values: object) -> None:
        """Note a fault. The first one of a field counts."""
        self.faults.setdefault(name, Fault(reason, values))

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
    """Name, height and time zone of somebody who may be new."""
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


def _word_of(zone: str) -> str:
    return zone.lower().replace(" ", "_")


# --- Targets --------------------------------------------------------------------------------------


def read_targets(
    entered: Entered, draft: Draft, person: PersonDraft, offered: Collection[str]
) -> Draft:
    """Where the readings of somebody go. Kinds that are not offered stay as they are."""
    changes: dict[str, object] = {
        kind: entered.text(kind) for kind in ("garmin", "trainerroad") if kind in offered
    }
    changes["path"] = _read_path(entered, draft, person)
    changes["format"] = entered.choice("format", FORMATS, FORMATS[0])
    if "mqtt" in offered:
        changes["broker"], draft = _read_broker(entered, draft)
    return draft.with_person(msgspec.structs.replace(person, **changes))


def _read_path(entered: Entered, draft: Draft, person: PersonDraft) -> str:
    path = entered.text("path", LONGEST_ADDRESS)
    try:
        Path(path).expanduser()
    except RuntimeError:  # "~somebody" whom this computer does not know
        entered.complain("path", "path")
    if path and path in {one.path for one in draft.people if one.key != person.key}:
        entered.complain("path", "path_taken")
    return path


def _read_broker(entered: Entered, draft: Draft) -> tuple[BrokerDraft | None, Draft]:
    """The user goes into the url, and a password leaves it, as it does in the environment."""
    text, user = entered.text("broker", LONGEST_ADDRESS), entered.text("user")
    password = _read_password(entered)
    if not text:
        if user or password:
            entered.complain("broker", "broker_missing")
        return None, draft
    kind = load_kind("mqtt")
    found = kind.from_environment({"url": text})
    password = password or found.get("password", "")
    place, in_url = _without_user(found["url"])
    user = user or in_url
    entered.values |= {"broker": place, "user": user}
    url = _with_user(place, user)
    try:
        kind.Options(url=url)
    except ValueError:
        entered.complain("broker", "broker")
        return None, draft
    if password and not user:
        entered.complain("user", "user_missing")
    elif password:
        draft = draft.with_password(url, Secret.of_value(password))
    language = entered.choice("language", LANGUAGES, USUAL_LANGUAGE)
    units = entered.choice("units", UNITS, USUAL_UNITS)
    return BrokerDraft(url=url, language=language, units=units), draft


def _read_password(entered: Entered) -> str:
    """As it was typed, with its spaces; it will be the first line of a file."""
    password = entered.typed("password")
    if len(password) > LONGEST or not password.isprintable() or "\ufffd" in password:
        entered.complain("password", "password", count=LONGEST)
        return ""
    return password


def _without_user(url: str) -> tuple[str, str]:
    """A url as a form shows it, and the user that stood in it. Nothing before an ``@`` is shown."""
    scheme, sign, rest = url.partition("://")
    user, _, place = rest.rpartition("@")
    return f"{scheme}{sign}{place}", unquote(user)


def _with_user(url: str, user: str) -> str:
    scheme, sign, rest = url.partition("://")
    return f"{scheme}{sign}{quote(user, safe='')}@{rest}" if user else url


# --- The public address ---------------------------------------------------------------------------


def read_address(entered: Entered, draft: Draft) -> Draft:
    """The public address, or none. Without a scheme https is meant."""
    text = entered.text("url", LONGEST_ADDRESS)
    if text and "://" not in text:
        text = f"https://{text}"
    entered.values["url"] = _without_user(text)[0]
    url = entered.obey("url", read_public_url, text, "url") if text else ""
    return msgspec.structs.replace(draft, url=url or "")


# --- What the forms show at first -----------------------------------------------------------------


def shown_person(person: PersonDraft) -> dict[str, str]:
    """The fields of a person."""
    height = "" if person.height_cm is None else str(person.height_cm)
    return {"name": person.name, "height": height, "timezone": person.timezone}


def shown_targets(person: PersonDraft, language: str) -> dict[str, str]:
    """The fields of a person's targets; ``language`` is the one that is proposed."""
    broker = person.broker
    place, user = _without_user(broker.url if broker else "")
    return {
        "garmin": person.garmin,
        "trainerroad": person.trainerroad,
        "path": person.path,
        "format": person.format,
        "broker": place,
        "user": user,
        "language": broker.language if broker else language,
        "units": broker.units if broker else USUAL_UNITS,
    }
