"""Each delivery is claimed once, whoever asks."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.ledger import add, due, open_ledger, row_of
from weighbridge.core.delivery_state import State
from weighbridge.storage.ledger import Ledger
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.testing.builders import NOON

OWED = 12


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(tmp_path / "home") as ledger:
        yield ledger


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
        with SqliteDatabase(ledger.database.home) as own:
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
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.ledger import Ledger

with SqliteDatabase(Path(sys.argv[1])) as database:
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
