"""Garmin's answers as decisions: no network, every status."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, Problem, Refused, RetryLater
from weighbridge.targets.garmin.garmin_answers import (
    PAUSE_SECONDS,
    check_upload,
    pressure_reference,
    trouble_of_read,
    trouble_of_write,
)
from weighbridge.targets.http import HttpAnswer

DUPLICATE = {"messages": [{"code": 202, "content": "Duplicate Activity."}], "internalId": 7}
BROKEN = {"messages": [{"code": 415, "content": "The file is of a type we do not support."}]}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def upload_answer(status: int, *failures: Any) -> HttpAnswer:
    report = {"uploadId": 1, "successes": [], "failures": list(failures)}
    return HttpAnswer(status, msgspec.json.encode({"detailedImportResult": report}))


def outcome_of(answer: HttpAnswer) -> type[Problem] | None:
    try:
        check_upload(answer)
    except Problem as problem:
        return type(problem)
    return None


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_upload_without_failures_was_taken(status: int) -> None:
    assert outcome_of(upload_answer(status)) is None


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_failure_inside_a_good_status_is_a_refusal_in_garmins_words(status: int) -> None:
    with pytest.raises(Refused, match="a type we do not support"):
        check_upload(upload_answer(status, BROKEN))


def test_a_duplicate_inside_a_good_status_is_there_already() -> None:
    assert outcome_of(upload_answer(202, DUPLICATE)) is None


def test_a_duplicate_does_not_hide_another_failure() -> None:
    assert outcome_of(upload_answer(202, DUPLICATE, BROKEN)) is Refused


@pytest.mark.parametrize("failure", [{}, {"messages": None}, {"messages": []}, "odd", None])
def test_a_failure_without_words_is_a_refusal_all_the_same(failure: Any) -> None:
    assert outcome_of(upload_answer(201, failure)) is Refused


@pytest.mark.parametrize(
    ("status", "decision"),
    [
        (302, RetryLater),
        (400, Refused),
        (401, LoginNeeded),
        (402, RetryLater),
        (403, RetryLater),
        (404, RetryLater),
        (406, Refused),
        (409, None),
        (412, Refused),
        (413, Refused),
        (415, Refused),
        (429, RetryLater),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, RetryLater),
        (504, OutcomeUnknown),
    ],
)
def test_each_status_of_an_upload_has_its_decision(
    status: int, decision: type[Problem] | None
) -> None:
    assert outcome_of(upload_answer(status, DUPLICATE if status == 409 else BROKEN)) is decision


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"detailedImportResult":null}'])
def test_a_good_status_without_the_envelope_proves_nothing(body: bytes) -> None:
    assert outcome_of(HttpAnswer(202, body)) is OutcomeUnknown


@given(st.integers(100, 599), st.binary(max_size=30) | json_values.map(msgspec.json.encode))
def test_no_answer_is_a_surprise(status: int, body: bytes) -> None:
    answer = HttpAnswer(status, body)
    outcome_of(answer)
    for decide in (trouble_of_read, trouble_of_write):
        assert isinstance(decide(answer, "it"), Problem)
        assert decide(answer, "it").remedy


@given(st.integers(100, 599), json_values)
def test_a_read_never_refuses_and_never_leaves_doubt(status: int, content: Any) -> None:
    answer = HttpAnswer(status, msgspec.json.encode(content))
    assert isinstance(trouble_of_read(answer, "it"), (RetryLater, LoginNeeded))


@given(json_values, st.sampled_from([200, 201, 202]))
def test_only_an_envelope_without_failures_counts_as_taken(content: Any, status: int) -> None:
    answer = HttpAnswer(status, msgspec.json.encode({"detailedImportResult": content}))
    clean = isinstance(content, dict) and not content.get("failures")
    assert (outcome_of(answer) is None) == clean


def test_garmin_is_left_alone_for_a_quarter_of_an_hour_after_429() -> None:
    problem = trouble_of_write(HttpAnswer(429), "file")
    assert isinstance(problem, RetryLater)
    assert problem.after == PAUSE_SECONDS == 15 * 60.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, PAUSE_SECONDS),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "soon"}, PAUSE_SECONDS),
        ({"retry-after": "-5"}, PAUSE_SECONDS),
        ({"retry-after": "Fri, 20 Nov 2026 12:05:00 GMT"}, PAUSE_SECONDS),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 12:05:00 GMT",
                "date": "Fri, 20 Nov 2026 12:00:00 GMT",
            },
            300.0,
        ),
        (
            {
                "retry-after": "Fri, 20 Nov 2026 11:00:00 GMT",
                "date": "Fri, 20 Nov 2026 12:00:00 GMT",
            },
            0.0,
        ),
    ],
)
def test_the_pause_is_the_one_asked_for_or_a_quarter_of_an_hour(
    headers: dict[str, str], seconds: float
) -> None:
    problem = trouble_of_write(HttpAnswer(429, headers=tuple(headers.items())), "it")
    assert isinstance(problem, RetryLater)
    assert problem.after == seconds


def test_a_blood_pressure_is_known_by_its_version_and_its_local_day() -> None:
    body = {"version": 1772323200123, "measurementTimestampLocal": "2026-03-01T00:15:00.0"}
    answer = HttpAnswer(200, msgspec.json.encode(body))
    assert pressure_reference(answer) == "1772323200123:2026-03-01"


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"version":"x"}', b'{"version":1}'])
def test_a_blood_pressure_answer_without_a_version_leaves_doubt(body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        pressure_reference(HttpAnswer(200, body))


def test_a_blood_pressure_that_is_there_already_is_delivered() -> None:
    assert pressure_reference(HttpAnswer(409)) == ""


def test_a_long_complaint_is_cut() -> None:
    answer = upload_answer(415, {"messages": [{"code": 1, "content": "x" * 5000}]})
    with pytest.raises(Refused) as caught:
        check_upload(answer)
    assert len(str(caught.value)) < 500
