"""Targets: the places to which readings are delivered. One folder a kind; its name is the kind.

The folder of a kind holds everything about it, and its ``__init__`` the descriptor that all others
read: ``KIND = TargetKind(...)`` (see ``weighbridge.targets.kind``).

Other packages add kinds under the entry-point group ``weighbridge.targets``, as a module with a
``KIND`` or as the descriptor itself::

    [project.entry-points."weighbridge.targets"]
    journal = "weighbridge_journal"
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from weighbridge.core.errors import ConfigProblem

if TYPE_CHECKING:
    from weighbridge.targets.kind import TargetKind

GROUP = "weighbridge.targets"

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_SHARED = frozenset({"formats"})
"""Folders that are no kind."""


def kinds() -> list[str]:
    """The names of all kinds, sorted: our own and those of other packages."""
    return sorted({*own_kinds(), *(point.name for point in _entry_points())})


def own_kinds() -> list[str]:
    """The names of the kinds that are part of Weighbridge, sorted."""
    return sorted(
        name
        for folder in __path__
        for name in os.listdir(folder)  # noqa: PTH208 - pathlib would cost more than the listing
        if "." not in name
        and not name.startswith("_")
        and name not in _SHARED
        and os.path.isfile(f"{folder}/{name}/__init__.py")  # noqa: PTH113 - the same
    )


def all_kinds(names: Iterable[str] | None = None) -> list[TargetKind]:
    """Every kind, or those of these names, in the order in which people see them.

    What a kind needs may be missing. A package that cannot be loaded is left out.
    """
    found = []
    for name in kinds() if names is None else names:
        try:
            found.append(find_kind(name))
        except ConfigProblem:
            continue  # a configuration that names it reports why
    return sorted(found, key=lambda kind: (kind.place, kind.name))


def find_kind(name: str) -> TargetKind:
    """The descriptor of a kind. Raises ConfigProblem: unknown, or it cannot be loaded."""
    kind = _own_kind(name) or _foreign_kind(name)
    if kind is None:
        raise _unknown(name)
    return kind


def load_kind(name: str) -> TargetKind:
    """Like ``find_kind``, for use. Raises ConfigProblem when something that it needs is missing."""
    kind = find_kind(name)
    if problem := missing_part(kind):
        raise problem
    return kind


def missing_part(kind: TargetKind) -> ConfigProblem | None:
    """What must be installed before a kind can be used; None: nothing."""
    import sys
    from importlib.util import find_spec

    for name in kind.requires:
        if name not in sys.modules and find_spec(name) is None:
            install = kind.install or f"weighbridge[{kind.name}]"
            return ConfigProblem(
                code="target.not_installed", kind=kind.name, package=name, install=install
            )
    return None


def _own_kind(name: str) -> TargetKind | None:
    if not _NAME.fullmatch(name) or name not in own_kinds():
        return None
    kind: TargetKind = importlib.import_module(f"{__name__}.{name}").KIND
    return kind


def _foreign_kind(name: str) -> TargetKind | None:
    from weighbridge.targets.kind import TargetKind

    for point in _entry_points():
        if point.name != name:
            continue
        try:
            found = point.load()
            kind = found if isinstance(found, TargetKind) else found.KIND
        except Exception as error:  # another package's code: anything may go wrong in it
            raise _cannot_load(name, point.value, repr(error)) from error
        if not isinstance(kind, TargetKind) or kind.name != name:
            raise _cannot_load(name, point.value, "its KIND does not describe this kind")
        if kind.texts is not None:
            from weighbridge.i18n.problems import add_texts_file

            add_texts_file(kind.name, kind.texts)
        return kind
    return None


def _cannot_load(name: str, place: str, why: str) -> ConfigProblem:
    return ConfigProblem(code="target.kind_broken", kind=name, origin=place, error=why)


def _entry_points() -> Any:
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _unknown(name: str) -> ConfigProblem:
    import difflib

    known = kinds()
    near = difflib.get_close_matches(name.lower(), known, n=1)
    listed = ", ".join(known)
    if near:
        return ConfigProblem(code="target.kind_misspelt", kind=name, near=near[0], known=listed)
    return ConfigProblem(code="target.kind_unknown", kind=name, known=listed)
