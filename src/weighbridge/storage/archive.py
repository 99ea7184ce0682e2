"""What a source has sent of one account: raw groups, kept for ever, and how far we have read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import batched
from typing import Protocol

import msgspec

from weighbridge.core.errors import ConfigProblem, Problem
from weighbridge.core.measures import END_OF_TIME
from weighbridge.core.records import MEASURES
from weighbridge.storage.accounts import account_row
from weighbridge.storage.database import Database, Row
from weighbridge.storage.logins import WITHINGS

INSTANTS_AT_ONCE = 500
"""How many instants a question names."""


class OtherProfile(ConfigProblem):
    """The person is bound to another Withings profile than the one that signed in."""


class TakenProfile(ConfigProblem):
    """The Withings profile that signed in belongs to another person."""

    def __init__(self, owner: str) -> None:
        super().__init__(code="withings.taken_profile", owner=owner)
        self.owner = owner


class StoredGroup(msgspec.Struct, frozen=True):
    """A group as it was received: the text is kept exactly, ``zone`` is that of its page."""

    raw: str
    zone: str | None


class UnreadableGroup(msgspec.Struct, frozen=True):
    """A group that could not be understood: kept, counted, reported."""

    raw: str
    reason: str


class ArchivedGroup(Protocol):
    """What is stored of a group beside its text (``weighbridge.sources.base.Group``)."""

    @property
    def group_id(self) -> int: ...
    @property
    def taken_at(self) -> int: ...
    @property
    def category(self) -> int: ...


class Archive:
    """The groups of one feed of one account, raw and for ever, and the cursor of that feed.

    Open it with ``account_archive`` or ``connect_account``.
    """

    def __init__(self, database: Database, account: Row, feed: str = MEASURES) -> None:
        self.database = database
        self.feed = feed
        self.account: int = account["id"]
        self.person: str = account["person"]
        self.source: str = account["source"]
        self.userid: str = account["userid"]
        self._row = account
        self._feed = {"account": self.account, "feed": feed}

    def of(self, feed: str) -> Archive:
        """The archive of another feed of the same account."""
        return Archive(self.database, self._row, feed)

    @property
    def cursor(self) -> int:
        """The newest change that is stored durably, by the source's clock
        (docs/reference/withings-api.md#cursor).
        """
        row = self.database.one("cursor_of", **self._feed)
        return int(row["changed_at"]) if row else 0

    def advance_cursor(self, changed_at: int) -> None:
        """Never goes back."""
        self.database.run("advance_cursor", changed_at=changed_at, **self._feed)

    def store(
        self,
        groups: Sequence[tuple[ArchivedGroup, StoredGroup]],
        odd: Sequence[UnreadableGroup],
        now: float,
    ) -> int:
        """Keep a page. The number of groups that are new or were changed."""
        changed = self.database.run_many(
            "store_group",
            (
                {
                    "account": self.account,
                    "feed": self.feed,
                    "group_id": group.group_id,
                    "taken_at": group.taken_at,
                    "zone": stored.zone,
                    "category": group.category,
                    "raw": stored.raw,
                }
                for group, stored in groups
            ),
        )
        for one in odd:
            self._store_odd(one, now)
        return max(changed, 0)

    def _store_odd(self, group: UnreadableGroup, now: float) -> None:
        from hashlib import sha256

        self.database.run(
            "store_odd_group",
            fingerprint=sha256(group.raw.encode()).hexdigest(),
            reason=group.reason,
            raw=group.raw,
            now=now,
            **self._feed,
        )

    def note_unannounced(self, instants: Iterable[int], now: float) -> None:
        """A poll found these, and no notification had told of them so far."""
        for instant in instants:
            self.database.run(
                "add_missed_notification", account=self.account, taken_at=instant, now=now
            )

    def unannounced(self, before: float) -> list[int]:
        """What was found until then without a notification, and was not told to anybody yet."""
        rows = self.database.all(
            "missed_notifications_to_report", account=self.account, before=before
        )
        return [int(row["taken_at"]) for row in rows]

    def settle_unannounced(self, instant: int, *, announced: bool) -> None:
        """A notification came after all, or it was reported that none did."""
        name = "forget_missed_notification" if announced else "note_missed_notification_reported"
        self.database.run(name, account=self.account, taken_at=instant)

    def forget_missing(self, seen: set[int], start: int, end: int, now: float) -> int:
        """Mark the groups of a window that the cloud no longer has. Their raw text is kept."""
        held = {
            int(row["group_id"])
            for row in self.database.all("ids_between", start=start, end=end, **self._feed)
        }
        gone = held - seen
        self.database.run_many(
            "mark_gone", ({"group_id": one, "now": now, **self._feed} for one in gone)
        )
        return len(gone)

    def touch_everything(self) -> None:
        """Have every record of the account planned again."""
        self.database.run("touch_everything", account=self.account)

    def touch(self, start: int, end: int) -> None:
        """Have the records of a window planned again."""
        self.database.run("touch_between", start=start, end=end, **self._feed)

    def next_touched(self, after: int, most: int) -> list[int]:
        """The next instants, ascending, whose records must be planned."""
        rows = self.database.all("next_touched", after=after, most=most, **self._feed)
        return [int(row["taken_at"]) for row in rows]

    def anything_touched(self) -> bool:
        """Whether a record of any feed of the account must be planned."""
        return self.database.one("anything_touched", account=self.account) is not None

    def forget_touched(self, start: int, end: int) -> None:
        """They have been planned: say so in the transaction that planned them."""
        self.database.run("forget_touched", start=start, end=end, **self._feed)

    def touched_groups(self, start: int, end: int) -> list[Row]:
        """The groups at the touched instants of a window, by time."""
        return self.database.all("touched_groups", start=start, end=end, **self._feed)

    def groups(self, start: int, end: int) -> list[Row]:
        """All groups of a window, by time."""
        return self.database.all("groups_between", start=start, end=end, **self._feed)

    def groups_at(self, instants: Collection[int]) -> Iterator[Row]:
        """All groups at some instants, by time, a few hundred at once in memory."""
        for part in batched(sorted(set(instants)), INSTANTS_AT_ONCE):
            yield from self.database.all("groups_at", instants=part, **self._feed)

    def last_instants(self, most: int, before: int = END_OF_TIME) -> list[int]:
        """The newest instants at which something was measured, newest first."""
        rows = self.database.all("instants_before", before=before, most=most, **self._feed)
        return [int(row["taken_at"]) for row in rows]

    def instant_spans(self, start: int, end: int, most: int) -> Iterator[tuple[int, int]]:
        """Cut a window into spans that hold at most ``most`` instants each, oldest first."""
        after = start - 1
        while True:
            rows = self.database.all("instants_from", after=after, end=end, most=most, **self._feed)
            if not rows:
                return
            first, after = int(rows[0]["taken_at"]), int(rows[-1]["taken_at"])
            yield first, after

    def note_checked(self, now: float) -> None:
        """Withings answered."""
        self.database.run("note_checked", account=self.account, now=now)

    def note_trouble(self, problem: Problem, now: float) -> None:
        """Withings could not be asked; ``status`` shows since when."""
        trouble = problem.reason.to_json()
        self.database.run("note_account_trouble", account=self.account, trouble=trouble, now=now)


def account_archive(database: Database, person: str) -> Archive | None:
    """The archive of a person, or None when no account was connected yet."""
    row = account_row(database, person)
    return Archive(database, row) if row else None


def connect_account(
    database: Database,
    person: str,
    userid: str,
    clock: Callable[[], float],
    *,
    source: str = WITHINGS,
) -> Archive:
    """Bind a Withings account to a person. People do not mix: another account is refused."""
    row = account_row(database, person)
    if row and row["userid"] != userid:
        raise OtherProfile(code="withings.other_profile", person=person)
    other = database.one("account_by_userid", source=source, userid=userid)
    if other and other["person"] != person:
        raise TakenProfile(other["person"])
    if row is None:
        database.run("add_account", person=person, source=source, userid=userid, now=clock())
    archive = account_archive(database, person)
    assert archive is not None
    return archive


def count_groups_not_understood(database: Database) -> int:
    """How many measure groups are kept although they could not be understood, of everybody."""
    row = database.one("count_all_odd_groups")
    return int(row["number"]) if row else 0
