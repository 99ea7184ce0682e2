"""The ledger: what is owed to one target of one person, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

import msgspec

from weighbridge.core.delivery_state import Add, Change, Known, Older, State, Step, Transition
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.core.measures import END_OF_TIME
from weighbridge.core.reason import Reason
from weighbridge.storage.database import Database, Row
from weighbridge.storage.delivery_log import accepted_readings, count_open, count_unseen

FOR_EVER = float(END_OF_TIME)
IDS_AT_ONCE = 500
"""How many deliveries a statement names."""


class Due(msgspec.Struct, frozen=True):
    """A delivery that may be sent now. ``previous``: the reference of an earlier revision."""

    id: int
    reading_id: str
    taken_at: int
    revision: str
    attempts: int
    previous: str | None
    outdated: bool = False
    """A newer revision is known: this one must not be sent any more."""


class Open(msgspec.Struct, frozen=True):
    """A delivery whose fate is not known yet. ``since``: when it was claimed."""

    id: int
    reading_id: str
    taken_at: int
    ordinal: int
    revision: str
    state: State
    since: float


class Ledger:
    """The deliveries of one route. Every change of state is one conditional UPDATE."""

    def __init__(self, database: Database, person: str, target: str, now: float) -> None:
        self.database = database
        self.person = person
        self.target = target
        row = database.one("route_of", person=person, target=target)
        if row is None:
            with database.transaction():
                database.run("add_route", person=person, target=target, now=now)
            row = database.one("route_of", person=person, target=target)
            assert row is not None
        self.route: int = row["id"]

    def row(self) -> Row:
        """The route's own row: when it was connected, last success, trouble."""
        row = self.database.one("route_of", person=self.person, target=self.target)
        assert row is not None
        return row

    def known(self, start: int, end: int) -> dict[str, Known]:
        """The newest row of each reading of a window."""
        return _newest(self.database.all("latest_between", route=self.route, start=start, end=end))

    def known_at_touched(self, account: int, feed: str, start: int, end: int) -> dict[str, Known]:
        """The newest row of each record, of whatever kind, at the touched instants of a feed."""
        return _newest(
            self.database.all(
                "latest_at_touched",
                route=self.route,
                account=account,
                feed=feed,
                start=start,
                end=end,
            )
        )

    def accepted(self) -> frozenset[str]:
        """The doubtful readings that a person has accepted."""
        return accepted_readings(self.database, self.person)

    def write_down(self, steps: Iterable[Step], now: float) -> int:
        """Carry out what the planner found; the number of records that became owed.

        Call it in a transaction.
        """
        adds, changes, older = list[Add](), list[Change](), list[Older]()
        for step in steps:
            match step:
                case Add():
                    adds.append(step)
                case Change():
                    changes.append(step)
                case Older():
                    older.append(step)
        self._many("change_state", [_columns(one) for one in changes])
        self._many(
            "add_delivery",
            [{**_columns(one), "route": self.route, "now": now} for one in adds],
        )
        self._count_older(older, [one for one in adds if one.ordinal == 0])
        return sum(one.state is State.PLANNED for one in adds)

    def _count_older(self, older: Sequence[Older], wanted: Sequence[Add]) -> None:
        """What is wanted after all is no longer among what lies before the first day."""
        more = self._many("add_older_reading", [self._key(one) for one in older])
        less = self._many("forget_older_reading", [self._key(one) for one in wanted])
        if more != less:
            self.database.run("count_older_readings", route=self.route, number=more - less)

    def _key(self, step: Add | Older) -> dict[str, Any]:
        return {"route": self.route, "reading_id": step.reading_id}

    def _many(self, name: str, rows: Iterable[dict[str, Any]]) -> int:
        return max(self.database.run_many(name, rows), 0)

    def keep_fingerprint(self, fingerprint: str) -> None:
        """The target, its options or the rules as they were when everything was planned."""
        with self.database.transaction():
            self.database.run("keep_fingerprint", route=self.route, fingerprint=fingerprint)
            self.database.run("forget_older_readings", route=self.route)

    def due(
        self,
        most: int,
        *,
        now: float,
        cloud_now: float,
        start: int,
        on_its_way_since: float = FOR_EVER,
    ) -> list[Due]:
        """What may be sent now, oldest first, from ``start`` (an instant) on.

        A reading waits while an older revision of it may be on its way: its fate is not known, or
        it was sent after ``on_its_way_since`` and has not been seen yet.
        """
        rows = self.database.all(
            "due",
            route=self.route,
            most=most,
            now=now,
            cloud_now=cloud_now,
            start=start,
            on_its_way_since=on_its_way_since,
        )
        return [
            Due(
                row["id"],
                row["reading_id"],
                row["taken_at"],
                row["revision"],
                row["attempts"],
                row["previous"],
                bool(row["outdated"]),
            )
            for row in rows
        ]

    def newest_due(self, cloud_now: float) -> int | None:
        """The instant of the newest reading that may be sent now."""
        row = self.database.one("newest_due", route=self.route, cloud_now=cloud_now)
        return row["taken_at"] if row else None

    def newest_delivered(self) -> int | None:
        """The instant of the newest reading that the target was given."""
        row = self.database.one("newest_delivered", route=self.route)
        return row["taken_at"] if row else None

    def sent_between(self, start: int, end: int) -> list[tuple[str, int]]:
        """Reading id and instant of what was sent, or may have been, of readings of a span."""
        rows = self.database.all("sent_between", route=self.route, start=start, end=end)
        return [(row["reading_id"], row["taken_at"]) for row in rows]

    def skip_before(self, instant: float, why: Reason, now: float) -> int:
        """What was taken before an instant is not sent any more."""
        return self.database.run(
            "skip_before", route=self.route, before=instant, answer=why.to_json(), now=now
        )

    def claim(self, due: Sequence[Due], now: float) -> list[Due]:
        """Mark as ``sending`` before the first byte leaves; only what nobody else has taken."""
        if not due:
            return []
        instants = [one.taken_at for one in due]
        with self.database.transaction():
            rows = self.database.all(
                "planned_between", route=self.route, start=min(instants), end=max(instants)
            )
            planned = {row["id"] for row in rows}
            free = [one for one in due if one.id in planned]
            claimed = sum(
                self.database.run("claim", ids=ids, now=now)
                for ids in batched([one.id for one in free], IDS_AT_ONCE)
            )
            if free and claimed != len(free):
                raise RetryLater(code="database.busy", path=str(self.database.path))
        return free

    def record_outcomes(self, transitions: Sequence[Transition], now: float) -> int:
        """Write down what became of deliveries; the number of those that were as expected."""
        with self.database.transaction():
            changed = self.database.run_many(
                "record_outcome",
                [{**_columns(one), "now": now} for one in transitions],
            )
        return max(changed, 0)

    def mark_orphans(self, why: Reason) -> int:
        """What was ``sending`` when a process died may have arrived."""
        return self.database.run("mark_interrupted", route=self.route, answer=why.to_json())

    def in_state(self, state: State, most: int) -> list[Open]:
        """Deliveries in one state, oldest first."""
        rows = self.database.all("in_state", route=self.route, state=state, most=most)
        return [_open(row, row["claimed_at"]) for row in rows]

    def unseen(self, most: int, start: int) -> list[Open]:
        """Deliveries that were accepted but not seen at the target yet."""
        rows = self.database.all("unseen", route=self.route, most=most, start=start)
        return [_open(row, row["claimed_at"]) for row in rows]

    def counts(self) -> Mapping[str, int]:
        """How many deliveries are in each open state."""
        found = count_open(self.database, [self.route])
        return {state.value: number for state, number in found.items()}

    def count_unseen(self) -> int:
        """How many deliveries wait to be seen."""
        return count_unseen(self.database, self.route)

    def settles_at(self, cloud_now: float) -> float | None:
        """By the cloud's clock: when the last reading that is settling will be settled."""
        row = self.database.one("next_settling", route=self.route, cloud_now=cloud_now)
        return row["settles_at"] if row else None

    def first_due(self, now: float, cloud_ahead: float) -> float | None:
        """By our clock: when the first thing that is owed may be sent; None: nothing may.

        ``cloud_ahead``: seconds by which the cloud's clock is ahead of ours.
        """
        row = self.database.one("first_due", route=self.route, now=now, cloud_ahead=cloud_ahead)
        return row["moment"] if row else None

    def try_now(self) -> None:
        """The target is there again: nothing waits for a time any more."""
        self.database.run("try_now", route=self.route)
        self.pause(0.0)

    def wake(self) -> int:
        """A login was made: what was blocked is owed again, and the trouble about it is over."""
        self.database.run("forget_login_trouble", route=self.route, decision=LoginNeeded.decision)
        return self.database.run("wake_blocked", route=self.route)

    def block(self, why: Reason) -> int:
        """A person must log in: everything that is owed waits for it."""
        return self.database.run("block_planned", route=self.route, answer=why.to_json())

    def pause(self, until: float) -> None:
        """The other side asked to be left alone until then."""
        self.database.run("pause_route", route=self.route, until=until)

    def note_attempt(self, now: float) -> None:
        """Something is about to be sent."""
        self.database.run("note_attempt", route=self.route, now=now)

    def note_success(self, now: float) -> None:
        """Everything that could be delivered was."""
        self.database.run("note_success", route=self.route, now=now)

    def note_trouble(self, problem: Problem, now: float) -> None:
        """Remember what is wrong, and since when."""
        self.database.run(
            "note_trouble",
            route=self.route,
            decision=problem.decision,
            trouble=problem.reason.to_json(),
            now=now,
        )


def _columns(step: Add | Change | Transition) -> dict[str, Any]:
    answer = step.answer.to_json() if step.answer else None
    return {**msgspec.structs.asdict(step), "answer": answer}


def _newest(rows: Iterable[Row]) -> dict[str, Known]:
    """The rows come in ascending order of their ordinal: the last one of a reading stays."""
    return {
        row["reading_id"]: Known(
            row["id"],
            row["kind"],
            row["ordinal"],
            row["revision"],
            State(row["state"]),
            row["settles_at"],
        )
        for row in rows
    }


def _open(row: Row, since: float | None) -> Open:
    return Open(
        row["id"],
        row["reading_id"],
        row["taken_at"],
        row["ordinal"],
        row["revision"],
        State(row["state"]),
        since or 0.0,
    )


def routes_with_open_deliveries(database: Database) -> list[tuple[str, str]]:
    """(person, target) of each route with a delivery that waits to be sent or confirmed."""
    rows = database.all("routes_with_open_deliveries")
    return [(row["person"], row["target"]) for row in rows]


class OldestWaiting(msgspec.Struct, frozen=True):
    """Of the oldest deliveries that wait in one state: the first moment of each kind."""

    planned_at: float
    taken_at: int


def oldest_waiting(database: Database, route: int, state: State, most: int) -> OldestWaiting | None:
    """``most``: so many deliveries are looked at. None: nothing waits in that state."""
    row = database.one("waiting_since", route=route, state=state, most=most)
    if row is None or row["planned_at"] is None:
        return None
    return OldestWaiting(row["planned_at"], row["taken_at"])


def last_delivered_at(database: Database, route: int, before: int, most: int) -> float | None:
    """When something was last delivered, as far as the ``most`` newest deliveries and those right
    before the reading taken at ``before`` tell.
    """
    row = database.one("last_delivery", route=route, before=before, most=most)
    return row["done_at"] if row else None
