"""Whatever a page leads to is there."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from fixtures.web_server import Visitor

if TYPE_CHECKING:
    from fixtures.pages_household import Home

ENOUGH = 400


def test_every_link_of_every_page_leads_somewhere(family: Home) -> None:
    """One of each sort: the same path with the same names in its query is the same sort."""
    address = urlsplit(family.url)
    visitor = Visitor(address.port or 0, address.netloc, {})
    visitor.sign_in(family.token)
    waiting, known = ["/"], {("/", "")}
    for path in waiting:
        assert len(waiting) < ENOUGH
        answer = visitor.get(path)
        assert answer.status in (200, 303), path
        for link in re.findall(r'(?:href|src|data-card|data-chart)="(/[^"]*)"', answer.text):
            sort = _sort_of(unescape(link))
            if sort not in known:
                known.add(sort)
                waiting.append(unescape(link))
    paths = {path for path, _ in known}
    assert {"/history/david", "/diary/clara", "/connect/ben/garmin", "/deliveries"} <= paths


def _sort_of(link: str) -> tuple[str, str]:
    parts = urlsplit(link)
    path = re.sub(r"/deliveries/(?!all)[^/].*", "/deliveries/one", parts.path)
    return path, " ".join(sorted(parse_qs(parts.query, keep_blank_values=True)))
