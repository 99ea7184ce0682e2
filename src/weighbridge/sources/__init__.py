"""Sources: where records come from. One package per source; its name is stored with the account.

Other packages add sources under the entry-point group ``weighbridge.sources``: each names a
``SourceKind`` (see ``base``)::

    [project.entry-points."weighbridge.sources"]
    journal = "weighbridge_journal:KIND"
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from weighbridge.core.errors import ConfigProblem

if TYPE_CHECKING:
    from weighbridge.sources.base import SourceKind

GROUP = "weighbridge.sources"


@cache
def load_source(name: str) -> SourceKind:
    """The source of that name. Raises ConfigProblem when it is unknown or broken."""
    own = f"{__name__}.{name}"
    try:
        kind: SourceKind = importlib.import_module(f"{own}.kind").KIND
    except ModuleNotFoundError as error:
        if error.name not in (own, f"{own}.kind"):
            raise
        kind = _foreign_source(name)
    return kind


def _foreign_source(name: str) -> SourceKind:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        try:
            kind: SourceKind = point.load()
        except Exception as error:  # another package's code: anything may go wrong in it
            raise ConfigProblem(
                code="source.broken", name=name, origin=point.value, error=repr(error)
            ) from error
        return kind
    raise ConfigProblem(code="source.unknown", name=name)
