"""The configuration while it is read: values are kept, mistakes are collected with their lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from weighbridge.config.field_values import convert_value, converter, fields_of, secrets_in
from weighbridge.config.models import CONFIG_FILE
from weighbridge.config.settings import Mistake
from weighbridge.config.toml_lines import KeyPath, TomlLines, parse
from weighbridge.config.value_rules import InvalidValue, suggest
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret
from weighbridge.targets.kind import TargetKind


class ConfigDocument:
    """One file and its surroundings, and what all its tables report."""

    def __init__(
        self, text: str, *, home: Path, environ: Mapping[str, str], secret_folder: Path
    ) -> None:
        self.home = home
        self.secret_folder = secret_folder
        self.environ = environ
        self.convert = converter(home, environ)
        self.lines = TomlLines(text)
        self.kinds: dict[str, TargetKind] = {}
        """The kinds of the targets so far: looking for one costs 0.1 ms."""
        self.mistakes: list[Mistake] = []
        self.origins: dict[str, str] = {}
        self.warnings: list[str] = []
        self.has_plain_secret = False
        self.content, self.is_whole = parse(text, self.lines, self.report) if text else ({}, True)
        """Not whole: a broken part was left out, so a missing key may be in it."""

    def variable(self, name: str) -> str:
        """An environment variable without spaces around it; empty when it is not set."""
        return self.environ.get(name, "").strip()

    def report(self, line: int | None, key: str, message: str, remedy: str = "") -> None:
        """Report a mistake in the file."""
        self.mistakes.append(Mistake(CONFIG_FILE, line, key, message, remedy))

    def report_variable(self, name: str, message: str, remedy: str = "") -> None:
        """Report a mistake in an environment variable; the message continues its name."""
        self.mistakes.append(Mistake("environment", None, name, f"{name} {message}", remedy))

    def report_file(self, path: Path, problem: ConfigProblem) -> None:
        """Report that another file cannot be used."""
        self.mistakes.append(Mistake(path.name, None, "", problem.message, problem.remedy))

    def check_exposure(self, secret: Secret) -> None:
        """Warn when other accounts can read a secret."""
        self.has_plain_secret |= secret.kind == "value"
        self.warn(secret.exposure())

    def warn(self, sentence: str) -> None:
        """Add a warning; an empty one is ignored."""
        if sentence:
            self.warnings.append(sentence)


class TableReader:
    """One table. ``label`` names it for people, ``key`` is its dotted key in the settings."""

    def __init__(
        self,
        document: ConfigDocument,
        content: Mapping[str, Any],
        path: KeyPath = (),
        *,
        label: str = "",
        key: str = "",
    ) -> None:
        self.document = document
        self.content = content
        self._path = path
        self._label = label
        self._key = key
        for name in content:
            line = document.lines.line((*path, name))
            document.origins[self._key_of(name)] = f"{CONFIG_FILE}:{line}"

    def table(self, name: str) -> TableReader:
        """The table ``[name]``; an empty one when it is absent or no table (and reported)."""
        content = self.content.get(name, {})
        if not isinstance(content, dict):
            self.report_whole(name, f"{name} must be a table.", f"Write [{name}].")
            content = {}
        return TableReader(self.document, content, (*self._path, name), label=f"[{name}]", key=name)

    def tables(self, name: str, header: str, *called: str) -> Iterator[TableReader]:
        """The tables of an array of tables; anything else is reported.

        A table is called by its value of the first key of ``called``, else by its position.
        """
        found = self.content.get(name, [])
        if not isinstance(found, list):
            remedy = f"Write {header} with two brackets."
            self.report_whole(name, f"{name} must be a list of tables.", remedy)
            return
        for position, content in enumerate(found):
            if not isinstance(content, dict):
                self.report_whole(name, f"{name} must be a table.", f"Write {header}.")
                continue
            texts = (content[key] for key in called if isinstance(content.get(key), str))
            shown = next(texts, str(position + 1))
            yield TableReader(
                self.document,
                content,
                (*self._path, name, position),
                label=f'{header} "{shown}"' if shown.isprintable() else f"{header} {shown!a}",
                key=f"{self._key_of(name)}.{shown}",
            )

    def build[T: msgspec.Struct](self, struct: type[T], known: Iterable[str] = ()) -> T | None:
        """A struct made of this table; None when something is wrong, which was reported.

        ``known`` are keys of this table that belong to another struct.
        """
        fields = fields_of(struct)
        count = len(self.document.mistakes)
        self.refuse_unknown([*fields, *known])
        values = self.values(fields)
        missing = any(field.required and field.name not in values for field in fields.values())
        if missing or len(self.document.mistakes) > count:
            return None
        try:
            made = struct(**values)
        except (ValueError, TypeError) as error:  # raised by its __post_init__
            self._report_combination(str(error))
            return None
        for _, secret in secrets_in(made):
            self.document.check_exposure(secret)
        return made

    def values(
        self, fields: Mapping[str, FieldInfo], *, optional: Collection[str] = ()
    ) -> dict[str, Any]:
        """The values of the fields, without those that are absent or wrong (and reported)."""
        found: dict[str, Any] = {}
        for name, field in fields.items():
            if name in self.content:
                try:
                    value = convert_value(self.content[name], field, self.document.convert)
                    found[field.name] = value
                except InvalidValue as invalid:
                    self.report(name, invalid.message, invalid.remedy)
            elif field.required and name not in optional:
                self.report_missing(name, f'Add a line "{name} = ...".')
        return found

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Report each key that does not exist, with the nearest one that does."""
        known = list(known)
        for name in self.content:
            if name not in known:
                self.report_whole(name, f'there is no key "{name}".', suggest(name, known))

    def report(self, name: str, message: str, remedy: str) -> None:
        """Report a mistake in the value of a key; the message continues its name."""
        self.report_whole(name, f"{name} {message}", remedy)

    def report_missing(self, name: str, remedy: str) -> None:
        """Report a missing key, unless a broken line that was left out may hold it."""
        if self.document.is_whole:
            self.report_whole(None, f"{name} is missing.", remedy)

    def _report_combination(self, message: str) -> None:
        """Report what a struct refuses as a whole, at the line of the key that begins the message.

        A broken line that was left out may be what is missing, so nothing is said then.
        """
        name = message.partition(" ")[0].rstrip(":")
        if self.document.is_whole:
            self.report_whole(name if name in self.content else None, message, "")

    def report_whole(self, name: str | None, message: str, remedy: str) -> None:
        """Report a mistake at the line of a key, or of the table; the message is a sentence."""
        path = self._path if name is None else (*self._path, name)
        key = self._key if name is None else self._key_of(name)
        sentence = f"{self._label}: {message}" if self._label else message
        self.document.report(self.document.lines.line(path), key, sentence, remedy)

    def _key_of(self, name: str) -> str:
        return f"{self._key}.{name}" if self._key else name
