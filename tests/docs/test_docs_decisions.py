"""Each decision has a number of its own, and the list of decisions names every page once."""

from __future__ import annotations

import re

from fixtures.docs_reader import DOCS

FOLDER = DOCS / "decisions"
PAGES = sorted(path.name for path in FOLDER.glob("[0-9]*.md"))


def test_no_two_decisions_have_one_number_and_none_is_left_out() -> None:
    numbers = [int(name[:4]) for name in PAGES]
    assert numbers == list(range(1, len(PAGES) + 1))


def test_the_heading_of_a_decision_has_the_number_of_its_file() -> None:
    for name in PAGES:
        heading = (FOLDER / name).read_text("utf-8").partition("\n")[0]
        assert re.match(rf"# {int(name[:4])}\. \S", heading), name


def test_the_list_names_every_decision_in_order() -> None:
    listed = re.findall(r"^- \[(\d{4})\]\((\S+)\) \S", (FOLDER / "README.md").read_text(), re.M)
    assert [name for _, name in listed] == PAGES
    assert all(name.startswith(number) for number, name in listed)
