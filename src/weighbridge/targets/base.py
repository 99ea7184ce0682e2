"""What every target promises. The engine remembers, batches, waits and retries; a target says
what it takes, renders it (pure) and sends it (once).

A kind of target, with its options, is described in its descriptor (``targets.kind``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, Problem
from weighbridge.core.measures import Measurement, Reading
from weighbridge.core.network import SharedResources
from weighbridge.core.reason import Reason


class Owed(msgspec.Struct, frozen=True):
    """One reading that a target is to receive in one revision."""

    reading: Reading
    revision: str
    previous: str | None = None
    """The reference under which an earlier revision was delivered; None the first time.
    An empty string: delivered, but under no reference that is known."""

    @property
    def reading_id(self) -> str:
        return self.reading.id


def oldest_first(owed: Iterable[Owed]) -> list[Owed]:
    """The order in which a target delivers: by time, then by id."""
    return sorted(owed, key=lambda one: (one.reading.taken_at, one.reading_id))


class Receipt(msgspec.Struct, frozen=True):
    """What became of one ``send``. A reading that no field mentions stays owed.

    ``problem`` tells why readings are left over; the engine decides by its class.
    """

    delivered: Mapping[str, str] = {}
    """Reading id → reference at the target ("" when it gives none)."""
    refused: Mapping[str, Problem | str] = {}
    """Reading id → why: a problem, or a text that is shown to people as it is."""
    unknown: frozenset[str] = frozenset()
    """Reading ids that may have arrived."""
    problem: Problem | None = None


class Existing(msgspec.Struct, frozen=True):
    """Something that a target already holds at the instant of a reading."""

    reference: str
    same: bool
    """False: it is this reading, but with other values."""


class Session(Protocol):
    """Where a target keeps its login: one record per person and target, in the database."""

    def load(self) -> Any | None:
        """What was stored last (JSON-compatible), or None."""

    def store(self, secret: Any, *, account: str) -> None:
        """Replace the record in one transaction. ``account`` names who is logged in."""

    def account(self) -> str | None:
        """The account that was logged in; "" when that is not known yet, None without a login."""

    def bind(self, account: str) -> None:
        """Say whose login it is that was stored for the account "". Nothing else is changed.

        Raises ConfigProblem when the account belongs to another person.
        """

    def lease(self) -> AbstractContextManager[None]:
        """Held by one process at a time, while it renews the login."""


class Newest(msgspec.Struct, frozen=True):
    """A value and the instant at which it was measured."""

    measurement: Measurement
    taken_at: int


class Body(Protocol):
    """What is known of a person's body, read from the archive when it is asked.

    Readings whose owner is in doubt do not count, unless a person accepted them.
    """

    def userid(self) -> str | None:
        """The person's Withings user id; None before an account was connected."""

    def newest(self) -> Sequence[Newest]:
        """The newest value of each measure type, and of each place for values of body parts."""

    def before(self, reading: Reading, code: int) -> Newest | None:
        """The value of a type in the newest reading that was taken before this one."""


class NoBody:
    """Nothing is known."""

    def userid(self) -> str | None:
        return None

    def newest(self) -> Sequence[Newest]:
        return ()

    def before(self, reading: Reading, code: int) -> Newest | None:
        return None


class Context(msgspec.Struct, frozen=True):
    """What a target may use of the world around it. Constructing a target touches none of it."""

    person: str
    target: str
    home: Path
    session: Session
    height: Callable[[], Decimal | None]
    """The person's height in metres: the configured one, else the newest ever measured."""
    timezone: str | None
    """The person's configured IANA zone; None: the reading's own, else UTC."""
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    body: Body = msgspec.field(default_factory=NoBody)
    connected_at: Callable[[], float] = lambda: 0.0
    """When the target was first connected, in epoch seconds: what is older is history."""
    connections: SharedResources = msgspec.field(default_factory=SharedResources)
    """What all targets of this process share; closed at its end."""
    installation: Callable[[], str] = lambda: "weighbridge"
    """A random word that names this home folder, always the same."""

    @property
    def login_command(self) -> str:
        """What a person runs to log in at this target, for a problem that asks for it."""
        return login_command(self.target, self.person)


class SignInAnswers(msgspec.Struct, frozen=True):
    """What a person answers while signing in. Each question is asked only when it is needed."""

    username: Callable[[], str]
    password: Callable[[], str]
    code: Callable[[], str] | None
    """The code of a second factor; None: there is nobody to ask."""
    ticket: Callable[[str], str] | None
    """Shows a link and returns what the browser ended at; None: sign in with the password."""


class WrongPassword(LoginNeeded):
    """The other side does not know this user name and password."""


class WrongCode(LoginNeeded):
    """It did not accept the code of the second factor; a new sign-in brings a new one."""


class WrongTicket(LoginNeeded):
    """What a browser ended at is nothing that it takes, or not any more."""


class SignedIn(msgspec.Struct, frozen=True):
    """A complete login: what a sign-in returns."""

    tokens: dict[str, Any]
    """What ``Session.store`` keeps."""
    account: str
    """Who is logged in, as the other side names it: compared at every use."""
    name: str
    """The same for people."""

    def __repr__(self) -> str:
        return f"SignedIn({self.account})"


@runtime_checkable
class TakesKinds(Protocol):
    """A target that takes other kinds of record than readings, or not all of those.

    ``takes`` is asked only about records of these kinds (``weighbridge.core.records.Record``).
    """

    kinds: ClassVar[frozenset[str]]


@runtime_checkable
class Target(Protocol):
    """A place to which readings are delivered."""

    batch_size: ClassVar[int]
    idempotent: ClassVar[bool]
    """True: sending the same reading again changes nothing, so an unknown one is simply resent."""

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """The part of the reading that this target wants; empty: it is not owed. Pure.

        The revision is made of this part, so what is left out here never causes a resend.
        """

    def render(self, owed: Sequence[Owed]) -> Any:
        """The payload for these readings, oldest first. Pure."""

    def preview(self, payload: Any) -> Iterable[str]:
        """Lines that show a payload to a person (``--dry-run``). Pure."""

    def send(self, payload: Any) -> Receipt:
        """Deliver once. Raises RetryLater, LoginNeeded, Refused (the payload as a whole)
        or OutcomeUnknown (the whole payload may have arrived)."""


@runtime_checkable
class Verifiable(Protocol):
    """A target that can be read: before it is written, and to see that a delivery arrived.

    For a reading without ``previous`` the value that names it (its weight, its pressure) must
    agree; with ``previous`` every value must, because it may hold an older revision.
    """

    visible_after: float
    """Seconds within which a delivery may still be invisible although it was accepted."""

    def find_existing(self, owed: Sequence[Owed]) -> Mapping[str, Existing]:
        """Reading id → what the target holds in its place. One read per span."""


@runtime_checkable
class Replaces(Protocol):
    """A target that must remove the old revision before it takes the new one."""

    def replace(self, owed: Sequence[Owed]) -> Receipt:
        """Deliver readings whose earlier revision the target holds."""


@runtime_checkable
class LatestOnly(Protocol):
    """A target with one current value and no dates, like a profile. The engine sends only the
    newest reading, never one that is older than what was sent before."""

    oldest: float
    """Seconds: a reading that was taken longer ago is not sent any more."""


@runtime_checkable
class DayRecords(Protocol):
    """A target with one record for each local day, which every sending replaces. The engine never
    sends an older reading after a newer one of the same record."""

    def record_of(self, reading: Reading) -> str:
        """The record that a reading fills, like ``2026-03-05``. Pure."""


@runtime_checkable
class Checks(Protocol):
    """A target that can prove that it is reachable and that its login works."""

    def check(self) -> str:
        """One line for a person: who is logged in where. Raises like ``send``."""


class ServerStatus(msgspec.Struct, frozen=True):
    """How the server is doing."""

    last_sync: float | None = None
    """When Withings was last read, in epoch seconds."""
    problem: Reason | None = None
    """What a person must do; None: all is well. The target says it in its own language."""
    battery: str | None = None
    """The worst battery of all devices: ``low``, ``medium`` or ``high``."""
    about: str = ""
    """Whose problem it is: a person, or a person and a target."""


class ServerHandle(Protocol):
    """What a target that stays connected may ask of the server: from any thread, at once."""

    url: str | None
    """Where the pages are."""

    def on_connected(self, person: str, target: str, delay: float = 0.0) -> None:
        """The other side is connected (again): ``republish`` is called soon, then what waits is
        sent."""

    def on_login_refused(self, person: str, target: str) -> None:
        """The other side refuses the login: ``republish`` is called soon and may raise it."""

    def sync_now(self, person: str | None = None) -> None:
        """A person asks to have one person, or all, brought up to date."""


@runtime_checkable
class KeepsConnection(Protocol):
    """A target that keeps a connection open while the server runs. It is served first."""

    def start(self, server: ServerHandle) -> None:
        """Connect in the background and stay connected. Returns at once, never raises a Problem."""

    def republish(self) -> None:
        """Publish again what the other side keeps (what there is, the newest state). Raises like
        ``send``. Called in a thread that may read the archive."""

    def publish_status(self, status: ServerStatus) -> None:
        """Say how the server is doing. Returns at once, never raises."""
