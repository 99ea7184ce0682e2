"""Targets: the places to which readings are delivered. One module per kind; its name is the kind.

A kind module holds ``Options`` and ``create(options, context)`` (see ``base``). It may also name
what it needs besides Weighbridge: ``REQUIRES = ("garminconnect",)``, modules that can be imported
once ``pip install 'weighbridge[<kind>]'`` has run.

``SERVICE = "Garmin"`` is how people call the other side; without it they are shown the kind.

Other packages add kinds under the entry-point group ``weighbridge.targets``::

    [project.entry-points."weighbridge.targets"]
    journal = "weighbridge_journal"
"""

from __future__ import annotations

import importlib
import os
import re
from typing import Any

from weighbridge.core.errors import ConfigProblem

GROUP = "weighbridge.targets"

_KIND = re.compile(r"[a-z][a-z0-9_]*")
_NO_KINDS = frozenset({"base", "formats"})


def kinds() -> list[str]:
    """All kinds that can be configured here, sorted: our own and those of other packages."""
    return sorted({*_own_kinds(), *(point.name for point in _entry_points())})


def load_kind(kind: str) -> Any:
    """The module of a kind. Raises ConfigProblem: unknown, broken, or an extra is missing."""
    module = _own_module(kind) or _foreign_module(kind)
    if module is None:
        raise _unknown(kind)
    for name in getattr(module, "REQUIRES", ()):
        _require(name, kind)
    return module


def _own_kinds() -> set[str]:
    names = {
        name.removesuffix(".py")
        for folder in __path__
        for name in os.listdir(folder)  # noqa: PTH208 - pathlib would cost more than the listing
        if not name.startswith("_") and (name.endswith(".py") or "." not in name)
    }
    return {name for name in names - _NO_KINDS if not _is_part(name, names)}


def _is_part(name: str, names: set[str]) -> bool:
    """``file_csv`` is a part of ``file``; ``home_assistant`` stands alone."""
    starts = [at for at, letter in enumerate(name) if letter == "_"]
    return any(name[:at] in names for at in starts)


def _own_module(kind: str) -> Any | None:
    if not _KIND.fullmatch(kind) or kind in _NO_KINDS:
        return None
    full_name = f"{__name__}.{kind}"
    try:
        module = importlib.import_module(full_name)
    except ModuleNotFoundError as error:
        if error.name == full_name:
            return None
        if (error.name or "weighbridge").startswith("weighbridge"):
            raise  # a fault of ours, not an extra that is missing
        raise _missing(str(error.name), kind) from error
    return module if hasattr(module, "Options") else None


def _foreign_module(kind: str) -> Any | None:
    for point in _entry_points():
        if point.name == kind:
            try:
                return point.load()
            except Exception as error:  # another package's code: anything may go wrong in it
                raise ConfigProblem(
                    code="target.kind_broken", kind=kind, origin=point.value, error=repr(error)
                ) from error
    return None


def _entry_points() -> Any:
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def _require(name: str, kind: str) -> None:
    import sys
    from importlib.util import find_spec

    if name not in sys.modules and find_spec(name) is None:
        raise _missing(name, kind)


def _missing(name: str, kind: str) -> ConfigProblem:
    return ConfigProblem(code="target.not_installed", kind=kind, package=name)


def _unknown(kind: str) -> ConfigProblem:
    import difflib

    known = kinds()
    near = difflib.get_close_matches(kind.lower(), known, n=1)
    listed = ", ".join(known)
    if near:
        return ConfigProblem(code="target.kind_misspelt", kind=kind, near=near[0], known=listed)
    return ConfigProblem(code="target.kind_unknown", kind=kind, known=listed)
