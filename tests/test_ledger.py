"""The ledger: each delivery is claimed once, whoever asks, and what is due can be trusted."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from weighbridge.archive.archive import END_OF_TIME, connect_account
from weighbridge.archive.database import Database, Row
from weighbridge.archive.decisions import (
    ALL_OF,
    Decision,
    decide_about,
    in_states,
    newest_of_reading,
)
from weighbridge.archive.ledger import FOR_EVER, Due, Ledger
from weighbridge.plan.planner import Add, Change, Older, State, Step
from weighbridge.testing.builders import NOON

OWED = 12


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database(tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, "anna", "garmin", NOON)


def add(
    ledger: Ledger,
    taken_at: int = NOON,
    *,
    ordinal: int = 0,
    state: State = State.PLANNED,
    settles_at: float = 0.0,
) -> int:
    """Write one delivery down; its row id."""
    name = f"reading-{taken_at}"
    step = Add(name, taken_at, ordinal, f"r{ordinal}", state, settles_at, None)
    with ledger.database.transaction():
        ledger.write_down([step], NOON)
    return ledger.known(taken_at, taken_at)[name].id


def due(ledger: Ledger, **changed: float) -> list[Due]:
    clocks = {"now": float(NOON), "cloud_now": float(NOON), "on_its_way_since": FOR_EVER}
    return ledger.due(100, start=0, **{**clocks, **changed})


def settle(ledger: Ledger, number: int, state: State, *, was: State, **fields: object) -> bool:
    return ledger.settle_up(number, was, state, now=NOON, **fields)  # type: ignore[arg-type]


def row_of(ledger: Ledger, number: int) -> Row:
    cursor = ledger.database._connection.execute("SELECT * FROM delivery WHERE id = ?", [number])
    row: Row = cursor.fetchone()
    return row


# Claims


def test_a_claim_is_written_down_before_anything_is_sent(ledger: Ledger) -> None:
    number = add(ledger)
    [claimed] = ledger.claim(due(ledger), NOON + 5)
    assert claimed.id == number
    row = row_of(ledger, number)
    assert (row["state"], row["attempts"], row["claimed_at"]) == (State.SENDING, 1, NOON + 5)


def test_what_is_claimed_cannot_be_claimed_again(ledger: Ledger) -> None:
    add(ledger)
    wanted = due(ledger)
    assert len(ledger.claim(wanted, NOON)) == 1
    assert ledger.claim(wanted, NOON) == []
    assert due(ledger) == []


def test_of_many_threads_exactly_one_gets_each_delivery(ledger: Ledger) -> None:
    for n in range(OWED):
        add(ledger, NOON + n)
    wanted = due(ledger)
    got: list[list[int]] = []
    start = threading.Barrier(6)

    def claim_all() -> None:
        with Database(ledger.database.home) as own:
            mine = Ledger(own, "anna", "garmin", NOON)
            start.wait(timeout=30)
            got.append([one.id for each in wanted for one in mine.claim([each], NOON)])

    threads = [threading.Thread(target=claim_all) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    claims = Counter(number for numbers in got for number in numbers)
    assert len(got) == 6
    assert claims == Counter(one.id for one in wanted)


CLAIM_ALL = """
import sys
from pathlib import Path
from weighbridge.archive.database import Database
from weighbridge.archive.ledger import Ledger

with Database(Path(sys.argv[1])) as database:
    ledger = Ledger(database, "anna", "garmin", 0)
    wanted = ledger.due(100, now=2**62, cloud_now=2**62, start=0)
    print("ready", flush=True)
    sys.stdin.readline()
    for one in wanted:
        for claimed in ledger.claim([one], 0):
            print(claimed.id, flush=True)
"""


def test_of_many_processes_exactly_one_gets_each_delivery(ledger: Ledger) -> None:
    expected = Counter(add(ledger, NOON + n) for n in range(OWED))
    command = [sys.executable, "-c", CLAIM_ALL, str(ledger.database.home)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    claimants = [subprocess.Popen(command, text=True, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    for one in claimants:
        assert one.stdout.readline() == "ready\n"
    for one in claimants:
        one.stdin.write("go\n")
        one.stdin.flush()
    got = [int(line) for one in claimants for line in one.communicate(timeout=60)[0].split()]
    assert [one.returncode for one in claimants] == [0, 0, 0]
    assert Counter(got) == expected


# What is due


def test_the_oldest_is_due_first(ledger: Ledger) -> None:
    for instant in (NOON + 2, NOON, NOON + 1):
        add(ledger, instant)
    assert [one.taken_at for one in due(ledger)] == [NOON, NOON + 1, NOON + 2]
    assert [one.taken_at for one in ledger.due(2, now=NOON, cloud_now=NOON, start=NOON + 1)] == [
        NOON + 1,
        NOON + 2,
    ]


@pytest.mark.parametrize("state", [state for state in State if state is not State.PLANNED])
def test_only_what_is_planned_is_due(ledger: Ledger, state: State) -> None:
    add(ledger, state=state)
    assert due(ledger) == []


def test_a_reading_that_settles_is_not_due_yet(ledger: Ledger) -> None:
    add(ledger, settles_at=NOON + 10.0)
    assert due(ledger, cloud_now=NOON + 9.9) == []
    assert len(due(ledger, cloud_now=NOON + 10.0)) == 1
    assert ledger.settles_at(NOON) == NOON + 10
    assert ledger.settles_at(NOON + 10) is None


def test_a_delivery_that_was_put_off_waits_for_its_time(ledger: Ledger) -> None:
    number = add(ledger)
    ledger.claim(due(ledger), NOON)
    settle(ledger, number, State.PLANNED, was=State.SENDING, not_before=NOON + 60.0)
    assert due(ledger, now=NOON + 59) == []
    assert len(due(ledger, now=NOON + 60)) == 1
    assert len(due(ledger, now=FOR_EVER)) == 1


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_a_reading_whose_older_revision_may_be_on_its_way_is_not_due(
    ledger: Ledger, state: State
) -> None:
    number = add(ledger, state=state)
    add(ledger, ordinal=1)
    add(ledger, NOON + 1)
    assert [one.taken_at for one in due(ledger)] == [NOON + 1]
    settle(ledger, number, State.DELIVERED, was=state, reference="7")
    assert [one.previous for one in due(ledger)] == ["7", None]


def test_a_reading_whose_older_revision_was_not_seen_yet_waits_a_while(ledger: Ledger) -> None:
    number = add(ledger)
    ledger.claim(due(ledger), NOON)
    settle(ledger, number, State.DELIVERED, was=State.SENDING, look_until=NOON + 86_400.0)
    add(ledger, ordinal=1)
    assert due(ledger, on_its_way_since=NOON - 1) == []
    assert len(due(ledger, on_its_way_since=NOON)) == 1


@pytest.mark.parametrize("state", [State.DELIVERED, State.CONFIRMED])
def test_the_reference_of_the_newest_delivered_revision_comes_along(
    ledger: Ledger, state: State
) -> None:
    for ordinal, reference in enumerate(("a", "b")):
        number = add(ledger, ordinal=ordinal, state=State.SENDING)
        settle(ledger, number, state, was=State.SENDING, reference=reference)
    add(ledger, ordinal=2, state=State.SUPERSEDED)
    add(ledger, ordinal=3)
    assert [one.previous for one in due(ledger)] == ["b"]


def test_what_was_delivered_without_a_reference_is_no_first_time(ledger: Ledger) -> None:
    add(ledger, state=State.DELIVERED)
    add(ledger, ordinal=1)
    assert [one.previous for one in due(ledger)] == [""]


def test_what_has_a_newer_revision_says_so(ledger: Ledger) -> None:
    add(ledger)
    add(ledger, ordinal=1, state=State.CONFIRMED)
    assert [one.outdated for one in due(ledger)] == [True]


def test_routes_are_strangers(database: Database, ledger: Ledger) -> None:
    other = Ledger(database, "anna", "file", NOON)
    third = Ledger(database, "ben", "garmin", NOON)
    add(ledger)
    assert due(other) == due(third) == []
    assert len({ledger.route, other.route, third.route}) == 3
    assert Ledger(database, "anna", "garmin", NOON + 1).route == ledger.route


# What became of it


def test_what_is_not_as_it_was_stays_as_it_is(ledger: Ledger) -> None:
    number = add(ledger, state=State.SKIPPED)
    assert settle(ledger, number, State.PLANNED, was=State.UNKNOWN) is False
    assert row_of(ledger, number)["state"] == State.SKIPPED


def test_a_reference_is_kept_when_a_later_answer_brings_none(ledger: Ledger) -> None:
    number = add(ledger, state=State.SENDING)
    assert settle(ledger, number, State.DELIVERED, was=State.SENDING, reference="7")
    assert settle(ledger, number, State.CONFIRMED, was=State.DELIVERED)
    assert row_of(ledger, number)["reference"] == "7"


def test_what_was_being_sent_when_the_process_died_is_unknown(ledger: Ledger) -> None:
    number = add(ledger)
    add(ledger, NOON + 1)
    ledger.claim(due(ledger)[:1], NOON + 3)
    assert ledger.mark_orphans("Interrupted.") == 1
    [unknown] = ledger.in_state(State.UNKNOWN, 10)
    assert (unknown.id, unknown.since) == (number, NOON + 3)
    assert ledger.mark_orphans("Interrupted.") == 0


def test_open_deliveries_are_counted_by_their_state(ledger: Ledger) -> None:
    for n, state in enumerate(State):
        add(ledger, NOON + n, state=state)
    add(ledger, NOON + 99)
    assert ledger.counts() == {
        "planned": 2,
        "sending": 1,
        "rejected": 1,
        "unknown": 1,
        "blocked": 1,
        "held": 1,
    }


def test_a_login_wakes_what_was_blocked(ledger: Ledger) -> None:
    for n in range(3):
        add(ledger, NOON + n)
    add(ledger, NOON + 9, state=State.HELD)
    assert ledger.block("Log in.") == 3
    assert due(ledger) == []
    assert ledger.wake() == 3
    assert len(due(ledger)) == 3


def test_questions_about_what_is_open_do_not_read_what_is_done(ledger: Ledger) -> None:
    for name in ("count_open", "in_state", "due", "orphans", "count_unseen", "next_settling"):
        assert "delivery_" in _plan_of(ledger.database, name), name


def _plan_of(database: Database, name: str) -> str:
    from weighbridge.archive.statements import statement

    values = dict.fromkeys(
        ("route", "state", "most", "start", "now", "cloud_now", "on_its_way_since", "answer"), 0
    )
    rows = database._connection.execute("EXPLAIN QUERY PLAN " + statement(name), values)
    return "\n".join(str(row["detail"]) for row in rows)


# Writing the plan down


def test_a_change_of_what_is_no_longer_as_it_was_does_nothing(ledger: Ledger) -> None:
    number = add(ledger, state=State.SENDING)
    change = Change(number, State.PLANNED, State.SUPERSEDED, 0.0, "Newer.")
    ledger.write_down([change], NOON)
    assert row_of(ledger, number)["state"] == State.SENDING


def test_the_number_of_what_became_owed_is_told(ledger: Ledger) -> None:
    steps: list[Step] = [
        Add("a", NOON, 0, "r", State.PLANNED, 0.0, None),
        Add("b", NOON, 0, "r", State.HELD, 0.0, "Doubtful."),
        Older("c"),
    ]
    assert ledger.write_down(steps, NOON) == 1


def test_an_older_reading_is_counted_once_however_often_it_is_planned(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.write_down([Older("a"), Older("b")], NOON)
    assert ledger.row()["older"] == 2


def test_an_older_reading_that_becomes_owed_is_not_counted_any_more(ledger: Ledger) -> None:
    ledger.write_down([Older("a"), Older("b")], NOON)
    ledger.write_down([Add("a", NOON, 0, "r", State.PLANNED, 0.0, None)], NOON)
    ledger.write_down([Add("c", NOON, 0, "r", State.PLANNED, 0.0, None)], NOON)
    assert ledger.row()["older"] == 1


def test_when_the_rules_change_older_readings_are_counted_anew(ledger: Ledger) -> None:
    ledger.write_down([Older("a"), Older("b")], NOON)
    ledger.keep_fingerprint("other rules")
    ledger.write_down([Older("b")], NOON)
    assert ledger.row()["older"] == 1


def test_only_the_touched_instants_are_known(database: Database, ledger: Ledger) -> None:
    archive = connect_account(database, "anna", "4711", lambda: NOON)
    for n in range(4):
        add(ledger, NOON + n)
    database._connection.execute(
        "INSERT INTO touched VALUES (?, ?), (?, ?)",
        [archive.account, NOON + 1, archive.account, NOON + 3],
    )
    assert set(ledger.known_at_touched(archive.account, NOON, NOON + 2)) == {f"reading-{NOON + 1}"}
    assert len(ledger.known(0, END_OF_TIME)) == 4


# Trouble and success


def test_trouble_is_dated_from_its_beginning_until_a_success(ledger: Ledger) -> None:
    ledger.note_trouble("RetryLater", "no answer", 10.0)
    ledger.note_trouble("LoginNeeded", "log in", 20.0)
    ledger.pause(99.0)
    row = ledger.row()
    assert (row["trouble_kind"], row["trouble"], row["trouble_at"]) == (
        "LoginNeeded",
        "log in",
        10.0,
    )
    ledger.note_success(30.0)
    row = ledger.row()
    assert (row["trouble"], row["trouble_at"], row["pause_until"]) == (None, None, 0)
    assert row["succeeded_at"] == 30.0


# What a person decides


@pytest.mark.parametrize(
    ("decision", "was", "then"),
    [
        (Decision.RETRY, State.REJECTED, State.PLANNED),
        (Decision.RETRY, State.UNKNOWN, State.PLANNED),
        (Decision.RETRY, State.SENDING, State.SENDING),
        (Decision.RETRY, State.SUPERSEDED, State.SUPERSEDED),
        (Decision.RETRY, State.HELD, State.HELD),
        (Decision.SKIP, State.HELD, State.SKIPPED),
        (Decision.SKIP, State.SENDING, State.SENDING),
        (Decision.SKIP, State.CONFIRMED, State.CONFIRMED),
        (Decision.ACCEPT, State.HELD, State.PLANNED),
        (Decision.ACCEPT, State.UNKNOWN, State.DELIVERED),
        (Decision.ACCEPT, State.PLANNED, State.PLANNED),
    ],
)
def test_a_decision_changes_what_it_may(
    ledger: Ledger, decision: Decision, was: State, then: State
) -> None:
    number = add(ledger, state=was)
    rows = newest_of_reading(ledger.database, "anna", NOON, f"reading-{NOON}")
    assert decide_about(ledger.database, rows, decision, NOON) == (was is not then)
    assert row_of(ledger, number)["state"] == then


def test_accepting_a_held_reading_is_remembered_for_its_person(ledger: Ledger) -> None:
    add(ledger, state=State.HELD)
    rows = in_states(ledger.database, [ledger.route], ALL_OF[Decision.ACCEPT])
    decide_about(ledger.database, rows, Decision.ACCEPT, NOON)
    assert ledger.accepted() == {f"reading-{NOON}"}
    assert Ledger(ledger.database, "anna", "file", NOON).accepted() == ledger.accepted()
    assert Ledger(ledger.database, "ben", "garmin", NOON).accepted() == frozenset()


def test_a_decision_is_about_the_newest_delivery(ledger: Ledger) -> None:
    add(ledger, state=State.CONFIRMED)
    newest = add(ledger, ordinal=1, state=State.REJECTED)
    rows: Sequence[Row] = newest_of_reading(ledger.database, "anna", NOON, f"reading-{NOON}")
    assert [row["id"] for row in rows] == [newest]
