"""Who the people are. Code that serves one person asks for that person and never for all of them.

``Directory`` is the seam: ``FileDirectory`` answers from the configuration file, another
implementation may answer from rows of a database. Which person a Withings account belongs to is
not part of it: that is known after the first login only, and the table ``account`` answers it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from weighbridge.config.models import Person, unknown_name

PAGE = 500
"""People in one page, unless the caller asks for fewer."""


class Directory(Protocol):
    """The people by name, and all of them page by page."""

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


class FileDirectory:
    """The people of the configuration file, in its order."""

    def __init__(self, people: Sequence[Person]) -> None:
        self._people = tuple(people)
        self._positions = {person.name: at for at, person in enumerate(self._people)}

    def person(self, name: str) -> Person:
        """The person of that name. Raises ConfigProblem when there is none."""
        found = self.find(name)
        if found is None:
            raise unknown_name("person", name, list(self._positions))
        return found

    def find(self, name: str) -> Person | None:
        """The person of that name, or None."""
        position = self._positions.get(name)
        return None if position is None else self._people[position]

    def count(self) -> int:
        """How many people there are."""
        return len(self._people)

    def page(self, after: str | None = None, *, limit: int = PAGE) -> Sequence[Person]:
        """At most ``limit`` people that follow ``after`` in the file."""
        start = 0 if after is None else self._positions.get(after, len(self._people)) + 1
        return self._people[start : start + limit]
