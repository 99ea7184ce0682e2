"""One table of the configuration while it is being read: values taken, mistakes collected."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.config.lines import KeyPath, Lines
from weighbridge.config.mistakes import Mistake
from weighbridge.config.models import CONFIG_FILE
from weighbridge.config.value_rules import InvalidValue, suggest
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret


class ConfigDocument:
    """What all tables of one file share: the lines, the mistakes, the origins, the warnings."""

    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self.mistakes: list[Mistake] = []
        self.origins: dict[str, str] = {}
        self.warnings: list[str] = []
        self.has_plain_secret = False
        self.is_whole = True
        """False: a broken part was left out, so a key that is missing may stand there."""

    def complain(self, path: KeyPath, key: str, message: str, remedy: str = "") -> None:
        """Note a mistake at the line of a key."""
        line = self.lines.line(path)
        self.mistakes.append(Mistake(CONFIG_FILE, line, key, message, remedy))

    def complain_of_line(self, line: int, message: str, remedy: str = "") -> None:
        """Note a mistake at a line where no key can be named."""
        self.mistakes.append(Mistake(CONFIG_FILE, line, "", message, remedy))

    def complain_of_environment(self, name: str, message: str, remedy: str = "") -> None:
        """Note a mistake in an environment variable."""
        self.mistakes.append(Mistake("environment", None, name, f"{name} {message}", remedy))

    def complain_of_file(self, path: Path, problem: ConfigProblem) -> None:
        """Note that another file cannot be used."""
        self.mistakes.append(Mistake(path.name, None, "", problem.message, problem.remedy))

    def note_secret(self, secret: Secret) -> None:
        """Remember what a secret of the file gives reason to warn of."""
        self.has_plain_secret |= secret.kind == "value"
        self.warn(secret.exposure())

    def warn(self, sentence: str) -> None:
        """Add a warning; an empty one is none."""
        if sentence:
            self.warnings.append(sentence)

    def note_origins(
        self,
        key: str,
        settings: msgspec.Struct,
        found: Mapping[str, str],
        *,
        without: Collection[str] = (),
    ) -> None:
        """Remember where the values of a struct come from; what was not found is a default."""
        for name in settings.__struct_fields__:
            if name not in without:
                self.origins[f"{key}.{name}"] = found.get(name, "default")

    def origin(self, path: KeyPath) -> str:
        """``weighbridge.toml:12`` for a key of the file."""
        return f"{CONFIG_FILE}:{self.lines.line(path)}"


class TableReader:
    """One table. ``label`` is how a person finds it, ``key`` its dotted key in the settings."""

    def __init__(
        self,
        page: ConfigDocument,
        path: KeyPath,
        content: Mapping[str, Any],
        *,
        label: str,
        key: str,
    ) -> None:
        self.page = page
        self.path = path
        self.content = content
        self.label = label
        self.key = key

    def take[T](self, name: str, rule: Callable[[object], T]) -> T | None:
        """The value of a key after its rule; None when it is absent or unfit (and noted)."""
        if name not in self.content:
            return None
        try:
            return rule(self.content[name])
        except InvalidValue as unfit:
            self.complain(name, unfit.message, unfit.remedy)
        except ValueError as error:
            self.complain(name, str(error))
        return None

    def complain(self, name: str, message: str, remedy: str = "") -> None:
        """Note a mistake in the value of a key."""
        sentence = f"{self.label}: {name} {message}"
        self.page.complain((*self.path, name), f"{self.key}.{name}", sentence, remedy)

    def complain_of_table(self, message: str, remedy: str = "") -> None:
        """Note a mistake in the table as a whole."""
        self.page.complain(self.path, self.key, f"{self.label}: {message}", remedy)

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Note each key that nobody knows, with the nearest one that is known."""
        known = list(known)
        for name in self.content:
            if name not in known:
                self.complain_of_unknown(name, known)

    def complain_of_unknown(self, name: str, known: Iterable[str]) -> None:
        """Note a key that nobody knows."""
        sentence = f'{self.label}: there is no key "{name}".'
        remedy = suggest(name, known)
        self.page.complain((*self.path, name), f"{self.key}.{name}", sentence, remedy)

    def note_origins(self, settings: msgspec.Struct, *, without: Collection[str] = ()) -> None:
        """Remember for each field whether it stands in the file or is a default."""
        found = {name: self.page.origin((*self.path, name)) for name in self.content}
        self.page.note_origins(self.key, settings, found, without=without)
