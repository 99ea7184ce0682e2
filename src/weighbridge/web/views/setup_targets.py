"""The targets in the set-up: a group of fields for each kind, as its descriptor lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from markupsafe import Markup

from weighbridge.targets import all_kinds, missing_part
from weighbridge.targets.kind import FormFault, TargetKind, WizardField
from weighbridge.targets.wizard import read_form, show_form
from weighbridge.web.views.setup_draft import Draft, PersonDraft, secret_keys
from weighbridge.web.views.setup_fields import Entered
from weighbridge.web.wording import Words


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
