"""``weighbridge show``: a table that fits a terminal, a trend, and exact lines for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from fixtures.cli import NOON, PLAIN, World, family, group, run_here, weight
from weighbridge.cli.show import BARS, sparkline


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = family(tmp_path_factory.mktemp("family") / "home")
    # What no scale has ever shown, and more than one line of the table could hold.
    made.house.admin.add_groups(
        "ben",
        [
            group(21, NOON + 7 * 86_400, (1, 7, 9)),
            weight(22, NOON + 8 * 86_400, "101.55", tz="Nowhere/Never"),
            group(23, NOON + 9 * 86_400, (9, 101, 0), (10, 189, 0), (11, 101, 0), device="cuff"),
        ],
    )
    made.run("sync", "--person", "ben", expect=0)
    yield made
    made.house.close()


def test_the_newest_readings_are_in_a_table_in_the_zone_of_the_person(world: World) -> None:
    out = world.run("show", "--person", "anna", expect=0).out
    name, heads, first, second, *_ = out.splitlines()
    assert name == "anna"
    assert heads.split() == ["time", "kg", "fat", "%", "mmHg", "pulse", "reading"]
    assert first.split() == ["2024-03-10", "12:00", "72.40", "21.3", world.reading(PLAIN)]
    assert second.split()[:4] == ["2024-03-10", "13:00", "118/76", "61"]
    assert "2024-03-13 00:00  71.90" in out, "midnight in Paris is the next day"


def test_every_line_fits_eighty_columns(world: World) -> None:
    for line in world.run("show", expect=0).out.splitlines():
        assert len(line) <= 80, line


def test_last_counts_readings(world: World) -> None:
    out = world.run("show", "--person", "anna", "--last", "2", expect=0).out
    assert out.splitlines()[2:] == [
        f"2024-03-13 00:00  71.90  {world.reading({'grpid': 5})}",
        f"2024-03-15 12:00  71.50  {world.reading({'grpid': 6})}",
        f"weight  {BARS[7]}{BARS[0]}",
        "        71.5 to 71.9 kg, change -0.4 kg",
    ]
    world.run("show", "--last", "0", expect=2)


def test_an_impossible_number_leaves_its_cell_empty(world: World) -> None:
    out = world.run("show", "--person", "ben", expect=0).out
    odd = next(line for line in out.splitlines() if line.startswith("2024-03-17"))
    assert odd.split()[2:] == [world.reading({"grpid": 21}, "ben")]
    assert "  189/101    101  " in out
    assert "88.1 to 101.6 kg, change +13.3 kg" in out, "half up, never to even"


def test_several_people_have_a_table_each(world: World) -> None:
    out = world.run("show", expect=0).out
    assert out.startswith("anna\n")
    assert "\n\nben\n" in out


def test_for_scripts_the_lines_are_those_of_the_export(world: World) -> None:
    shown = world.run("show", "--last", "100", "--json", expect=0).out
    assert shown == world.run("export", "--format", "json", expect=0).out
    first = shown.splitlines()[0]
    assert '"weight_kg":72.400,' in first, "exactly the digits that Withings sent"
    assert json.loads(first)["bmi"] == 25.1


def test_one_person_without_readings_does_not_hide_another(world: World, tmp_path: Path) -> None:
    text = (world.home / "weighbridge.toml").read_text("utf-8")
    (tmp_path / "weighbridge.toml").write_text(text + '\n[[person]]\nname = "carl"\n', "utf-8")
    (tmp_path / "weighbridge.db").write_bytes((world.home / "weighbridge.db").read_bytes())
    result = run_here(tmp_path, "show", expect=0)
    assert "anna\n" in result.out
    assert result.err == "There are no readings of carl yet. Run: weighbridge sync\n"


def test_a_terminal_without_block_characters_gets_no_chart(world: World) -> None:
    result = world.start("show", "--person", "anna", env={"PYTHONIOENCODING": "ascii"}, expect=0)
    assert "71.5 to 72.4 kg" in result.out
    assert "weight  " not in result.out
    assert result.out.isascii()


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        (["70", "71", "72"], "▁▅█"),
        (["70.0", "70"], "▄▄"),
        (["72", "70.00", "71.999"], "█▁█"),
    ],
)
def test_the_lowest_and_the_highest_value_span_the_chart(values: list[str], bars: str) -> None:
    assert sparkline([Decimal(value) for value in values]) == bars
