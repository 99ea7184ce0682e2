"""All processes of a home together make at most 120 calls a minute."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.errors import RetryLater, StateProblem
from weighbridge.withings import budget as budget_module
from weighbridge.withings.budget import CALLS, SECONDS, Budget
from withings_memory import Clock


def budget_of(home: Path, clock: Clock, patience: float = 30.0) -> Budget:
    home.mkdir(exist_ok=True)
    return Budget(home, clock=clock, sleep=clock.sleep, patience=patience)


def test_what_fits_into_a_minute_does_not_wait(tmp_path: Path) -> None:
    clock = Clock()
    budget = budget_of(tmp_path, clock)
    for _ in range(CALLS):
        budget.spend()
    assert clock.naps == []


def test_one_call_too_many_waits_until_the_oldest_is_a_minute_old(tmp_path: Path) -> None:
    clock = Clock()
    budget = budget_of(tmp_path, clock)
    for _ in range(CALLS):
        budget.spend()
        clock.now += 0.3
    budget.spend()
    assert clock.naps == pytest.approx([SECONDS - CALLS * 0.3])


def test_nobody_waits_longer_than_the_patience(tmp_path: Path) -> None:
    clock = Clock()
    budget = budget_of(tmp_path, clock)
    for _ in range(CALLS):
        budget.spend()
    with pytest.raises(RetryLater) as caught:
        budget.spend()
    assert caught.value.after == pytest.approx(SECONDS)
    assert clock.naps == []


def test_several_processes_share_the_budget(tmp_path: Path) -> None:
    clock = Clock()
    first, second = budget_of(tmp_path, clock), budget_of(tmp_path, clock, patience=61.0)
    for _ in range(CALLS - 1):
        first.spend()
    second.spend()
    second.spend()
    assert clock.naps == [SECONDS]


def test_a_clock_that_was_set_back_holds_nobody_up(tmp_path: Path) -> None:
    clock = Clock()
    budget = budget_of(tmp_path, clock)
    for _ in range(CALLS):
        budget.spend()
    clock.now -= 86_400
    budget.spend()
    assert clock.naps == []


def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    clock = Clock()
    budget = budget_of(tmp_path, clock)
    budget.spend()
    (tmp_path / "run" / "withings-calls").write_bytes(b"half")
    budget.spend()
    assert len((tmp_path / "run" / "withings-calls").read_bytes()) == 8 * CALLS


def test_a_process_that_holds_the_file_is_waited_for_and_then_nobody_must_do_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget_module, "LOCK_SECONDS", 0.05)
    (tmp_path / "run").mkdir()
    held = FileLock(tmp_path / "run" / "withings-calls.lock")
    with held, pytest.raises(RetryLater, match="Another process"):
        budget_of(tmp_path, Clock()).spend()


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("not a folder")
    with pytest.raises(StateProblem, match="run"):
        budget_of(tmp_path, Clock()).spend()


@given(st.lists(st.floats(0, 5), min_size=CALLS, max_size=CALLS * 3))
@settings(max_examples=15, deadline=None)
def test_no_minute_ever_has_more_calls_than_allowed(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float]
) -> None:
    clock = Clock()
    budget = budget_of(tmp_path_factory.mktemp("home"), clock, patience=SECONDS + 1)
    times = []
    for pause in pauses:
        budget.spend()
        times.append(clock.now)
        clock.now += pause
    later = zip(times, times[CALLS:], strict=False)
    assert all(end - begin >= SECONDS - 1e-6 for begin, end in later)
