"""What the environment gives: the Withings application, and one person when the file has none.

A value of the Withings application comes from the first place that has it: the file, environment
variables, secret files (``/run/secrets/withings_client_id``), ``withings_app.json``. A place that
names another client id than an earlier one describes another application, so its secret and
callback URL are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.config.field_values import fault_in_words, fields_of, read_value
from weighbridge.config.models import Person, TargetSettings, WithingsSettings, usual_settle
from weighbridge.config.table_reader import ConfigDocument, TableReader
from weighbridge.config.value_rules import InvalidValue
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret, warn_of_readers
from weighbridge.targets import all_kinds, kinds, load_kind, own_kinds
from weighbridge.targets.kind import TargetKind

ONLY_PERSON = "me"

_VARIABLES = {
    "client_id": "WITHINGS_CLIENT_ID",
    "callback_url": "WITHINGS_CALLBACK_URL",
    "url": "WITHINGS_URL",
}
_SECRET_VARIABLE = "WITHINGS_CLIENT_SECRET"  # noqa: S105 - the name of a variable
_APP_VARIABLE = "WITHINGS_APP"
_APP_FILE = "withings_app.json"

Found = dict[str, tuple[Any, str]]
"""Field → value and where it comes from."""


def read_withings(table: TableReader) -> WithingsSettings:
    """The Withings application, each value from the first place that has it."""
    document = table.document
    found = _from_file(table)
    _add(found, _from_variables(document))
    for place in (_from_secret_files, _from_app_file):
        if "client_id" not in found or "client_secret" not in found:
            _add(found, place(document))
    document.origins |= {f"withings.{name}": origin for name, (_, origin) in found.items()}
    return WithingsSettings(**{name: value for name, (value, _) in found.items()})


def read_only_person(document: ConfigDocument) -> Person:
    """The one person of a configuration without a ``[[person]]``."""
    found = (_target(kind, document) for kind in _kinds_in(document.environ))
    return Person(name=ONLY_PERSON, targets=tuple(target for target in found if target))


def _kinds_in(environ: Mapping[str, str]) -> list[TargetKind]:
    """The kinds of which the environment may say something: others are not even imported.

    Variables of another package's kinds begin with ``WEIGHBRIDGE_``: it costs 50 ms to look for
    such packages.
    """
    names = {one.removeprefix("WEIGHBRIDGE_") for one in environ if one != "WEIGHBRIDGE_HOME"}
    known = kinds() if any(f"WEIGHBRIDGE_{one}" in environ for one in names) else own_kinds()
    named = [kind for kind in known if any(one.startswith(f"{kind.upper()}_") for one in names)]
    return [kind for kind in all_kinds(named) if kind.environment]


def _add(found: Found, place: Found) -> None:
    known, other = found.get("client_id"), place.get("client_id")
    is_same = known is None or other is None or known[0] == other[0]
    for name, value in place.items():
        if is_same or name == "url":
            found.setdefault(name, value)


def _from_file(table: TableReader) -> Found:
    fields = fields_of(WithingsSettings)
    table.refuse_unknown(fields)
    values = table.values(fields)
    if secret := values.get("client_secret"):
        table.document.check_exposure(secret)
    return {
        name: (value, table.document.origins[f"withings.{name}"]) for name, value in values.items()
    }


def _from_variables(document: ConfigDocument) -> Found:
    found: Found = {}
    for name, variable in _VARIABLES.items():
        written = document.variable(variable)
        if written:
            try:
                value = read_value(WithingsSettings, name, written)
                found[name] = (value, f"environment {variable}")
            except InvalidValue as invalid:
                document.report_variable(variable, invalid.message, invalid.remedy)
    if document.variable(_SECRET_VARIABLE):
        secret = Secret.of_variable(_SECRET_VARIABLE, document.environ)
        found["client_secret"] = (secret, f"environment {_SECRET_VARIABLE}")
    return found


def _from_secret_files(document: ConfigDocument) -> Found:
    found: Found = {}
    client_id = document.secret_folder / "withings_client_id"
    client_secret = document.secret_folder / "withings_client_secret"
    if _is_file(client_id):
        try:
            found["client_id"] = (Secret.of_file(client_id).reveal(), f"file {client_id}")
        except ConfigProblem as problem:
            document.report_file(client_id, problem)
    if _is_file(client_secret):
        secret = Secret.of_file(client_secret)
        document.check_exposure(secret)
        found["client_secret"] = (secret, f"file {client_secret}")
    return found


def _from_app_file(document: ConfigDocument) -> Found:
    named = document.variable(_APP_VARIABLE)
    path = document.home / Path(named or _APP_FILE).expanduser()
    if not named and not _is_file(path):
        return {}
    from weighbridge.sources.withings.oauth import read_app_file

    try:
        app = read_app_file(path)
        callback_url = read_value(WithingsSettings, "callback_url", app.callback_url)
    except ConfigProblem as problem:
        document.report_file(path, problem)
        return {}
    except InvalidValue as invalid:
        message = f"callback_url in {path} {invalid.message}"
        document.report_file(path, ConfigProblem(message, remedy=invalid.remedy))
        return {}
    document.warn(warn_of_readers(path))
    origin = f"file {path}"
    return {
        "client_id": (app.client_id, origin),
        "client_secret": (Secret.of_value(app.client_secret), origin),
        "callback_url": (callback_url, origin),
    }


def _target(kind: TargetKind, document: ConfigDocument) -> TargetSettings | None:
    """A target of this kind when its first variable is set."""
    variables = kind.environment
    first = next(iter(variables))
    found = {
        field: written
        for field, variable in variables.items()
        if (written := document.variable(variable))
    }
    if first not in found:
        return None
    made = _options(kind, found, document)
    if made is None:
        return None
    options, fields = made
    target = TargetSettings(
        name=kind.name, kind=kind.name, settle=usual_settle(kind), options=options
    )
    for field in ("name", "kind", *fields):
        key = f"person.{ONLY_PERSON}.target.{kind.name}.{field}"
        document.origins[key] = f"environment {variables.get(field, variables[first])}"
    return target


def _options(
    kind: TargetKind, found: Mapping[str, str], document: ConfigDocument
) -> tuple[Any, frozenset[str]] | None:
    """The options that the environment gives, and which; None: a mistake was reported."""
    first, *others = kind.environment.values()
    try:
        table = load_kind(kind.name).from_environment(found)
        made = msgspec.convert(table, kind.options, dec_hook=document.convert)
        return made, frozenset(table)
    except ConfigProblem as problem:
        message, remedy = f"asks for: {problem.message}", problem.remedy
    except msgspec.ValidationError as error:
        message = f"does not fit: {fault_in_words(error)}"
        remedy = f"Correct {' or '.join(('it', *others))}."
    document.report_variable(first, message, remedy)
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that this account may not enter
        return False
