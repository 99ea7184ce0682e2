"""Two people with readings in their archives and targets for them, and the pages about it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from cli_world import House
from history_world import DAY, fill
from pages_world import Answer, Site, Visitor, read_html
from weighbridge.measures import MeasureGroup
from weighbridge.pipeline import advance, catch_up
from weighbridge.plan.state import State
from weighbridge.testing.builders import NOON, group

NOW = NOON + 2.0 * DAY
TABLE = 'name = "table"\npath = "anna.json"\nsince = 2000-01-01\nsettle = 0'
GARMIN = "since = 2000-01-01\nsettle = 0"
FRESH = 'name = "fresh"\npath = "fresh.json"'
BENS = 'name = "box"\npath = "ben.json"\nsince = 2000-01-01\nsettle = 0'

PLAIN = group({1: "72.400", 6: "21.3"}, group_id=1)
CUFF = group({9: "76", 10: "118", 11: "61"}, group_id=2, taken_at=NOON - DAY, device="cuff")
DOUBTFUL = group({1: "71.77"}, group_id=3, taken_at=NOON - 2 * DAY, attribution=1)
TWICE = group({1: "71.66"}, group_id=4, taken_at=NOON - 3 * DAY, attribution=1)
OF_BEN = group({1: "88.888"}, group_id=11, taken_at=NOON - DAY)


class Row(msgspec.Struct, frozen=True):
    """A reading in the list."""

    text: str
    address: str
    where: Sequence[str]
    """Target and state of each delivery."""


class Deliveries(Site):
    """The pages, and words to look at the ledger."""

    def deliver(self, *people: str) -> None:
        """What the server does when it is woken."""
        for person in people or ("anna", "ben"):
            with self.parts().open() as workplace:
                road = workplace.road(workplace.settings.person(person), heeds_backoff=True)
                advance(road, asking=False)
                catch_up(road)

    def reading(self, one: MeasureGroup, person: str = "anna") -> str:
        """The name of the reading that a group became."""
        ((name,),) = self.house.database(
            "SELECT DISTINCT d.reading_id FROM delivery AS d JOIN route AS r ON r.id = d.route"
            " WHERE r.person = ? AND d.taken_at = ?",
            *(person, one.taken_at),
        )
        return str(name)

    def address(self, one: MeasureGroup, person: str = "anna") -> str:
        """The path of its page."""
        return f"/deliveries/{person}/{self.reading(one, person)}"

    def states(self, one: MeasureGroup, person: str = "anna") -> dict[str, str]:
        """Target → state of the newest delivery."""
        return dict(
            self.house.database(
                "SELECT r.target, d.state FROM delivery AS d JOIN route AS r ON r.id = d.route"
                " WHERE r.person = ? AND d.taken_at = ? ORDER BY d.ordinal",
                *(person, one.taken_at),
            )
        )

    def change(
        self, one: MeasureGroup, state: State, target: str = "table", **columns: Any
    ) -> None:
        """Have a delivery stand as somebody else left it."""
        values = {"state": state.value, **columns}
        settings = ", ".join(f"{name} = :{name}" for name in values)
        with self.parts().open() as workplace:
            workplace.database._connection.execute(
                f"UPDATE delivery SET {settings} WHERE taken_at = :at AND route IN"
                " (SELECT id FROM route WHERE target = :target)",
                {**values, "at": one.taken_at, "target": target},
            )

    def keep(self) -> None:
        """Remember the home folder as it is."""
        self._files = {path: path.read_bytes() for path in self.house.home.glob("*.json")}
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)
        with self.parts().open() as workplace:
            workplace.database._connection.backup(self._kept)

    def restore(self) -> None:
        """Have it as it was remembered, and nobody woken."""
        for path in self.house.home.glob("*.json"):
            path.unlink()
        for path, content in self._files.items():
            path.write_bytes(content)
        with self.parts().open() as workplace:
            self._kept.backup(workplace.database._connection)
        self.now = NOW
        self.woken.clear()

    def lines(self, name: str = "anna.json") -> list[str]:
        """The readings in a file."""
        path = self.house.home / name
        text = path.read_text() if path.exists() else ""
        return [json.loads(line)["id"] for line in text.splitlines()]


@contextmanager
def deliveries(home: Path, kind: type[Deliveries] = Deliveries) -> Iterator[Deliveries]:
    """Anna with two files and Garmin, where she is not signed in; Ben with a file. All is planned,
    and what can be delivered has been.
    """
    house = House(home)
    try:
        house.person("anna")
        for target, options in (("file", TABLE), ("file", FRESH), ("garmin", GARMIN)):
            house.target("anna", target, options)
        house.person("ben")
        house.target("ben", "file", BENS)
        with kind(house) as made:
            made.now = NOW
            with made.parts().open() as workplace:
                fill(workplace.database, "anna", [PLAIN, CUFF, DOUBTFUL, TWICE])
                fill(workplace.database, "ben", [OF_BEN])
            made.deliver()
            made.keep()
            yield made
            made._kept.close()
    finally:
        house.close()


def rows_of(answer: Answer) -> list[Row]:
    """The list of a page, which must be correct HTML."""
    assert answer.status == 200, answer.text
    root = read_html(answer.text)
    return [
        Row(
            " ".join("".join(item.itertext()).split()),
            next((link.attrib["href"] for link in item.iter("a")), ""),
            [_where(line) for line in item.findall("ul/li")],
        )
        for found in root.iter("ul")
        if found.attrib.get("class") == "deliveries"
        for item in found.findall("li")
    ]


def _where(line: Any) -> str:
    target, state, *_ = line.findall("span")
    return f"{target.text} {state.text}"


def forms_of(answer: Answer) -> list[dict[str, Any]]:
    """The forms of the page about deliveries: where they lead, hidden fields, words of buttons."""
    return [
        {
            "path": urlsplit(form.attrib["action"]),
            "fields": {
                one.attrib["name"]: one.attrib["value"]
                for one in form.iter("input")
                if one.attrib.get("type") == "hidden"
            },
            "buttons": {
                one.attrib.get("value", ""): "".join(one.itertext()) for one in form.iter("button")
            },
        }
        for form in read_html(answer.text).iter("form")
        if form.attrib["action"].startswith("/deliveries") and form.attrib["method"] == "post"
    ]


def press(visitor: Visitor, page: Answer, decision: str = "", form: int = 0) -> Answer:
    """Press a button of a page."""
    found = forms_of(page)[form]
    assert decision in found["buttons"]
    fields = found["fields"] | ({"decision": decision} if decision else {})
    path = found["path"]
    return visitor.post(f"{path.path}?{path.query}", **fields)


def press_and_see(visitor: Visitor, path: str, decision: str, form: int = 0) -> Answer:
    """Press a button of the page at a path, and go where that leads."""
    answer = press(visitor, visitor.get(path), decision, form)
    assert answer.status == 303, answer.text
    return visitor.get(answer.place)
