"""The texts that a kind of target brings along, in the languages that it knows.

A file ``texts.toml`` has a table for each language and one text a key: ``<option>`` is the label
of a field, ``<option>_hint`` what stands below it, ``<option>_<choice>`` a choice,
``wrong_<reason>`` what is wrong with a field, ``legend`` the name of the whole. ``browser``,
``ask_ticket`` and ``ticket`` are about a sign-in in the person's own browser. What another
language lacks is said in English.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from weighbridge.i18n import MASTER
from weighbridge.targets.kind import TargetKind


def own_text(kind: TargetKind, key: str, language: str = MASTER) -> str | None:
    """The text of a kind in this language; None when it has none. Places are not filled in."""
    texts = _texts(kind.texts) if kind.texts else {}
    return texts.get(language, {}).get(key)


def text_of(kind: TargetKind, key: str, language: str = MASTER) -> str | None:
    """The same, in English when this language lacks it."""
    return own_text(kind, key, language) or own_text(kind, key)


@cache
def _texts(path: Path) -> dict[str, dict[str, str]]:
    return msgspec.toml.decode(path.read_bytes(), type=dict[str, dict[str, str]])
