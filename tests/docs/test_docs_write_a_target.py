"""The guide for authors of targets shows files that are run, to the letter.

``tests/targets/test_example_targets.py`` and ``test_example_package.py`` run them.
"""

from __future__ import annotations

import configparser
import tomllib

import pytest

from fixtures.docs_reader import DOCS, Block, blocks
from fixtures.example_package import INSTALLED
from fixtures.paths import ROOT

PAGE = DOCS / "how-to" / "write-a-target.md"
PACKAGE = ROOT / "tests" / "example_package" / "weighbridge_examples"
RUN = [*PACKAGE.glob("*.py"), ROOT / "tests" / "targets" / "test_example_targets.py"]
CODE = [block for block in blocks(PAGE) if block.language == "python"]


@pytest.mark.parametrize("block", CODE, ids=lambda block: f"line {block.line}")
def test_the_code_of_the_page_is_code_that_is_run(block: Block) -> None:
    assert [path.name for path in RUN if block.text in path.read_text("utf-8")]


def test_the_page_shows_the_whole_of_one_target() -> None:
    whole = (PACKAGE / "daybook.py").read_text("utf-8")
    parts = [block.text for block in CODE if block.text in whole]
    assert "\n\n\n".join(parts) + "\n" == whole


def test_the_entry_points_and_the_texts_of_the_page_are_those_of_the_package() -> None:
    [texts, points] = [block.text for block in blocks(PAGE) if block.language == "ini"]
    real = tomllib.loads((PACKAGE / "daybook_texts.toml").read_text("utf-8"))
    assert tomllib.loads(texts)["en"].items() <= real["en"].items()
    [metadata] = INSTALLED.glob("*.dist-info/entry_points.txt")
    parser = configparser.ConfigParser()
    parser.read(metadata)
    told = tomllib.loads(points)["project"]["entry-points"]["weighbridge.targets"]
    assert told == dict(parser["weighbridge.targets"])
