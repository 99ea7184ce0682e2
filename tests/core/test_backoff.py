"""The wait doubles with each failure, and has an end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.core.errors import backoff


def test_the_wait_doubles_up_to_an_end() -> None:
    assert [backoff(number, 60, 500) for number in (1, 2, 3, 4, 5)] == [60, 120, 240, 480, 500]


@given(st.integers(0, 10**9), st.floats(0.001, 1e4), st.floats(0.001, 1e6))
def test_it_is_never_longer_than_the_longest_and_never_shrinks(
    failures: int, first: float, longest: float
) -> None:
    wait = backoff(failures, first, longest)
    assert 0 < wait <= longest
    assert wait <= backoff(failures + 1, first, longest)
