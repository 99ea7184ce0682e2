"""The people behind a Withings login and what their scales have stored.

Groups are kept as the JSON text that will be served: written once, odd ones included.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

FIRST_USERID = 30_000_001
_SELECTIONS_KEPT = 8


class StoredGroup(msgspec.Struct, frozen=True, gc=False):
    """One group: its text and what it is found by. Times are in epoch seconds.

    ``updated_at`` is ``modified``, else ``created``, else ``date``: old recordings have less.
    A thing that is no group at all is found under the time at which it was added.
    """

    text: bytes
    grpid: int | None
    taken_at: int
    updated_at: int
    category: int | None

    @property
    def raw(self) -> Any:
        """The group as it was given."""
        return msgspec.json.decode(self.text)


class Choice(msgspec.Struct, frozen=True):
    """Which groups are asked for; None: any. ``types`` strips the groups to these measures."""

    category: int | None = None
    taken_from: int | None = None
    taken_until: int | None = None
    types: frozenset[int] | None = None


EVERYTHING = Choice()


class Profile:
    """One person of the household: a ``userid`` with tokens and measurements of its own."""

    def __init__(self, name: str, userid: int, timezone: str) -> None:
        self.name = name
        self.userid = userid
        self.timezone = timezone
        self.goals: dict[str, Any] = {"steps": 10000, "sleep": 28800}
        self._groups: list[StoredGroup] = []
        self._selections: dict[tuple[Choice, bool], list[StoredGroup]] = {}

    def groups(self) -> Sequence[StoredGroup]:
        """What is stored, in the order in which it was added."""
        return self._groups

    def store(self, groups: Iterable[StoredGroup]) -> None:
        self._groups.extend(groups)
        self._selections.clear()

    def remove(self, group: StoredGroup) -> None:
        self._groups.remove(group)
        self._selections.clear()

    def find(self, grpid: int) -> StoredGroup | None:
        return next((group for group in self._groups if group.grpid == grpid), None)

    def changed_since(
        self, moment: int, choice: Choice = EVERYTHING
    ) -> tuple[list[StoredGroup], int]:
        """The chosen groups, ascending by ``modified``, and the index of the first one at or
        after ``moment``. The list is shared: do not change it."""
        chosen = self._select(choice, by_change=True)
        return chosen, bisect_left(chosen, moment, key=attrgetter("updated_at"))

    def newest_first(self, choice: Choice = EVERYTHING) -> list[StoredGroup]:
        """The chosen groups, the newest ``date`` first. The list is shared."""
        return self._select(choice, by_change=False)

    def _select(self, choice: Choice, *, by_change: bool) -> list[StoredGroup]:
        """Choose and sort once for all pages of a question."""
        key = (choice, by_change)
        if key not in self._selections:
            if len(self._selections) >= _SELECTIONS_KEPT:
                self._selections.clear()
            order = attrgetter("updated_at" if by_change else "taken_at")
            chosen = [strip(group, choice.types) for group in self._groups if fits(group, choice)]
            found = [group for group in chosen if group is not None]
            self._selections[key] = sorted(found, key=order, reverse=not by_change)
        return self._selections[key]


class Household:
    """All profiles, by name. ``clock`` is the cloud's."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.profiles: dict[str, Profile] = {}

    def add_profile(
        self,
        name: str,
        userid: int | None = None,
        timezone: str = "Europe/Paris",
        groups: Iterable[Any] = (),
    ) -> Profile:
        """Add a person. Raises ValueError when the name or the userid is taken."""
        userid = FIRST_USERID + len(self.profiles) if userid is None else userid
        if name in self.profiles or self.by_userid(userid) is not None:
            raise ValueError(f"There is a profile {name!r} or a userid {userid} already.")
        profile = self.profiles[name] = Profile(name, userid, timezone)
        self.add_groups(name, groups)
        return profile

    def profile(self, name: str) -> Profile:
        """The profile of that name. Raises ValueError when there is none."""
        if name not in self.profiles:
            raise ValueError(f"There is no profile {name!r}, only {', '.join(self.profiles)}.")
        return self.profiles[name]

    def by_userid(self, userid: int) -> Profile | None:
        return next((p for p in self.profiles.values() if p.userid == userid), None)

    def add_group(self, profile: str, group: Any) -> StoredGroup:
        """Store one group exactly as given: a dictionary, or any other JSON value."""
        return self.add_groups(profile, [group])[0]

    def add_groups(self, profile: str, groups: Iterable[Any]) -> list[StoredGroup]:
        """Store several groups of one person."""
        now = int(self.clock())
        stored = [stored_group(group, now) for group in groups]
        self.profile(profile).store(stored)
        return stored

    def edit_group(self, grpid: int, changes: dict[str, Any]) -> tuple[Profile, StoredGroup]:
        """Replace keys of a group; ``modified`` becomes now unless it is among the changes."""
        profile, group = self.find(grpid)
        now = int(self.clock())
        edited = stored_group({**group.raw, "modified": now, **changes}, now)
        profile.remove(group)
        profile.store([edited])
        return profile, edited

    def delete_group(self, grpid: int) -> tuple[Profile, StoredGroup]:
        """Remove a group. Nothing reports it later (docs/reference/withings-api.md#deletions)."""
        profile, group = self.find(grpid)
        profile.remove(group)
        return profile, group

    def move_group(self, grpid: int, to: str) -> tuple[Profile, StoredGroup]:
        """Give a group to somebody else; ``modified`` becomes now."""
        receiver = self.profile(to)
        _, group = self.delete_group(grpid)
        now = int(self.clock())
        moved = stored_group({**group.raw, "modified": now}, now)
        receiver.store([moved])
        return receiver, moved

    def find(self, grpid: int) -> tuple[Profile, StoredGroup]:
        """Whose group it is. Raises ValueError when nobody has it."""
        for profile in self.profiles.values():
            group = profile.find(grpid)
            if group is not None:
                return profile, group
        raise ValueError(f"Nobody has a group {grpid}.")


def stored_group(group: Any, now: int) -> StoredGroup:
    """A group and what it is found by. ``now`` stands in for times that it lacks."""
    keys = group if isinstance(group, dict) else {}
    taken_at = _integer(keys.get("date"), now)
    updated_at = _integer(keys.get("modified"), _integer(keys.get("created"), taken_at))
    return StoredGroup(
        msgspec.json.encode(group),
        keys["grpid"] if type(keys.get("grpid")) is int else None,
        taken_at,
        updated_at,
        keys["category"] if type(keys.get("category")) is int else None,
    )


def fits(group: StoredGroup, choice: Choice) -> bool:
    """Whether category and date are as wanted; both ends of the window belong to it."""
    if choice.category is not None and group.category not in {choice.category, None}:
        return False
    if choice.taken_from is not None and group.taken_at < choice.taken_from:
        return False
    return choice.taken_until is None or group.taken_at <= choice.taken_until


def strip(group: StoredGroup, types: frozenset[int] | None) -> StoredGroup | None:
    """The group with only the measures of these types; None: it has none of them.

    Source: docs/reference/withings-api.md#getmeas.
    """
    if types is None:
        return group
    raw = group.raw
    measures = raw.get("measures") if isinstance(raw, dict) else None
    if not isinstance(measures, list):
        return None
    left = [m for m in measures if isinstance(m, dict) and m.get("type") in types]
    if not left:
        return None
    text = msgspec.json.encode({**raw, "measures": left})
    return msgspec.structs.replace(group, text=text)


def measure_types(group: StoredGroup) -> set[int]:
    """The types that a group holds; an odd thing holds none."""
    raw = group.raw
    measures = raw.get("measures") if isinstance(raw, dict) else None
    if not isinstance(measures, list):
        return set()
    found = (m.get("type") for m in measures if isinstance(m, dict))
    return {code for code in found if isinstance(code, int)}


def _integer(value: Any, otherwise: int) -> int:
    return value if type(value) is int else otherwise
