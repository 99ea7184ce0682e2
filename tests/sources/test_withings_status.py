"""Every status leads to one decision (docs/reference/withings-api.md#status-codes)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.paths import ROOT
from weighbridge.core.errors import ConfigProblem, ExitCode, LoginNeeded, Problem, RetryLater
from weighbridge.sources.withings.wire import (
    LONGEST_WAIT,
    CodeExpired,
    NotUnderstood,
    RefreshRefused,
    TokenRefused,
    TooManyCalls,
    problem_of,
    problem_of_http,
)


@pytest.mark.parametrize("status", [100, 101, 102, 200, 401])
def test_a_refused_access_token_may_be_renewed(status: int) -> None:
    assert type(problem_of(status)) is TokenRefused


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Invalid Params: invalid refresh_token", RefreshRefused),
        ("Invalid Params: invalid code", CodeExpired),
        ("Invalid Params lastupdate is too high:[1513122315]", NotUnderstood),
        ("", NotUnderstood),
    ],
)
def test_only_the_text_of_a_503_tells_what_is_dead(text: str, kind: type[Problem]) -> None:
    assert type(problem_of(503, text)) is kind


@pytest.mark.parametrize("status", [214, 277, 2553, 2554, 2555])
def test_a_service_that_is_not_for_us_is_a_matter_of_configuration(status: int) -> None:
    assert isinstance(problem_of(status), ConfigProblem)


@pytest.mark.parametrize(
    "status", [201, 213, 216, 218, 225, 246, 293, 294, 304, 323, 353, 511, 3019]
)
def test_wrong_parameters_are_not_repeated(status: int) -> None:
    problem = problem_of(status, "text of the service")
    assert type(problem) is NotUnderstood
    assert problem.exit_code is ExitCode.LOOK
    assert "text of the service" in str(problem)


def family(name: str) -> set[int]:
    """The codes of a family, as docs/reference/withings-api.md#status-codes lists them."""
    text = (ROOT / "docs" / "reference" / "withings-api.md").read_text("utf-8")
    (row,) = re.findall(rf"^\| {name} \| (.*) \|$", text, re.M)
    parts = [part.split("\N{EN DASH}") for part in row.split(", ")]
    return {code for part in parts for code in range(int(part[0]), int(part[-1]) + 1)}


def test_the_wrong_parameters_are_those_that_the_reference_lists() -> None:
    one_by_one = {293, 343}  # of a notification; another table of the page says more
    found = {code for code in range(4000) if type(problem_of(code)) is NotUnderstood}
    assert found - one_by_one == family("invalid parameters") - one_by_one


@pytest.mark.parametrize(
    "status", [215, 219, 222, 224, 226, 305, 322, 354, 522, 524, 2551, 9000, 77777, -3]
)
def test_outages_and_what_nobody_knows_are_tried_again(status: int) -> None:
    assert type(problem_of(status)) is RetryLater


@pytest.mark.parametrize(
    ("text", "told", "wait"),
    [
        ("Same arguments in less than 10 seconds", None, 10),
        ("Same arguments in less than 10 seconds", 3, 10),
        ("Same arguments in less than 10 seconds", 188, 188),
        ("Too Many Requests", None, 60),
        ("Too many requests", 20, 60),
        ("Too Many Requests", 90, 90),
        ("", 1e12, LONGEST_WAIT),
        ("", -5, 10),
    ],
)
def test_601_says_how_long_to_wait(text: str, told: float | None, wait: float) -> None:
    problem = problem_of(601, text, told)
    assert isinstance(problem, TooManyCalls)
    assert problem.wait == problem.after == wait


def test_http_429_waits_a_minute_or_what_it_asks_for() -> None:
    short, long = problem_of_http(429), problem_of_http(429, 300)
    assert isinstance(short, TooManyCalls)
    assert isinstance(long, TooManyCalls)
    assert (short.wait, long.wait) == (60, 300)


@pytest.mark.parametrize("code", [300, 302, 307, 500, 502, 503, 504, 599])
def test_an_http_outage_is_tried_again(code: int) -> None:
    assert type(problem_of_http(code)) is RetryLater


def test_an_outage_may_name_its_end() -> None:
    problem = problem_of_http(503, 120)
    assert isinstance(problem, RetryLater)
    assert problem.after == 120


@pytest.mark.parametrize("code", [200, 400, 401, 403, 404])
def test_other_http_answers_leave_the_decision_to_the_body(code: int) -> None:
    assert problem_of_http(code) is None


@given(st.integers(), st.text(max_size=80), st.none() | st.floats(allow_nan=False))
def test_every_status_is_a_decision_with_something_to_do(
    status: int, text: str, wait: float | None
) -> None:
    problem = problem_of(status, text, wait)
    assert isinstance(problem, Problem)
    # Who must log in is known to the caller only, so the remedy of a dead login comes from there.
    assert problem.remedy or type(problem) in {TokenRefused, RefreshRefused}
    if isinstance(problem, TooManyCalls):
        assert 10 <= problem.wait <= LONGEST_WAIT


def test_a_dead_login_is_a_login_problem() -> None:
    assert all(
        issubclass(kind, LoginNeeded) for kind in (TokenRefused, RefreshRefused, CodeExpired)
    )
