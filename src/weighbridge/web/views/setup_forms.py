"""The forms of the set-up: what was typed becomes answers, or a fault at its field. Pure.

The rules are those of the configuration; the sentences about a fault stand in the catalogue, under
``setup.wrong_<reason>``. Each kind of target has a group of fields, as its descriptor lists them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from markupsafe import Markup

from weighbridge.config.value_rules import (
    InvalidValue,
    parse_height,
    read_name,
    read_public_url,
    read_timezone,
)
from weighbridge.core.secret import Secret
from weighbridge.targets import all_kinds, missing_part
from weighbridge.targets.kind import FormFault, TargetKind, WizardField
from weighbridge.targets.wizard import read_form, show_form
from weighbridge.web.views.setup_draft import Draft, PersonDraft, secret_keys
from weighbridge.web.wording import Words

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


class FieldView(msgspec.Struct, frozen=True):
    """One field as the page shows it."""

    name: str
    shape: str
    label: Markup
    hint: Markup | str = ""
    choices: tuple[tuple[str, Markup | str], ...] = ()
    suggestions: tuple[str, ...] = ()


class KindView(msgspec.Struct, frozen=True):
    """One kind as the page shows it."""

    legend: Markup | str
    remedy: str
    """What must be installed before it can be used, in English."""
    fields: tuple[FieldView, ...]


# --- What was typed -------------------------------------------------------------------------------


def secret_fields() -> set[str]:
    """The names of fields that are never shown again."""
    return {_name(kind, one) for kind in _asked() for one in kind.wizard if one.shape == "secret"}


def read_targets(entered: Entered, draft: Draft, person: PersonDraft) -> Draft:
    """Where the readings of a person go. Kinds that cannot be used stay as they are."""
    targets: dict[str, Mapping[str, str]] = {}
    for kind in _asked():
        if missing_part(kind):
            if kind.name in person.targets:
                targets[kind.name] = person.targets[kind.name]
            continue
        options, draft = _read_target(entered, draft, kind)
        if options:
            targets[kind.name] = options
            _refuse_twins(entered, draft, person, kind, options)
    return draft.with_person(msgspec.structs.replace(person, targets=targets))


def _read_target(
    entered: Entered, draft: Draft, kind: TargetKind
) -> tuple[Mapping[str, str], Draft]:
    answer = read_form(kind, {one.option: _typed(entered, kind, one) for one in kind.wizard})
    entered.values |= {f"{kind.name}-{option}": text for option, text in answer.shown.items()}
    for fault in answer.faults:
        entered.complain_of_target(f"{kind.name}-{fault.option}", kind, fault)
    if answer.options:
        for key in secret_keys(kind.name, answer.options):
            if key[1] in answer.secrets:
                draft = draft.with_secret(key, answer.secrets[key[1]])
    return answer.options, draft


def _typed(entered: Entered, kind: TargetKind, field: WizardField) -> str:
    name = _name(kind, field)
    if field.shape == "secret":
        return entered.secret(name)
    if field.shape == "choice":
        chosen = entered.typed(name)
        return chosen if chosen in field.choices else show_form(kind, {})[field.option]
    return entered.text(name, field.longest)


def _refuse_twins(
    entered: Entered,
    draft: Draft,
    person: PersonDraft,
    kind: TargetKind,
    options: Mapping[str, str],
) -> None:
    others = [one.targets.get(kind.name, {}) for one in draft.people if one.key != person.key]
    for field in kind.wizard:
        mine = options.get(field.option)
        if field.unique and mine and any(one.get(field.option) == mine for one in others):
            entered.complain_of_target(_name(kind, field), kind, FormFault(field.option, "taken"))


# --- What the page shows --------------------------------------------------------------------------


def shown_targets(person: PersonDraft, language: str) -> dict[str, str]:
    """The fields of a person's targets; ``language`` is the one that is proposed."""
    shown: dict[str, str] = {}
    for kind in _asked():
        options = person.targets.get(kind.name, {})
        values = show_form(kind, options)
        for field in kind.wizard:
            if field.spoken and not options and language in field.choices:
                values[field.option] = language
            shown[_name(kind, field)] = values.get(field.option, "")
    return shown


def views(words: Words, languages: Mapping[str, str], draft: Draft, person: PersonDraft) -> Any:
    """Each kind with its fields, in the words of the page."""
    return [
        KindView(
            words.of_kind(kind, "legend", "") or kind.service,
            f"pip install '{problem.values['install']}'" if (problem := missing_part(kind)) else "",
            tuple(_fields(words, languages, draft, person, kind)),
        )
        for kind in _asked()
    ]


def _fields(
    words: Words, languages: Mapping[str, str], draft: Draft, person: PersonDraft, kind: TargetKind
) -> Iterator[FieldView]:
    known = {
        key[1]
        for key in secret_keys(kind.name, person.targets.get(kind.name, {}))
        if key in draft.secrets
    }
    for field in kind.wizard:
        others = {one.targets.get(kind.name, {}).get(field.option, "") for one in draft.people}
        yield FieldView(
            _name(kind, field),
            field.shape,
            _label(words, kind, field),
            _hint(words, kind, field, is_known=field.option in known),
            tuple((one, _choice(words, languages, kind, field, one)) for one in field.choices),
            tuple(sorted(others - {""})) if field.suggests else (),
        )


def _label(words: Words, kind: TargetKind, field: WizardField) -> Markup:
    legend = words.of_kind(kind, "legend", "") or kind.service
    usual = "setup.username" if field.option == "username" else ""
    text = words.of_kind(kind, field.option, usual, service=legend)
    return text or Markup('<span lang="en">{}</span>').format(field.label or field.option)


def _hint(words: Words, kind: TargetKind, field: WizardField, *, is_known: bool) -> Markup | str:
    if field.shape == "secret":
        return words("setup.password_kept" if is_known else "setup.password_hint")
    is_login = kind.has_password and field is kind.lead
    return words.of_kind(kind, f"{field.option}_hint", "setup.password_later" if is_login else "")


def _choice(
    words: Words, languages: Mapping[str, str], kind: TargetKind, field: WizardField, choice: str
) -> Markup | str:
    if field.spoken:
        return languages.get(choice, choice)
    return words.of_kind(kind, f"{field.option}_{choice}", "") or choice.upper()


def _asked() -> list[TargetKind]:
    return [kind for kind in all_kinds() if kind.wizard]


def _name(kind: TargetKind, field: WizardField) -> str:
    return f"{kind.name}-{field.option}"
