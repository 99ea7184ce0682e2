"""The configuration: ``weighbridge.toml`` and the environment, read into frozen settings.

The structs say what may be configured. How a file is read stands in ``reading``, what the
environment gives in ``environment``. The file wins over the environment.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec

from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret

CONFIG_FILE = "weighbridge.toml"
CALLBACK_URL = "http://localhost:9473/callback"
SECRET_FOLDER = Path("/run/secrets")

USUAL_SETTLE = 10.0
"""Seconds; a kind may have another one (``SETTLE`` in its module)."""

Ambiguous = Literal["hold", "deliver", "skip"]


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One target of one person."""

    name: str
    kind: str
    since: datetime.date | None = None
    """Older readings are not owed. None: from the day the target was first connected."""
    settle: float = USUAL_SETTLE
    """A reading is owed once its newest group is this many seconds old."""
    options: Any
    """An instance of the kind's own ``Options``."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """One person whose readings are carried."""

    name: str
    height_cm: Decimal | None = None
    timezone: str | None = None
    ambiguous: Ambiguous = "hold"
    """What happens to readings whose owner Withings is not sure of."""
    targets: tuple[TargetSettings, ...] = ()

    def target(self, name: str) -> TargetSettings:
        """The target of that name. Raises ConfigProblem when there is none."""
        return _named(name, self.targets, f"target of {self.name}")


class WithingsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How Weighbridge presents itself to Withings."""

    client_id: str | None = None
    client_secret: Secret | None = None
    callback_url: str = CALLBACK_URL
    url: str | None = None
    """Another address than the real cloud's, for the sandbox."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How ``weighbridge serve`` is reached and how often it asks by itself."""

    host: str = "127.0.0.1"
    """Where it listens: this machine only, unless told otherwise."""
    port: int = 9474
    url: str | None = None
    """The public address, without a slash at its end; None: Withings cannot reach us."""
    poll: float = 3 * 3600.0
    """Seconds between two looks at a person's account, whether or not Withings notifies."""
    proxies: tuple[str, ...] = ()
    """Networks whose ``X-Forwarded-*`` headers are believed."""
    notify_from: tuple[str, ...] = ()
    """Networks that may notify us; empty: everybody who knows the address."""
    hosts: tuple[str, ...] = ()
    """Further host names under which pages may be asked for."""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told when something needs a person."""

    urls: tuple[Secret, ...] = ()
    """Apprise addresses: they hold passwords."""
    ping: Secret | None = None
    """Asked while all is well, so that another machine notices when we fall silent."""
    silent_days: float = 3.0
    """After so many days without a delivery, although there is something to deliver."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is configured."""

    home: Path
    withings: WithingsSettings
    people: tuple[Person, ...]
    server: ServerSettings = ServerSettings()
    alerts: AlertSettings = AlertSettings()
    origins: Mapping[str, str] = {}
    """Dotted key (``person.anna.timezone``) → ``weighbridge.toml:12``, ``environment NAME``,
    ``file PATH`` or ``default``."""
    warnings: tuple[str, ...] = ()
    """Sentences about what works but should be changed."""

    def person(self, name: str) -> Person:
        """The person of that name. Raises ConfigProblem when there is none."""
        return _named(name, self.people, "person")


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong in the configuration."""

    where: str
    """The file or the environment variable."""
    line: int | None
    key: str
    """The dotted key, as far as it is known."""
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        return f"{place}: {self.message} {self.remedy}".rstrip()


class ConfigProblems(ConfigProblem):
    """Everything that is wrong in the configuration, at once."""

    def __init__(self, mistakes: Iterable[Mistake], *, path: Path) -> None:
        self.mistakes = tuple(mistakes)
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        lines = "".join(f"\n  {mistake}" for mistake in self.mistakes)
        super().__init__(
            f"The configuration has {count}:{lines}",
            remedy=f"Correct {path} or the environment, then run: weighbridge config check",
        )

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}"


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
    from weighbridge.config.table_reading import read_settings

    text = _read_text(home / CONFIG_FILE)
    return read_settings(text, home=home, environ=environ, secret_folder=secret_folder)


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


def _named[T: (Person, TargetSettings)](name: str, known: tuple[T, ...], what: str) -> T:
    for each in known:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in known) or "nobody"
    raise ConfigProblem(
        f'There is no {what} called "{name}".', remedy=f"Choose one of these: {names}."
    )
