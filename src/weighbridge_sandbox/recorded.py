"""Serve recorded getmeas answers: a folder of them becomes a household.

Every file ``getmeas*.json`` becomes a profile of its own, named after the file without
``getmeas-``. Groups are served exactly as recorded: what lacks ``created`` or ``modified`` goes on
lacking it. One more profile, ``everyone``, holds the groups of all files, each ``grpid`` once. A
recording may hold only a part of a group (it was asked for one type); there the parts are put
together, so that ``everyone`` has what the scale had measured.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

EVERYONE = "everyone"
_NO_ZONE = "UTC"


class Recording(msgspec.Struct, frozen=True):
    """The groups of one file. ``timezone`` is None when the answer names none."""

    name: str
    timezone: str | None
    groups: list[Any]


class Recordings(msgspec.Struct, frozen=True):
    """What a folder holds. ``problems`` has a sentence for each file that was left out."""

    recordings: list[Recording]
    problems: list[str]

    def profiles(self) -> list[tuple[str, str, list[Any]]]:
        """Name, IANA zone and groups of each profile, ``everyone`` first."""
        zones = Counter(r.timezone for r in self.recordings if r.timezone is not None)
        common = zones.most_common(1)[0][0] if zones else _NO_ZONE
        own = [(r.name, r.timezone or _NO_ZONE, r.groups) for r in self.recordings]
        return [(EVERYONE, common, put_together(self.recordings)), *own]


def load_folder(folder: Path) -> Recordings:
    """Read every ``getmeas*.json`` of a folder. A bad file is reported and harms no other.

    Raises OSError when the folder cannot be read.
    """
    recordings: list[Recording] = []
    problems: list[str] = []
    for path in sorted(folder.iterdir()):
        if not (path.name.startswith("getmeas") and path.suffix == ".json"):
            continue
        try:
            recordings.append(read_file(path))
        except (OSError, ValueError) as problem:  # msgspec's errors are ValueErrors
            problems.append(f"{path.name} was left out: {problem}")
    return Recordings(recordings, problems)


def read_file(path: Path) -> Recording:
    """One recording, with its envelope or only the list. Raises OSError, ValueError."""
    content = msgspec.json.decode(path.read_bytes())
    name = path.stem.removeprefix("getmeas").strip("-_ ") or path.stem
    if isinstance(content, list):
        return Recording(name, None, content)
    if not isinstance(content, dict) or content.get("status") != 0:
        raise ValueError("it is no answer with status 0 and no list of groups.")
    body = content.get("body")
    groups = body.get("measuregrps") if isinstance(body, dict) else None
    if not isinstance(groups, list):
        raise ValueError("its body has no list measuregrps.")
    zone = body.get("timezone") if isinstance(body, dict) else None
    return Recording(name, zone if isinstance(zone, str) else None, groups)


def put_together(recordings: list[Recording]) -> list[Any]:
    """All groups, each ``grpid`` once, with the measures of all its recordings.

    What has no ``grpid`` (or is no group at all) is kept as it is.
    """
    known: dict[int, Any] = {}
    odd: list[Any] = []
    for recording in recordings:
        for group in recording.groups:
            grpid = group.get("grpid") if isinstance(group, dict) else None
            if type(grpid) is not int:
                odd.append(group)
            elif grpid in known:
                known[grpid] = _completed(known[grpid], group)
            else:
                known[grpid] = group
    return [*known.values(), *odd]


def _completed(group: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The group with the measures that only the other recording of it has."""
    present = {_place(measure) for measure in _measures(group)}
    added = [measure for measure in _measures(other) if _place(measure) not in present]
    return {**other, **group, "measures": [*_measures(group), *added]}


def _measures(group: dict[str, Any]) -> list[Any]:
    measures = group.get("measures")
    return measures if isinstance(measures, list) else []


def _place(measure: Any) -> tuple[Any, Any]:
    return (measure.get("type"), measure.get("position")) if isinstance(measure, dict) else (0, 0)
