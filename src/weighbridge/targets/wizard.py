"""What ``init`` and the set-up in the browser ask about a target, and the lines they write.

A kind lists its fields; with each field an option, nothing else is needed. Texts about a field
are found under its name in the texts of the kind. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.core.commands import toml_string
from weighbridge.core.secret import Secret
from weighbridge.i18n import MASTER
from weighbridge.targets.kind import FormAnswer, FormFault, TargetAnswer, TargetKind, WizardField

# --- Forms ----------------------------------------------------------------------------------------


def read_form(kind: TargetKind, typed: Mapping[str, str]) -> FormAnswer:
    """Options of what was typed for a target of this kind, by field. No text: not wanted."""
    return (kind.read_form or read_plain_form)(kind, typed)


def show_form(kind: TargetKind, options: Mapping[str, str]) -> dict[str, str]:
    """What a form shows of options; secrets are never shown."""
    shown = kind.show_form(options) if kind.show_form else dict(options)
    for field in kind.wizard:
        if field.choices:
            shown.setdefault(field.option, usual_choice(kind, field))
    return shown


def read_plain_form(kind: TargetKind, typed: Mapping[str, str]) -> FormAnswer:
    """Each field is an option. Proven by the kind's own ``Options``."""
    texts = {one.option: typed.get(one.option, "").strip() for one in kind.wizard}
    lead = kind.lead
    if lead is None or not texts[lead.option]:
        others = [one.option for one in kind.wizard if one.shape != "choice" and texts[one.option]]
        faults = (FormFault(lead.option, "missing"),) if lead and others else ()
        return FormAnswer(faults=faults)
    secrets = {
        one.option: Secret.of_value(texts[one.option])
        for one in kind.wizard
        if one.shape == "secret" and texts[one.option]
    }
    options = {
        one.option: texts[one.option]
        for one in kind.wizard
        if one.shape != "secret" and texts[one.option] and not _is_usual(kind, one, texts)
    }
    return FormAnswer(options=options, secrets=secrets, faults=_faults(kind, options))


def complete(kind: TargetKind, options: Mapping[str, str]) -> dict[str, str]:
    """The same with the choices that are always written."""
    chosen = dict(options)
    for field in kind.wizard:
        usual = usual_choice(kind, field) if field.choices else ""
        if usual and field.option not in chosen and _default(kind, field.option) != usual:
            chosen[field.option] = usual
    return chosen


def usual_choice(kind: TargetKind, field: WizardField) -> str:
    """What is meant when nothing is chosen: the option's default, else the first choice."""
    default = _default(kind, field.option)
    return default if default in field.choices else field.choices[0]


def _is_usual(kind: TargetKind, field: WizardField, texts: Mapping[str, str]) -> bool:
    return bool(field.choices) and texts[field.option] == _default(kind, field.option)


def _default(kind: TargetKind, option: str) -> str:
    fields = {one.encode_name: one.default for one in msgspec.structs.fields(kind.options)}
    default = fields.get(option)
    return default if isinstance(default, str) else ""


def _faults(kind: TargetKind, options: Mapping[str, str]) -> tuple[FormFault, ...]:
    """What the kind's ``Options`` do not take; a field that is missing may come by another way."""
    known = {one.encode_name: one for one in msgspec.structs.fields(kind.options)}
    for option, text in options.items():
        if option not in known:
            continue
        try:
            msgspec.convert(text, known[option].type, strict=False, dec_hook=_made)
        except msgspec.ValidationError as error:
            return (FormFault(option, "unfit", said=str(error)),)
    return ()


def _made(wanted: type[Any], text: Any) -> Any:
    return Secret.of_value(text) if wanted is Secret else wanted(text)


# --- Lines of a new configuration -----------------------------------------------------------------


def lines_of(kind: TargetKind, answer: TargetAnswer | None) -> str:
    """The lines of a target; with None an example behind comment signs."""
    mark = "# " if answer is None else ""
    head = f'{mark}[[person.target]]\n{mark}kind = "{kind.name}"\n'
    lines = "".join(_line(kind, one, answer) for one in kind.wizard if one.example)
    return head + lines + _commented(kind.also)


def remarks_of(kind: TargetKind) -> str:
    """What is said above the first target of a kind, behind comment signs."""
    said = [kind.takes]
    if kind.has_password:
        said.append(
            f"The password does not belong here: weighbridge login {kind.name} asks for it once."
        )
    elif kind.signs_in:
        said.append(f"Sign in once with a browser: weighbridge login {kind.name}")
    return _commented("\n".join([*said, kind.remark]))


def _commented(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines() if line)


def _line(kind: TargetKind, field: WizardField, answer: TargetAnswer | None) -> str:
    value = _value(field, answer)
    if value is None and answer is not None and _is_needed_secret(kind, field):
        value = field.example  # so that what is missing is the file and not the line
    line = f"# {field.option} = {field.example}" if value is None else f"{field.option} = {value}"
    note = field.note or ", ".join(map(toml_string, field.choices))
    return f"{line}  # {note}\n" if note else f"{line}\n"


def _is_needed_secret(kind: TargetKind, field: WizardField) -> bool:
    if field.shape != "secret":
        return False
    fields = msgspec.structs.fields(kind.options)
    return any(one.encode_name == field.option and one.required for one in fields)


def _value(field: WizardField, answer: TargetAnswer | None) -> str | None:
    if answer is None:
        return None
    if file := answer.secret_files.get(field.option):
        return f"{{ file = {toml_string(file)} }}"
    text = answer.options.get(field.option)
    if text is None:
        return None
    return text if field.shape == "number" else toml_string(text)


def own_text(kind: TargetKind, key: str, language: str = MASTER) -> str | None:
    """The text of a kind in this language; None when it has none. Places are not filled in."""
    texts = _texts(kind.texts) if kind.texts else {}
    text = texts.get(language, {}).get(key)
    return text if isinstance(text, str) else None


def text_of(kind: TargetKind, key: str, language: str = MASTER) -> str | None:
    """The same, in English when this language lacks it."""
    return own_text(kind, key, language) or own_text(kind, key)


@cache
def _texts(path: Path) -> dict[str, dict[str, Any]]:
    return msgspec.toml.decode(path.read_bytes(), type=dict[str, dict[str, Any]])
