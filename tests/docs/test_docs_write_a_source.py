"""The guide for authors of sources shows code that is run, to the letter."""

from __future__ import annotations

import pytest

from fixtures.docs_reader import DOCS, Block, blocks
from fixtures.paths import ROOT

RUN = ROOT / "tests" / "sync" / "test_second_source.py"
PAGE = DOCS / "how-to" / "write-a-source.md"
CODE = [block for block in blocks(PAGE) if block.language == "python"]


@pytest.mark.parametrize("block", CODE, ids=lambda block: f"line {block.line}")
def test_the_code_of_the_page_is_code_that_is_run(block: Block) -> None:
    assert block.text in RUN.read_text("utf-8")


def test_the_page_shows_a_whole_source() -> None:
    shown = "\n".join(block.text for block in CODE)
    assert all(
        name in shown for name in ("class Night", "def parse_night", "def nights", "KIND = ")
    )
