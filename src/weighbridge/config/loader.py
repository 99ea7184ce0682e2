"""Reading the configuration: the home folder, ``weighbridge.toml`` and the environment become
settings, or all mistakes are reported at once with their lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weighbridge.config.environment import read_only_person, read_withings
from weighbridge.config.field_values import fields_of
from weighbridge.config.models import (
    CONFIG_FILE,
    AlertSettings,
    Person,
    ServerSettings,
    TargetSettings,
    usual_settle,
)
from weighbridge.config.settings import ConfigProblems, Mistake, Settings
from weighbridge.config.table_reader import ConfigDocument, TableReader
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import warn_of_readers
from weighbridge.targets import kinds, load_kind
from weighbridge.targets.kind import TargetKind

SECRET_FOLDER = Path("/run/secrets")

_TOP_KEYS = ("withings", "server", "alerts", "person")


def home_folder(option: str | Path | None, environ: Mapping[str, str]) -> Path:
    """The home folder: ``--home``, else ``WEIGHBRIDGE_HOME``, else the platform's data folder."""
    chosen = str(option or "") or environ.get("WEIGHBRIDGE_HOME", "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("weighbridge", appauthor=False)


def load(
    home: Path, environ: Mapping[str, str], *, secret_folder: Path = SECRET_FOLDER
) -> Settings:
    """Read ``weighbridge.toml`` in ``home`` and the environment.

    Raises ConfigProblems with everything that is wrong. Secrets are looked up later, when used.
    """
    text = _read_text(home / CONFIG_FILE)
    return read_settings(text, home=home, environ=environ, secret_folder=secret_folder)


def read_settings(
    text: str | None, *, home: Path, environ: Mapping[str, str], secret_folder: Path
) -> Settings:
    """Settings from the text of a file (None: there is no file) and the environment.

    Raises ConfigProblems. Touches secret files and ``withings_app.json`` only where the text
    leaves a Withings secret open.
    """
    document = ConfigDocument(text or "", home=home, environ=environ, secret_folder=secret_folder)
    top = TableReader(document, document.content)
    top.refuse_unknown(_TOP_KEYS)
    withings = read_withings(top.table("withings"))
    server = top.table("server").build(ServerSettings) or ServerSettings()
    alerts = top.table("alerts").build(AlertSettings) or AlertSettings()
    people = tuple(_read_people(top))
    if "person" not in top.content and document.is_whole:
        people = (read_only_person(document),)
    if document.has_plain_secret:
        path = home / CONFIG_FILE
        document.warn(warn_of_readers(path, what="Secrets are written in plain text and"))
    if document.mistakes:
        mistakes = sorted(document.mistakes, key=lambda each: each.line or 0)
        raise ConfigProblems(mistakes, path=home / CONFIG_FILE)
    return Settings(
        home=home,
        withings=withings,
        people=people,
        server=server,
        alerts=alerts,
        origins=document.origins,
        warnings=tuple(dict.fromkeys(document.warnings)),
    )


def mistakes_in(
    text: str, *, home: Path, environ: Mapping[str, str], secret_folder: Path = SECRET_FOLDER
) -> list[Mistake]:
    """What is wrong with a text that is to be ``weighbridge.toml``, as every command will read it.

    Mistakes in the environment are left out: they are not the text's.
    """
    try:
        read_settings(text, home=home, environ=environ, secret_folder=secret_folder)
    except ConfigProblems as problems:
        return [mistake for mistake in problems.mistakes if mistake.line is not None]
    return []


def _read_text(path: Path) -> str | None:
    """The text of the file; None when there is no file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigProblem(
            f"{path} cannot be read ({error.strerror}).",
            remedy="Make it readable for this account, or choose another folder with --home.",
        ) from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    # Outside of the except block: the decoding error carries the whole file, secrets included.
    mistake = Mistake(path.name, line, "", "This line is not UTF-8 text.", "Save it as UTF-8.")
    raise ConfigProblems([mistake], path=path)


# --- People and their targets ---------------------------------------------------------------------


def _read_people(top: TableReader) -> Iterator[Person]:
    seen: set[str] = set()
    for table in top.tables("person", "[[person]]", "name"):
        person = _read_person(table)
        _refuse_twin(table, person.name, seen, "Give every person another name.")
        yield person


def _read_person(table: TableReader) -> Person:
    table.refuse_unknown(fields_of(Person))
    fields = {name: field for name, field in fields_of(Person).items() if name != "target"}
    values = {"name": ""} | table.values(fields)
    return Person(**values, targets=tuple(_read_targets(table)))


def _read_targets(person: TableReader) -> Iterator[TargetSettings]:
    seen: set[str] = set()
    for table in person.tables("target", "[[person.target]]", "name", "kind"):
        target = _read_target(table)
        _refuse_twin(table, target.name, seen, 'Give one of them another name: name = "...".')
        yield target


def _read_target(table: TableReader) -> TargetSettings:
    """The keys that all targets have are fields of ``TargetSettings``, the others are options."""
    common = {name: field for name, field in fields_of(TargetSettings).items() if name != "options"}
    kind = _load_kind(table)
    values: dict[str, Any] = {"kind": "", "settle": usual_settle(kind)}
    values |= table.values(common, optional=("name", "kind"))
    values.setdefault("name", values["kind"])
    options = table.build(kind.options, known=common) if kind else None
    return TargetSettings(**values, options=options)


def _load_kind(table: TableReader) -> TargetKind | None:
    """A target's kind; None when it cannot be used (and that was reported)."""
    kind = table.content.get("kind")
    if kind is None:
        table.report_missing("kind", f"Add a line with one of these: {', '.join(kinds())}.")
    if not isinstance(kind, str) or not kind.strip():
        return None
    loaded = table.document.kinds
    try:
        return loaded.get(kind) or loaded.setdefault(kind, load_kind(kind))
    except ConfigProblem as problem:
        table.report_whole("kind", problem.message, problem.remedy)
        return None


def _refuse_twin(table: TableReader, name: str, seen: set[str], remedy: str) -> None:
    """Names are compared without case: they become file names, and some disks ignore case."""
    folded = name.casefold()
    if folded and folded in seen:
        table.report("name" if "name" in table.content else "kind", "is there twice.", remedy)
    seen.add(folded)
