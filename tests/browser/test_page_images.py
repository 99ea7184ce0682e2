"""The pictures of the documentation: none is missing, forgotten or heavy."""

from __future__ import annotations

import re
from pathlib import Path

from fixtures.pages_screenshots import ALSO_LIGHT, IMAGES, LARGEST, LOOKS, PAGES


def test_every_picture_that_is_taken_is_shown_and_none_else() -> None:
    taken = {f"{name}-{look}.png" for name in PAGES for look in LOOKS}
    taken |= {f"{name}-light.png" for name in ALSO_LIGHT}
    assert {path.name for path in IMAGES.iterdir()} == taken
    texts = [page.read_text("utf-8") for page in _documentation()]
    shown = {name for text in texts for name in re.findall(r"images/([\w-]+\.png)\)", text)}
    assert shown == taken


def test_no_picture_is_heavy() -> None:
    for path in IMAGES.iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size <= LARGEST, path.name


def _documentation() -> list[Path]:
    root = IMAGES.parents[1]
    return [root / "README.md", *(root / "docs").rglob("*.md")]
