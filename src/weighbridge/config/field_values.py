"""One value of the configuration: made to fit the type of its field, or refused in plain words.

A field's type says what it may be: a ``FieldRule`` reads the value when it names one, else msgspec
converts it. Beside the types of TOML a field may be a ``pathlib.Path`` (relative paths start at
the home folder) or a ``Secret``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo

from weighbridge.config.value_rules import FieldRule, InvalidValue
from weighbridge.core.secret import Secret, read_secret

_TYPE_NAMES = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "date": "a date",
    "datetime": "a date with time",
}
_REMEDIES = {  # what must be → how it is written
    "text": "Put it in quotation marks.",
    "a number": "Write it without quotation marks.",
    "a list": 'Write ["...", "..."].',
}
_TYPES = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_QUOTED = re.compile(r"`(\w+)`")
_PLACE = re.compile(r" - at `[^`]*`$")

Convert = Callable[[type[Any], Any], Any]


@cache
def fields_of(table: type[msgspec.Struct]) -> dict[str, FieldInfo]:
    """The fields of a table by the name that they have in the file."""
    return {field.encode_name: field for field in msgspec.structs.fields(table)}


def converter(home: Path, environ: Mapping[str, str]) -> Convert:
    """How the types are made that TOML does not have."""

    def convert(wanted: type[Any], written: Any) -> Any:
        if wanted is Secret:
            return read_secret(written, home=home, environ=environ)
        if wanted is Path:
            return _read_path(written, home)
        raise NotImplementedError(f"no rule for {wanted}")

    return convert


def read_value(table: type[msgspec.Struct], name: str, written: object) -> Any:
    """A value for a field of a table that does not come from the file. Raises InvalidValue."""
    return convert_value(written, fields_of(table)[name], None)


def convert_value(written: object, field: FieldInfo, convert: Convert | None) -> Any:
    """The value of a field. Raises InvalidValue, whose text never repeats a secret."""
    notes = list(_notes(field.type))
    rule = next((note for note in notes if isinstance(note, FieldRule)), None)
    wanted = (rule and rule.takes) or field.type
    try:
        value = msgspec.convert(written, wanted, dec_hook=convert)
    except msgspec.ValidationError as error:
        message = fault_in_words(error)
    else:
        return rule.read(value) if rule else value
    meta = next((note for note in notes if isinstance(note, msgspec.Meta)), None)
    raise InvalidValue(*_explain(message, field, meta))


def fault_in_words(error: msgspec.ValidationError) -> str:
    """What msgspec says, without the place in its own notation."""
    return _PLACE.sub("", str(error))


def secrets_in(settings: object) -> Iterator[tuple[str, Secret]]:
    """The secrets of a struct by the names of their fields; in a list they are numbered."""
    for name in getattr(settings, "__struct_fields__", ()):
        value = getattr(settings, name)
        if isinstance(value, Secret):
            yield name, value
        elif isinstance(value, tuple | list):
            for number, each in enumerate(value, 1):
                if isinstance(each, Secret):
                    yield f"{name}.{number}", each


def choices_of(wanted: Any) -> list[str]:
    """The values of a Literal or an enumeration, also inside a list or union, as TOML."""
    wanted = getattr(wanted, "__value__", wanted)  # what a ``type`` statement names
    if get_origin(wanted) is Literal:
        return [_in_toml(value) for value in get_args(wanted)]
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return [_in_toml(member.value) for member in wanted]
    return [value for part in get_args(wanted) for value in choices_of(part)]


def _in_toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _notes(wanted: Any) -> Iterator[Any]:
    """What ``Annotated`` says about a type or the members of a union."""
    for part in (wanted, *get_args(wanted)):
        yield from getattr(part, "__metadata__", ())


def _read_path(written: Any, home: Path) -> Path:
    if not isinstance(written, str) or not written.strip() or "\0" in written:
        raise ValueError("must be the path of a file or folder, in quotation marks.")
    try:
        return home / Path(written).expanduser()
    except RuntimeError:
        raise ValueError("names a home folder that this computer does not know.") from None


def _explain(message: str, field: FieldInfo, meta: msgspec.Meta | None) -> tuple[str, str]:
    """What msgspec says, in plain words, and a remedy. The value itself is not repeated."""
    found = choices_of(field.type)
    choose = f"Write {either(found)}." if found else ""
    if message.startswith("Invalid enum value"):
        return "is not one of its values.", choose
    if types := _TYPES.fullmatch(message):
        expected, got = map(_types_in_words, types.groups())
        usual = _REMEDIES.get(expected, "")
        return f"must be {expected}, not {got}.", usual if expected == "a list" else choose or usual
    if meta is not None and meta.description and message.startswith("Expected"):
        is_number = isinstance(field.default, int | float)
        remedy = f"The default is {field.default:g}." if is_number else ""
        return f"must be {meta.description}.", remedy
    plain = _QUOTED.sub(lambda found: _TYPE_NAMES.get(found[1], found[1]), message)
    if plain.startswith("Expected "):
        return f"must be {plain.removeprefix('Expected ')}.", ""
    return plain if plain.endswith(".") else f"does not fit: {plain}.", ""


def _types_in_words(types: str) -> str:
    names = types.replace("int | float", "float").split(" | ")
    return either([_TYPE_NAMES.get(name, name) for name in names if name != "null"])


def either(words: list[str]) -> str:
    """``a, b or c``."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
