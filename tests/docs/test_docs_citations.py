"""Every fact that the code takes from a page stands on that page, under the heading it names.

A citation is a path and a heading as in a link: ``docs/reference/garmin.md#uploads``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.docs_reader import DOCS, ROOT, anchors

CITATION = re.compile(r"\bdocs/[\w/.-]+?\.md\b(?:#[\w-]+)?")
OF_A_SERVICE = {"withings-api.md", "garmin.md", "trainerroad.md", "home-assistant.md"}
"""Pages of facts about others. They are long, so who cites one names a heading."""
LOOSE = re.compile(
    r"""(?ix)
    \breference,?\s+(?:sections?\s+)?\d             # the reference, section 3.4; reference, 3.1
    | \b(?:withings|garmin|mqtt|targets)\s+reference\b
    | \bdesign,?\s+section
    | \(\s*sections?\s+\d                           # a bare (section 4)
    | \bsections?\s+[\d.]+\s+of\s+the\b
    | \bof\s+section\s+\d
    """
)
"""Citations that nobody can follow. Sections of public documents have the document in front."""
FOLDERS = ("src", "tests", "contrib", "benchmarks", "scripts")
SUFFIXES = {"", ".py", ".sql", ".md", ".yaml", ".yml", ".html", ".js", ".css"}


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix in SUFFIXES and path != Path(__file__):
                yield path


def prose(text: str) -> str:
    """The text with comments that go over several lines in one piece."""
    return re.sub(r"\n[ \t]*#[ \t]*", " ", text)


def wrong_with(text: str) -> list[str]:
    """What is wrong with the citations in a text, one sentence for each."""
    found = [f"loose: {' '.join(match[0].split())}" for match in LOOSE.finditer(prose(text))]
    for citation in CITATION.findall(text):
        name, _, anchor = citation.partition("#")
        page = ROOT / name
        if not page.is_file():
            found.append(f"no such page: {citation}")
        elif anchor and anchor not in anchors(page):
            found.append(f"no such heading: {citation}")
        elif not anchor and page.parent.name == "reference" and page.name in OF_A_SERVICE:
            found.append(f"without a heading: {citation}")
    return found


def test_every_citation_names_a_page_and_a_heading_that_exist() -> None:
    wrong = {str(path.relative_to(ROOT)): wrong_with(path.read_text("utf-8")) for path in sources()}
    assert not {name: found for name, found in wrong.items() if found}


def test_citations_are_found() -> None:
    cited = {c for path in sources() for c in CITATION.findall(path.read_text("utf-8"))}
    assert {"docs/reference/garmin.md#uploads", "docs/reference/withings-api.md#tokens"} <= cited
    assert {citation.partition("#")[0].rpartition("/")[2] for citation in cited} >= OF_A_SERVICE


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('"""Seconds (docs/reference/garmin.md#uplods)."""', "no such heading"),
        ('"""Seconds (docs/reference/garmin-connect.md#uploads)."""', "no such page"),
        ('"""Seconds (docs/reference/garmin.md)."""', "without a heading"),
        ('"""Seconds (reference, section 3.4)."""', "loose"),
        ('"""Seconds (Withings reference,\nsections 3 and 4)."""', "loose"),
        ("# Seconds (the Garmin\n    # reference, 3.1).", "loose"),
        ('"""Where it stands (design, section 4)."""', "loose"),
        ('"""Seconds (section 3)."""', "loose"),
        ('"""Section 8.2 of the reference."""', "loose"),
    ],
)
def test_a_citation_that_leads_nowhere_is_noticed(text: str, what: str) -> None:
    (found,) = wrong_with(text)
    assert found.startswith(what)


@pytest.mark.parametrize(
    "text",
    [
        '"""Seconds (docs/reference/garmin.md#uploads)."""',
        '"""No means no (RFC 9110, section 12.5.3)."""',
        '"""As in docs/how-to/watch.md."""',
        "reference: str  # of the delivery",
    ],
)
def test_what_can_be_followed_is_left_alone(text: str) -> None:
    assert not wrong_with(text)


def test_every_page_of_reference_is_linked_from_the_first_page_of_docs() -> None:
    first = (DOCS / "README.md").read_text("utf-8")
    linked = set(re.findall(r"\]\((reference/[\w-]+\.md)\)", first))
    assert linked == {f"reference/{page.name}" for page in (DOCS / "reference").glob("*.md")}
