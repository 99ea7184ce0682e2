"""What is known when a configuration is first written, by ``init`` or in the browser."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from weighbridge.targets.kind import TargetAnswer


class PersonAnswers(msgspec.Struct, frozen=True, kw_only=True):
    """One person with the targets that were chosen."""

    name: str = "me"
    height_cm: Decimal | None = None
    timezone: str | None = None
    targets: tuple[TargetAnswer, ...] = ()

    def __repr__(self) -> str:
        return f"PersonAnswers(name={self.name!r})"

    def target(self, kind: str) -> TargetAnswer | None:
        """The target of a kind; None when it was not chosen."""
        return next((one for one in self.targets if one.kind == kind), None)


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
    def kinds(self) -> frozenset[str]:
        """The kinds of targets that were chosen."""
        return frozenset(target.kind for person in self.people for target in person.targets)

    def __repr__(self) -> str:
        return f"InitAnswers(people={self.people!r})"
