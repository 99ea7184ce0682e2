"""From the text of ``weighbridge.toml`` to settings, with every mistake and its line at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from weighbridge.config.environment import LoadContext, read_people, read_withings
from weighbridge.config.mistakes import ConfigProblems
from weighbridge.config.models import CONFIG_FILE, USUAL_SETTLE, Person, TargetSettings
from weighbridge.config.server_settings import read_alerts, read_server
from weighbridge.config.settings import Settings
from weighbridge.config.sheet import ConfigDocument, TableReader
from weighbridge.config.target_options import converter, read_options, secrets_of
from weighbridge.config.value_rules import (
    describe,
    read_ambiguous,
    read_height,
    read_name,
    read_settle,
    read_since,
    read_text,
    read_timezone,
    suggest,
)
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import warn_of_readers
from weighbridge.targets import kinds, load_kind

_TOP_KEYS = ("withings", "server", "alerts", "person")
_PERSON_KEYS = ("name", "height_cm", "timezone", "ambiguous", "target")
_TARGET_KEYS = ("name", "kind", "since", "settle")


def read_settings(
    text: str | None, *, home: Path, environ: Mapping[str, str], secret_folder: Path
) -> Settings:
    """Settings from the text of a file (None: there is no file) and the environment.

    Raises ConfigProblems. Touches secret files and ``withings_app.json`` only where the text
    leaves a Withings secret open.
    """
    page = ConfigDocument(text or "")
    document = _parse(page, text) if text else {}
    around = LoadContext(home=home, environ=environ, secret_folder=secret_folder, page=page)
    _refuse_unknown_tables(page, document)
    withings = read_withings(_sheet(page, document, "withings"), around)
    server = read_server(_sheet(page, document, "server"))
    alerts = read_alerts(_sheet(page, document, "alerts"), around)
    people = tuple(_read_people(page, document, around))
    if "person" not in document and page.is_whole:
        people = read_people(around)
    _warn_of_plain_secrets(page, home / CONFIG_FILE)
    if page.mistakes:
        mistakes = sorted(page.mistakes, key=lambda each: each.line or 0)
        raise ConfigProblems(mistakes, path=home / CONFIG_FILE)
    return Settings(
        home=home,
        withings=withings,
        people=people,
        server=server,
        alerts=alerts,
        origins=page.origins,
        warnings=tuple(dict.fromkeys(page.warnings)),
    )


def _parse(page: ConfigDocument, text: str) -> dict[str, Any]:
    from weighbridge.config.syntax import parse

    return parse(page, text)


def _refuse_unknown_tables(page: ConfigDocument, document: Mapping[str, Any]) -> None:
    for name in document:
        if name not in _TOP_KEYS:
            remedy = suggest(name, _TOP_KEYS)
            page.complain((name,), name, f'There is no table or key "{name}" here.', remedy)


def _sheet(page: ConfigDocument, document: Mapping[str, Any], name: str) -> TableReader:
    table = document.get(name, {})
    if not isinstance(table, dict):
        page.complain((name,), name, f"{name} must be a table.", f"Write [{name}].")
        table = {}
    return TableReader(page, (name,), table, label=f"[{name}]", key=name)


def _tables(sheet: TableReader, name: str, header: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables of an array of tables; anything else is noted."""
    found = sheet.content.get(name, [])
    if not isinstance(found, list):
        sheet.page.complain(
            (*sheet.path, name),
            name,
            f"{name} is {describe(found)}, but there may be several.",
            f"Write {header} with two brackets.",
        )
        return
    for position, table in enumerate(found):
        if isinstance(table, dict):
            yield position, table
        else:
            path = (*sheet.path, name, position)
            sheet.page.complain(path, name, f"{name} must be a table.", f"Write {header}.")


def _read_people(
    page: ConfigDocument, document: Mapping[str, Any], around: LoadContext
) -> Iterator[Person]:
    top = TableReader(page, (), document, label="", key="")
    seen: set[str] = set()
    for position, table in _tables(top, "person", "[[person]]"):
        name = table.get("name")
        shown = name if isinstance(name, str) else str(position + 1)
        sheet = TableReader(
            page,
            ("person", position),
            table,
            label=f"[[person]] {_quote(shown)}",
            key=f"person.{shown}",
        )
        person = _read_person(sheet, around)
        _refuse_twin(sheet, person.name, seen, "Give every person another name.")
        yield person


def _read_person(sheet: TableReader, around: LoadContext) -> Person:
    sheet.refuse_unknown(_PERSON_KEYS)
    if "name" not in sheet.content and sheet.page.is_whole:
        sheet.complain_of_table("name is missing.", 'Add a line like name = "anna".')
    person = Person(
        name=sheet.take("name", read_name) or "",
        height_cm=sheet.take("height_cm", read_height),
        timezone=sheet.take("timezone", read_timezone),
        ambiguous=sheet.take("ambiguous", read_ambiguous) or "hold",
        targets=tuple(_read_targets(sheet, around)),
    )
    sheet.note_origins(person, without=("targets",))
    return person


def _read_targets(person: TableReader, around: LoadContext) -> Iterator[TargetSettings]:
    seen: set[str] = set()
    for position, table in _tables(person, "target", "[[person.target]]"):
        shown = next(
            (word for word in (table.get("name"), table.get("kind")) if isinstance(word, str)),
            str(position + 1),
        )
        sheet = TableReader(
            person.page,
            (*person.path, "target", position),
            table,
            label=f"[[person.target]] {_quote(shown)}",
            key=f"{person.key}.target.{shown}",
        )
        target = _read_target(sheet, around)
        _refuse_twin(sheet, target.name, seen, 'Give one of them another name: name = "...".')
        yield target


def _read_target(sheet: TableReader, around: LoadContext) -> TargetSettings:
    kind = sheet.take("kind", read_text)
    if "kind" not in sheet.content and sheet.page.is_whole:
        known = ", ".join(kinds())
        sheet.complain_of_table("kind is missing.", f"Add a line with one of these: {known}.")
    name = sheet.take("name", read_name)
    settle = sheet.take("settle", read_settle)
    target = TargetSettings(
        name=name or kind or "",
        kind=kind or "",
        since=sheet.take("since", read_since),
        settle=_usual_settle(kind) if settle is None else settle,
        options=_read_kind(sheet, kind, around) if kind else None,
    )
    sheet.note_origins(target, without=("options",))
    return target


def _usual_settle(kind: str | None) -> float:
    """A kind that may be sent half a reading first says ``SETTLE = 0``. Mistakes were noted."""
    try:
        return float(getattr(load_kind(kind or ""), "SETTLE", USUAL_SETTLE))
    except ConfigProblem:
        return USUAL_SETTLE


def _read_kind(sheet: TableReader, kind: str, around: LoadContext) -> Any | None:
    """The options of a target of a kind; None when something is wrong (and noted)."""
    try:
        module = load_kind(kind)
    except ConfigProblem as problem:
        sentence = f"{sheet.label}: {problem.message}"
        sheet.page.complain((*sheet.path, "kind"), f"{sheet.key}.kind", sentence, problem.remedy)
        return None
    own = {key: value for key, value in sheet.content.items() if key not in _TARGET_KEYS}
    convert = converter(around.home, around.environ)
    options = read_options(sheet, own, module.Options, convert=convert)
    if options is not None:
        sheet.note_origins(options)
    for secret in secrets_of(options).values():
        sheet.page.note_secret(secret)
    return options


def _refuse_twin(sheet: TableReader, name: str, seen: set[str], remedy: str) -> None:
    """Names are compared without case: they become file names, and some disks ignore case."""
    folded = name.casefold()
    if folded and folded in seen:
        key = "name" if "name" in sheet.content else "kind"
        sheet.complain(key, "stands there twice.", remedy)
    seen.add(folded)


def _quote(name: str) -> str:
    return f'"{name}"' if name.isprintable() else ascii(name)


def _warn_of_plain_secrets(page: ConfigDocument, path: Path) -> None:
    if page.has_plain_secret:
        page.warn(warn_of_readers(path, what="Secrets stand in plain text and"))
