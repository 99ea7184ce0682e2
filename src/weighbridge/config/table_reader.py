"""Tables of the configuration while they are read: values are kept, mistakes are collected."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import FieldInfo

from weighbridge.config.field_values import (
    Convert,
    convert_value,
    converter,
    fields_of,
    secrets_in,
)
from weighbridge.config.models import CONFIG_FILE
from weighbridge.config.settings import Mistake
from weighbridge.config.toml_lines import KeyPath, TomlLines
from weighbridge.config.value_rules import InvalidValue, suggest
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret


class ConfigDocument:
    """What all tables of one file share: the lines, the mistakes, the origins, the warnings."""

    def __init__(self, text: str) -> None:
        self.lines = TomlLines(text)
        self.mistakes: list[Mistake] = []
        self.origins: dict[str, str] = {}
        self.warnings: list[str] = []
        self.has_plain_secret = False
        self.is_whole = True
        """False: a broken part was left out, so a missing key may be in it."""

    def report(self, path: KeyPath, key: str, message: str, remedy: str = "") -> None:
        """Report a mistake at the line of a key."""
        self._add(CONFIG_FILE, self.lines.line(path), key, message, remedy)

    def report_line(self, line: int, message: str, remedy: str = "") -> None:
        """Report a mistake at a line where no key can be named."""
        self._add(CONFIG_FILE, line, "", message, remedy)

    def report_variable(self, name: str, message: str, remedy: str = "") -> None:
        """Report a mistake in an environment variable."""
        self._add("environment", None, name, f"{name} {message}", remedy)

    def report_file(self, path: Path, problem: ConfigProblem) -> None:
        """Report that another file cannot be used."""
        self._add(path.name, None, "", problem.message, problem.remedy)

    def _add(self, where: str, line: int | None, key: str, message: str, remedy: str) -> None:
        self.mistakes.append(Mistake(where, line, key, message, remedy))

    def check_exposure(self, secret: Secret) -> None:
        """Warn when other accounts can read a secret."""
        self.has_plain_secret |= secret.kind == "value"
        self.warn(secret.exposure())

    def warn(self, sentence: str) -> None:
        """Add a warning; an empty one is ignored."""
        if sentence:
            self.warnings.append(sentence)

    def record_origins(
        self,
        key: str,
        settings: msgspec.Struct,
        found: Mapping[str, str],
        *,
        without: Collection[str] = (),
    ) -> None:
        """Record where each value of a struct comes from; what was not found is a default."""
        for name in settings.__struct_fields__:
            if name not in without:
                self.origins[f"{key}.{name}"] = found.get(name, "default")

    def origin(self, path: KeyPath) -> str:
        """``weighbridge.toml:12`` for a key of the file."""
        return f"{CONFIG_FILE}:{self.lines.line(path)}"


class LoadContext(msgspec.Struct, frozen=True):
    """What a configuration is read in."""

    home: Path
    environ: Mapping[str, str]
    secret_folder: Path
    document: ConfigDocument

    @property
    def convert(self) -> Convert:
        """How paths and secrets are made of what the file says."""
        return converter(self.home, self.environ)

    def variable(self, name: str) -> str:
        """An environment variable without spaces around it; empty when it is not set."""
        return self.environ.get(name, "").strip()


class TableReader:
    """One table. ``label`` names it for people, ``key`` is its dotted key in the settings."""

    def __init__(
        self,
        context: LoadContext,
        path: KeyPath,
        content: Mapping[str, Any],
        *,
        label: str,
        key: str,
    ) -> None:
        self.context = context
        self.document = context.document
        self.path = path
        self.content = content
        self.label = label
        self.key = key

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
        convert = self.context.convert
        for name, field in fields.items():
            if name in self.content:
                try:
                    found[field.name] = convert_value(self.content[name], field, convert)
                except InvalidValue as invalid:
                    self.report(name, invalid.message, invalid.remedy)
            elif field.required and name not in optional and self.document.is_whole:
                self.report_table(f"{name} is missing.", f'Add a line "{name} = ...".')
        return found

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Report each key that does not exist, with the nearest one that does."""
        known = list(known)
        for name in self.content:
            if name not in known:
                self._report_key(name, f'there is no key "{name}".', suggest(name, known))

    def report(self, name: str, message: str, remedy: str = "") -> None:
        """Report a mistake in the value of a key; the message continues its name."""
        self._report_key(name, f"{name} {message}", remedy)

    def report_problem(self, name: str, problem: ConfigProblem) -> None:
        """Report that the value of a key leads to a problem."""
        self._report_key(name, problem.message, problem.remedy)

    def _report_key(self, name: str, message: str, remedy: str) -> None:
        path, key = (*self.path, name), f"{self.key}.{name}"
        self.document.report(path, key, f"{self.label}: {message}", remedy)

    def report_table(self, message: str, remedy: str = "") -> None:
        """Report a mistake in the table as a whole."""
        self.document.report(self.path, self.key, f"{self.label}: {message}", remedy)

    def record_origins(self, settings: msgspec.Struct, *, without: Collection[str] = ()) -> None:
        """Record for each field whether it is in the file or a default."""
        found = {name: self.document.origin((*self.path, name)) for name in self.content}
        self.document.record_origins(self.key, settings, found, without=without)

    def _report_combination(self, message: str) -> None:
        """Report what a struct refuses as a whole, at the line of the key that begins the message.

        A broken line that was left out may be what is missing, so nothing is said then.
        """
        if not self.document.is_whole:
            return
        first, _, rest = message.partition(" ")
        if first.rstrip(":") in self.content:
            self.report(first.rstrip(":"), rest)
        else:
            self.report_table(message)
