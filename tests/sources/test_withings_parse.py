"""Answers of getmeas, taken apart: tolerant where nothing is lost, strict where it would be."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.paths import RECORDED
from weighbridge.core.errors import RetryLater
from weighbridge.core.measures import Measurement
from weighbridge.sources.base import OddGroup
from weighbridge.sources.withings.kind import parse_group, parse_page

RECORDINGS = sorted(RECORDED.glob("getmeas-*.json"))
WEIGHT = {"value": 80_094, "type": 1, "unit": -3}
recorded = pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded answers are not here")


def body(**fields: Any) -> bytes:
    content = {"updatetime": 100, "timezone": "Europe/Oslo", "measuregrps": [], **fields}
    return json.dumps({k: v for k, v in content.items() if v is not ...}).encode()


def group(**fields: Any) -> bytes:
    content = {"grpid": 7, "attrib": 0, "date": 50, "category": 1, "measures": [WEIGHT], **fields}
    return json.dumps({k: v for k, v in content.items() if v is not ...}).encode()


# Pages


def test_a_page_keeps_each_group_alone_and_unparsed() -> None:
    page = parse_page(body(measuregrps=[{"grpid": 1}, "not even an object", 7, None]))
    assert [bytes(raw) for raw in page.groups] == [
        b'{"grpid": 1}',
        b'"not even an object"',
        b"7",
        b"null",
    ]
    assert (page.updatetime, page.timezone, page.last) == (100, "Europe/Oslo", True)


@pytest.mark.parametrize("more", [1, True, "1", 2])
def test_more_may_be_a_number_or_a_boolean(more: Any) -> None:
    page = parse_page(body(more=more, offset=300))
    assert (page.last, page.offset) == (False, 300)


@pytest.mark.parametrize("more", [0, False, None, "0", "", ...])
def test_without_more_the_page_is_the_last_one(more: Any) -> None:
    page = parse_page(body(more=more, offset=300))
    assert (page.last, page.offset) == (True, None)


@pytest.mark.parametrize("offset", [..., None, 0, -1, "soon", "", True, 1.5, [], "١٢"])
def test_more_without_a_usable_offset_is_told(offset: Any) -> None:
    page = parse_page(body(more=1, offset=offset))
    assert (page.last, page.offset) == (False, None)


def test_numbers_may_come_as_text() -> None:
    page = parse_page(body(updatetime="100", more=1, offset="300"))
    assert (page.updatetime, page.offset) == (100, 300)


@pytest.mark.parametrize(("groups", "found"), [([], 0), ({}, 0), ({"0": {}, "2": {}}, 2)])
def test_a_list_may_be_written_the_php_way(groups: Any, found: int) -> None:
    assert len(parse_page(body(measuregrps=groups)).groups) == found


@pytest.mark.parametrize(
    "unusable",
    [b"", b"[]", b"{}", b"null", b'"text"', b"{", body(measuregrps=...), body(measuregrps=None),
     body(updatetime=...), body()[:-4], b"[" * 100_000, b'{"x":' * 100_000],
)  # fmt: skip
def test_half_an_answer_is_asked_for_again(unusable: bytes) -> None:
    with pytest.raises(RetryLater, match="not complete"):
        parse_page(unusable)


# Groups


def test_a_group_is_read_exactly() -> None:
    told = parse_group(
        group(
            created=60, modified=70, deviceid="d1", hash_deviceid="d1", model="Body+", modelid=5,
            comment=None, measures=[{**WEIGHT, "algo": 0, "fm": 131, "position": 7}],
        ),
        zone="Europe/Oslo",
    )  # fmt: skip
    assert told.measurements == (Measurement(1, 80_094, -3, 7),)
    assert told.measurements[0].value == Decimal("80.094")
    assert (told.group_id, told.taken_at, told.stored_at, told.updated_at) == (7, 50, 60, 70)
    assert (told.device, told.model, told.timezone) == ("d1", "Body+", "Europe/Oslo")
    assert (told.attribution, told.category) == (0, 1)


def test_the_groups_own_zone_wins() -> None:
    assert parse_group(group(timezone="Asia/Tokyo"), zone="Europe/Oslo").timezone == "Asia/Tokyo"
    assert parse_group(group(timezone=None), zone="Europe/Oslo").timezone == "Europe/Oslo"
    assert parse_group(group(timezone=""), zone=None).timezone is None


@pytest.mark.parametrize("absent", [None, "", ...])
def test_a_manual_entry_has_no_device(absent: Any) -> None:
    told = parse_group(group(deviceid=absent, hash_deviceid=absent, model=absent), zone=None)
    assert (told.device, told.model) == (None, None)


def test_absent_times_are_none_and_not_zero() -> None:
    told = parse_group(group(created=None, modified=...), zone=None)
    assert (told.stored_at, told.updated_at) == (None, None)


def test_a_group_that_names_no_attribution_is_not_taken_for_certain() -> None:
    assert parse_group(group(attrib=...), zone=None).attribution == -1
    assert parse_group(group(attrib=10_009), zone=None).attribution == 10_009


def test_whole_numbers_may_come_as_text_in_groups_too() -> None:
    told = parse_group(
        group(grpid="7", date="50", measures=[{"value": "80094", "type": "1", "unit": "-3"}]),
        zone=None,
    )
    assert told == parse_group(group(), zone=None)


def test_unknown_types_pass_and_an_empty_group_is_a_group() -> None:
    odd = {"value": 1, "type": 99_999, "unit": 0, "algo_params": {"a": [1]}}
    assert parse_group(group(measures=[odd]), zone=None).measurements[0].type_code == 99_999
    assert parse_group(group(measures=[]), zone=None).measurements == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"null", b"7", b'"text"', b"[]", b"{}", b'{"grpid": 1', b"\xff", b'{"x":' * 100_000,
        group(grpid=...), group(grpid=None), group(grpid="x"), group(grpid=2**63),
        group(grpid=True),
        group(date=...), group(date=-1), group(date=10**12), group(date=1.5),
        group(measures=...), group(measures=None), group(measures={}), group(measures=[None]),
        group(measures=[WEIGHT, {"type": 1, "unit": 0}]),
        group(measures=[{**WEIGHT, "value": None}]), group(measures=[{**WEIGHT, "value": 80.5}]),
        group(measures=[{**WEIGHT, "value": 10**30}]), group(measures=[{**WEIGHT, "unit": -10**6}]),
        group(measures=[{**WEIGHT, "type": "weight"}]),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_odd_and_says_where(raw: bytes) -> None:
    with pytest.raises(OddGroup) as caught:
        parse_group(raw, zone=None)
    assert caught.value.reason


def test_the_reason_of_an_odd_group_shows_no_value() -> None:
    with pytest.raises(OddGroup) as caught:
        parse_group(group(measures=[{**WEIGHT, "value": "83 kilos"}]), zone=None)
    assert "83" not in caught.value.reason
    assert "measures[0].value" in caught.value.reason


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_any_json_is_a_group_or_odd(content: Any) -> None:
    with pytest.raises(OddGroup):
        parse_group(json.dumps(content).encode(), zone=None)


fields = st.sampled_from(
    [
        "grpid",
        "date",
        "measures",
        "attrib",
        "category",
        "created",
        "modified",
        "deviceid",
        "model",
        "timezone",
    ]
)


@given(fields, json_values)
def test_one_strange_field_never_breaks_more_than_its_group(name: str, content: Any) -> None:
    try:
        told = parse_group(group(**{name: content}), zone="UTC")
    except OddGroup:
        return
    assert msgspec.json.encode(told)


measures = st.lists(
    st.fixed_dictionaries(
        {
            "value": st.integers(-(2**63), 2**63 - 1),
            "type": st.integers(1, 400),
            "unit": st.integers(-6, 3),
        }
    ),
    max_size=12,
)


@given(measures)
def test_every_value_arrives_exactly_and_in_order(sent: list[dict[str, int]]) -> None:
    told = parse_group(group(measures=sent), zone=None).measurements
    assert [(m.type_code, m.mantissa, m.exponent) for m in told] == [
        (m["type"], m["value"], m["unit"]) for m in sent
    ]


# Recordings of the real service


def page_of(recording: Path) -> tuple[bytes, str | None]:
    """The body of a recording; some keep only the list of groups."""
    content = json.loads(recording.read_bytes())
    if isinstance(content, list):
        content = {"body": {"updatetime": 1, "measuregrps": content}}
    return json.dumps(content["body"]).encode(), content["body"].get("timezone")


@recorded
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.stem)
def test_every_recorded_group_is_understood_completely(recording: Path) -> None:
    content, zone = page_of(recording)
    page = parse_page(content)
    sent = json.loads(content)["measuregrps"]
    assert len(page.groups) == len(sent)
    for raw, original in zip(page.groups, sent, strict=True):
        told = parse_group(raw, zone=page.timezone)
        assert (told.group_id, told.taken_at) == (original["grpid"], original["date"])
        assert (told.stored_at, told.updated_at) == (
            original.get("created"),
            original.get("modified"),
        )
        assert (told.device, told.model) == (original.get("deviceid"), original.get("model"))
        assert (told.attribution, told.category) == (original["attrib"], original["category"])
        assert told.timezone == zone
        assert [(m.mantissa, m.type_code, m.exponent, m.position) for m in told.measurements] == [
            (m["value"], m["type"], m["unit"], m.get("position")) for m in original["measures"]
        ]


@recorded
def test_the_recorded_page_with_more_and_no_offset_is_not_the_last_one() -> None:
    content, _ = page_of(RECORDED / "getmeas-2018-more1-no-offset.json")
    page = parse_page(content)
    assert (page.last, page.offset, len(page.groups)) == (False, None, 3)


@recorded
def test_recorded_fragments_are_read_with_all_digits() -> None:
    snippet = json.loads((RECORDED / "snippet-measures-unit-minus6-2022.json").read_bytes())
    told = parse_group(group(measures=snippet["measures"]), zone=None)
    assert told.measurements[0].value == Decimal("53.800003")
