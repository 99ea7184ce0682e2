"""What is known when a configuration is first written, by ``init`` or in the browser."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

FileFormat = Literal["csv", "json", "fit"]


class FileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A file that grows with every reading."""

    path: str
    format: FileFormat = "csv"


class MqttAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A broker. None: what the target does when nothing is said."""

    url: str
    password_file: str | None = None
    language: str | None = None
    units: str | None = None


class PersonAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """One person with the targets that were chosen."""

    name: str = "me"
    height_cm: Decimal | None = None
    timezone: str | None = None
    garmin: str | None = None
    """The user name there."""
    trainerroad: str | None = None
    """The user name there."""
    file: FileAnswer | None = None
    mqtt: MqttAnswer | None = None

    def __repr__(self) -> str:
        return f"PersonAnswers(name={self.name!r})"


class InitAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """Everything. All absent: a file of comments that is valid as it is."""

    client_id: str | None = None
    client_secret: str | None = None
    client_secret_file: str | None = None
    people: tuple[PersonAnswers, ...] = ()
    url: str | None = None
    """The public address of the server."""
    port: int | None = None
    """Where the server listens; None: the usual port."""

    @property
    def targets(self) -> frozenset[str]:
        """The kinds of targets that somebody has."""
        return frozenset(
            kind
            for kind in ("garmin", "trainerroad", "file", "mqtt")
            if any(getattr(person, kind) is not None for person in self.people)
        )

    def __repr__(self) -> str:
        return f"Answers(people={self.people!r})"
