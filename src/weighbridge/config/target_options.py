"""A target's own options: a TOML table checked against the ``Options`` of its kind.

Every field is reported on its own. A kind may use ``pathlib.Path`` (relative paths start at the
home folder) and ``weighbridge.core.secret.Secret`` as field types, and may refuse a combination
by a ValueError in ``__post_init__``; a message that begins with a field's name is shown at its
line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.config.sheet import TableReader
from weighbridge.core.secret import Secret, read_secret

_WORDS = {
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
_TYPES = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_QUOTED = re.compile(r"`(\w+)`")
_PLACE = re.compile(r" - at `[^`]*`$")

Convert = Callable[[type[Any], Any], Any]


def read_options(
    sheet: TableReader, table: Mapping[str, Any], options: Any, *, convert: Convert
) -> Any | None:
    """An instance of ``options`` made of the table, or None when mistakes were noted."""
    try:
        return msgspec.convert(table, options, dec_hook=convert)
    except msgspec.ValidationError as error:
        whole = fault_in_words(error)
    before = len(sheet.page.mistakes)
    _complain_of_fields(sheet, table, options, convert)
    if len(sheet.page.mistakes) == before and sheet.page.is_whole:
        _complain_of_combination(sheet, table, whole)
    return None


def converter(home: Path, environ: Mapping[str, str]) -> Convert:
    """How the types are made that TOML does not have."""

    def convert(wanted: type[Any], written: Any) -> Any:
        if wanted is Secret:
            return read_secret(written, home=home, environ=environ)
        if wanted is Path:
            return _read_path(written, home)
        raise NotImplementedError(f"no rule for {wanted}")

    return convert


def secrets_of(options: Any) -> dict[str, Secret]:
    """The secrets among the options by the name of their field."""
    fields = getattr(options, "__struct_fields__", ())
    values = ((name, getattr(options, name)) for name in fields)
    return {name: value for name, value in values if isinstance(value, Secret)}


def _read_path(written: Any, home: Path) -> Path:
    if not isinstance(written, str) or not written.strip() or "\0" in written:
        raise ValueError("must be the path of a file or folder, in quotation marks.")
    try:
        return home / Path(written).expanduser()
    except RuntimeError:
        raise ValueError("names a home folder that this computer does not know.") from None


def _complain_of_fields(
    sheet: TableReader, table: Mapping[str, Any], options: Any, convert: Convert
) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(options)}
    for name in table:
        if name not in fields:
            sheet.complain_of_unknown(name, [*fields, "name", "since", "settle"])
    for name, field in fields.items():
        if name in table:
            message = _fault_of(table[name], field.type, convert)
            if message:
                sheet.complain(name, message)
        elif field.required and sheet.page.is_whole:
            sheet.complain_of_table(f"{name} is missing.", f'Add a line "{name} = ...".')


def _fault_of(value: Any, wanted: Any, convert: Convert) -> str:
    """Why a value does not fit its field; empty when it does."""
    try:
        msgspec.convert(value, wanted, dec_hook=convert)
    except msgspec.ValidationError as error:
        return _explain(fault_in_words(error), wanted)
    return ""


def fault_in_words(error: msgspec.ValidationError) -> str:
    """What msgspec says, without the place in its own notation."""
    return _PLACE.sub("", str(error))


def _explain(message: str, wanted: Any) -> str:
    """What msgspec says, in the words of a person. The value itself is not repeated."""
    if message.startswith("Invalid enum value"):
        return f"is not one of its values. Write {' or '.join(_choices(wanted))}."
    types = _TYPES.fullmatch(message)
    if types is None:
        plain = _QUOTED.sub(lambda found: _WORDS.get(found[1], found[1]), message)
        return plain if plain.endswith(".") else f"does not fit: {plain}."
    expected, found = (
        " or ".join(_WORDS.get(word, word) for word in names.split(" | ") if word != "null")
        for names in types.groups()
    )
    return f"must be {expected}, not {found}."


def _choices(wanted: Any) -> list[str]:
    """The values of a Literal or an enumeration, as they are written in TOML."""
    from msgspec import inspect

    kind = inspect.type_info(wanted)
    found: list[str] = []
    for part in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
        if isinstance(part, inspect.LiteralType):
            found += [
                f'"{value}"' if isinstance(value, str) else str(value) for value in part.values
            ]
        elif isinstance(part, inspect.EnumType):
            found += [f'"{member.value}"' for member in part.cls]
    return found


def _complain_of_combination(sheet: TableReader, table: Mapping[str, Any], message: str) -> None:
    first, _, rest = message.partition(" ")
    name = first.rstrip(":")
    if name in table:
        sheet.complain(name, rest)
    else:
        sheet.complain_of_table(message)
