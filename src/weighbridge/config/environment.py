"""What the environment gives: the Withings application, and one person when the file names none.

A value of the Withings application comes from the first place that has it: the file, environment
variables, secret files (``/run/secrets/withings_client_id``), ``withings_app.json``. A place that
names another client id than an earlier one describes another application, so its secret and
callback URL are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.config.models import USUAL_SETTLE, Person, TargetSettings, WithingsSettings
from weighbridge.config.sheet import ConfigDocument, TableReader
from weighbridge.config.target_options import converter, fault_in_words
from weighbridge.config.value_rules import (
    InvalidValue,
    read_callback_url,
    read_cloud_url,
    read_text,
)
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret, read_secret, warn_of_readers
from weighbridge.targets import load_kind

ONLY_PERSON = "me"

_RULES: dict[str, Callable[[object], str]] = {
    "client_id": read_text,
    "callback_url": read_callback_url,
    "url": read_cloud_url,
}
_FIELDS = (*_RULES, "client_secret")
_VARIABLES = {
    "client_id": "WITHINGS_CLIENT_ID",
    "callback_url": "WITHINGS_CALLBACK_URL",
    "url": "WITHINGS_URL",
}
_SECRET_VARIABLE = "WITHINGS_CLIENT_SECRET"  # noqa: S105 - the name of a variable
_APP_VARIABLE = "WITHINGS_APP"
_APP_FILE = "withings_app.json"
_TARGET_VARIABLES = {
    "garmin": {"username": "GARMIN_USERNAME", "url": "GARMIN_URL"},
    "trainerroad": {"username": "TRAINERROAD_USERNAME", "url": "TRAINERROAD_URL"},
    "mqtt": {"url": "MQTT_URL", "plain_topic": "MQTT_CHANNEL"},
}
"""Kind of target → its option → the variable that gives it. Without the first there is no target.

A kind whose variables are not yet options has a function ``from_environment(found)`` that makes
options of them.
"""

Found = dict[str, tuple[Any, str]]
"""Field → value and where it comes from."""


class LoadContext(msgspec.Struct, frozen=True):
    """What a configuration is read in."""

    home: Path
    environ: Mapping[str, str]
    secret_folder: Path
    page: ConfigDocument

    def variable(self, name: str) -> str:
        """An environment variable without spaces around it; empty when it is not set."""
        return self.environ.get(name, "").strip()


def read_withings(sheet: TableReader, around: LoadContext) -> WithingsSettings:
    """The Withings application, each value from the first place that has it."""
    found: Found = {}
    _add(found, _from_file(sheet, around))
    _add(found, _from_variables(around))
    for place in (_from_secret_files, _from_app_file):
        if "client_id" not in found or "client_secret" not in found:
            _add(found, place(around))
    settings = WithingsSettings(**{name: value for name, (value, _) in found.items()})
    origins = {name: origin for name, (_, origin) in found.items()}
    around.page.note_origins("withings", settings, origins)
    return settings


def read_people(around: LoadContext) -> tuple[Person, ...]:
    """The one person of a configuration that names nobody."""
    found = (_target(kind, around) for kind in _TARGET_VARIABLES)
    targets = tuple(target for target in found if target is not None)
    person = Person(name=ONLY_PERSON, targets=targets)
    around.page.note_origins(f"person.{ONLY_PERSON}", person, {}, without=("targets",))
    return (person,)


def _add(found: Found, place: Found) -> None:
    known, other = found.get("client_id"), place.get("client_id")
    is_same = known is None or other is None or known[0] == other[0]
    for name, value in place.items():
        if is_same or name == "url":
            found.setdefault(name, value)


def _from_file(sheet: TableReader, around: LoadContext) -> Found:
    sheet.refuse_unknown(_FIELDS)
    values: dict[str, Any] = {name: sheet.take(name, rule) for name, rule in _RULES.items()}
    secret = sheet.take(
        "client_secret",
        lambda written: read_secret(written, home=around.home, environ=around.environ),
    )
    if secret is not None:
        around.page.note_secret(secret)
        values["client_secret"] = secret
    return {
        name: (value, around.page.origin((*sheet.path, name)))
        for name, value in values.items()
        if value is not None
    }


def _from_variables(around: LoadContext) -> Found:
    found: Found = {}
    for name, variable in _VARIABLES.items():
        written = around.variable(variable)
        if written:
            try:
                found[name] = (_RULES[name](written), f"environment {variable}")
            except InvalidValue as unfit:
                around.page.complain_of_environment(variable, unfit.message, unfit.remedy)
    if around.variable(_SECRET_VARIABLE):
        secret = Secret.of_variable(_SECRET_VARIABLE, around.environ)
        found["client_secret"] = (secret, f"environment {_SECRET_VARIABLE}")
    return found


def _from_secret_files(around: LoadContext) -> Found:
    found: Found = {}
    client_id = around.secret_folder / "withings_client_id"
    client_secret = around.secret_folder / "withings_client_secret"
    if _is_file(client_id):
        try:
            found["client_id"] = (Secret.of_file(client_id).reveal(), f"file {client_id}")
        except ConfigProblem as problem:
            around.page.complain_of_file(client_id, problem)
    if _is_file(client_secret):
        secret = Secret.of_file(client_secret)
        around.page.note_secret(secret)
        found["client_secret"] = (secret, f"file {client_secret}")
    return found


def _from_app_file(around: LoadContext) -> Found:
    named = around.variable(_APP_VARIABLE)
    path = around.home / Path(named or _APP_FILE).expanduser()
    if not named and not _is_file(path):
        return {}
    from weighbridge.sources.withings.application import read_app_file

    try:
        app = read_app_file(path)
        callback_url = read_callback_url(app.callback_url)
    except ConfigProblem as problem:
        around.page.complain_of_file(path, problem)
        return {}
    except InvalidValue as unfit:
        message = f"callback_url in {path} {unfit.message}"
        around.page.complain_of_file(path, ConfigProblem(message, remedy=unfit.remedy))
        return {}
    around.page.warn(warn_of_readers(path))
    origin = f"file {path}"
    return {
        "client_id": (app.client_id, origin),
        "client_secret": (Secret.of_value(app.client_secret), origin),
        "callback_url": (callback_url, origin),
    }


def _target(kind: str, around: LoadContext) -> TargetSettings | None:
    """A target of this kind when its first variable is set."""
    variables = _TARGET_VARIABLES[kind]
    first = next(iter(variables))
    found = {
        field: written
        for field, variable in variables.items()
        if (written := around.variable(variable))
    }
    if first not in found:
        return None
    made = _options(kind, found, around)
    if made is None:
        return None
    target = TargetSettings(name=kind, kind=kind, settle=made.settle, options=made.options)
    key = f"person.{ONLY_PERSON}.target.{kind}"
    origins = {
        field: f"environment {variables.get(field, variables[first])}" for field in made.fields
    }
    named = dict.fromkeys(("name", "kind"), origins[first])
    around.page.note_origins(key, target, named, without=("options",))
    around.page.note_origins(key, made.options, origins)
    return target


class _Made(msgspec.Struct, frozen=True):
    """The options of a kind, the fields that were given, and how long its readings settle."""

    options: Any
    fields: frozenset[str]
    settle: float


def _options(kind: str, found: Mapping[str, str], around: LoadContext) -> _Made | None:
    """The options that the environment gives; None: a mistake was noted."""
    first, *others = _TARGET_VARIABLES[kind].values()
    try:
        module = load_kind(kind)
        table = getattr(module, "from_environment", dict)(found)
        options = msgspec.convert(
            table, module.Options, dec_hook=converter(around.home, around.environ)
        )
        settle = float(getattr(module, "SETTLE", USUAL_SETTLE))
        return _Made(options, frozenset(table), settle)
    except ConfigProblem as problem:
        message, remedy = f"asks for: {problem.message}", problem.remedy
    except msgspec.ValidationError as error:
        message = f"does not fit: {fault_in_words(error)}"
        remedy = f"Correct {' or '.join(('it', *others))}."
    around.page.complain_of_environment(first, message, remedy)
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that this account may not enter
        return False
