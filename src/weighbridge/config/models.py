"""The tables of ``weighbridge.toml`` as frozen structs, with every key, its type and its default;
and the directory, which says who the people are.

``Annotated`` adds what a type alone does not say: a ``FieldRule`` that reads the value, or the
bounds of a number, whose ``description`` continues the sentence "KEY must be ...".
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal, Protocol

import msgspec
from msgspec import Meta

from weighbridge.config.value_rules import (
    FieldRule,
    read_callback_url,
    read_cloud_url,
    read_height,
    read_host,
    read_hosts,
    read_name,
    read_networks,
    read_public_url,
    read_since,
    read_text,
    read_timezone,
)
from weighbridge.core.errors import ConfigProblem
from weighbridge.core.secret import Secret
from weighbridge.sources.withings import CALLBACK_URL
from weighbridge.targets.kind import TargetKind

CONFIG_FILE = "weighbridge.toml"

PAGE = 500
"""People in one page of the directory, unless the caller asks for fewer."""
USUAL_SETTLE = 10.0
"""Seconds; a kind may have its own default (``settle`` of its descriptor)."""


def _between(least: int, most: int, unit: str = "") -> Meta:
    return Meta(ge=least, le=most, description=f"between {least} and {most} {unit}".rstrip())


Ambiguous = Literal["hold", "deliver", "skip"]
CallbackUrl = Annotated[str, FieldRule(read_callback_url)]
CloudUrl = Annotated[str, FieldRule(read_cloud_url)]
Days = Annotated[float, Meta(gt=0, le=366, description="more than 0 and at most 366 days")]
Height = Annotated[Decimal, FieldRule(read_height, takes=int | float)]
HostName = Annotated[str, FieldRule(read_host)]
HostNames = Annotated[tuple[str, ...], FieldRule(read_hosts)]
Name = Annotated[str, FieldRule(read_name)]
Networks = Annotated[tuple[str, ...], FieldRule(read_networks)]
PollMinutes = Annotated[float, _between(5, 1440, "minutes")]
Port = Annotated[int, _between(0, 65_535)]
PublicUrl = Annotated[str, FieldRule(read_public_url)]
SettleSeconds = Annotated[float, _between(0, 3600, "seconds")]
Since = Annotated[datetime.date, FieldRule(read_since, takes=Any)]
Text = Annotated[str, FieldRule(read_text)]
TimeZone = Annotated[str, FieldRule(read_timezone)]


class TargetSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[[person.target]]``: one target of one person."""

    name: Name
    kind: Text
    since: Since | None = None
    """Older readings are not owed. None: from the day the target was first connected."""
    settle: SettleSeconds = USUAL_SETTLE
    """A reading is owed once its newest group is this many seconds old."""
    options: Any
    """An instance of the kind's own ``Options``."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """``[[person]]``: one person whose readings are delivered."""

    name: Name
    height_cm: Height | None = None
    timezone: TimeZone | None = None
    ambiguous: Ambiguous = "hold"
    """What happens to readings when Withings is not sure whose they are."""
    targets: tuple[TargetSettings, ...] = msgspec.field(default=(), name="target")

    def target(self, name: str) -> TargetSettings:
        """The target of that name. Raises ConfigProblem when there is none."""
        for target in self.targets:
            if target.name == name:
                return target
        raise unknown_name(f"target of {self.name}", name, [each.name for each in self.targets])


class WithingsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[withings]``: the application that is registered at Withings."""

    client_id: Text | None = None
    client_secret: Secret | None = None
    callback_url: CallbackUrl = CALLBACK_URL
    url: CloudUrl | None = None
    """Another address than the real cloud's, for the sandbox."""


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[server]``: how ``weighbridge serve`` is reached and how often it polls."""

    host: HostName = "127.0.0.1"
    """Where it listens; the default is this machine only."""
    port: Port = 9474
    url: PublicUrl | None = None
    """The public address, without a slash at its end; None: Withings cannot reach us."""
    poll_minutes: PollMinutes = 180.0
    """Minutes between two polls of a person's account, whether or not Withings notifies."""
    proxies: Networks = ()
    """Networks whose ``X-Forwarded-*`` headers are trusted."""
    notify_from: Networks = ()
    """Networks that may send notifications; empty: everyone who knows the address."""
    hosts: HostNames = ()
    """Further host names under which the pages are served."""

    @property
    def poll(self) -> float:
        """Seconds between two polls."""
        return self.poll_minutes * 60


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[alerts]``: where to report that something needs attention."""

    urls: tuple[Secret, ...] = ()
    """Apprise addresses: they contain passwords."""
    ping: Secret | None = None
    """Requested while all is well, so that another machine notices when we fall silent."""
    silent_days: Days = 3.0
    """Days without a delivery, although there is something to deliver, before an alert."""
    language: Literal["en", "de", "fr", "es", "pl", "nl"] = "en"
    """Of the messages."""


def usual_settle(kind: TargetKind | None) -> float:
    """The seconds that count for a target of this kind when the file says nothing."""
    return USUAL_SETTLE if kind is None or kind.settle is None else kind.settle


def unknown_name(what: str, name: str, known: list[str]) -> ConfigProblem:
    """The problem that nothing has this name, with the names that exist."""
    return ConfigProblem(
        f'There is no {what} called "{name}".',
        remedy=f"Choose one of these: {', '.join(known) or 'nobody'}.",
    )


class Directory(Protocol):
    """The people by name, and all of them page by page: code that serves one person asks for that
    person and never for all of them.

    ``FileDirectory`` answers from the configuration file; another one may answer from rows of a
    database. Which person a Withings account belongs to is known after the first login only, so
    the table ``account`` says it.
    """

    def person(self, name: str) -> Person:
        """The person of that name. Raises ConfigProblem when there is none."""

    def find(self, name: str) -> Person | None:
        """The person of that name, or None."""

    def count(self) -> int:
        """How many people there are."""

    def page(self, after: str | None = None, *, limit: int = PAGE) -> Sequence[Person]:
        """At most ``limit`` people that follow the one called ``after``; None: the first ones.

        The order is stable. Empty: no more people follow, or ``after`` is not a person's name.
        """


def everyone(directory: Directory, *, page_size: int = PAGE) -> Iterator[Person]:
    """All people, fetched page by page. Only for work that really concerns everyone."""
    after: str | None = None
    while page := directory.page(after, limit=page_size):
        yield from page
        after = page[-1].name


def only_person(directory: Directory) -> Person | None:
    """The person, when there is exactly one."""
    people = directory.page(limit=2)
    return people[0] if len(people) == 1 else None


class FileDirectory(Directory):
    """The people of the configuration file, in its order."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = tuple(people)
        self._positions = {person.name: at for at, person in enumerate(self._people)}

    def person(self, name: str) -> Person:
        found = self.find(name)
        if found is None:
            raise unknown_name("person", name, list(self._positions))
        return found

    def find(self, name: str) -> Person | None:
        position = self._positions.get(name)
        return None if position is None else self._people[position]

    def count(self) -> int:
        return len(self._people)

    def page(self, after: str | None = None, *, limit: int = PAGE) -> Sequence[Person]:
        start = 0 if after is None else self._positions.get(after, len(self._people)) + 1
        return self._people[start : start + limit]
