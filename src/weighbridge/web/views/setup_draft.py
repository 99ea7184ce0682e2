"""What somebody has answered in the browser so far. In memory only, until it is written.

Each browser has answers of its own. They are few, and forgotten when nobody comes back to them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import msgspec

from weighbridge.config.template import InitAnswers, PersonAnswers
from weighbridge.core.secret import Secret
from weighbridge.targets import find_kind
from weighbridge.targets.kind import TargetAnswer

MOST = 20
"""Browsers at once; the answers of the one that was away for longest are forgotten first."""
IDLE = 2 * 3600.0
"""Seconds without a visit after which answers are forgotten."""
MOST_PEOPLE = 20

type Options = Mapping[str, str]
"""Option of a target → what was typed."""

type SecretKey = tuple[str, str, str]
"""Kind, option and the answer to the first question: who has the same has the same secret."""


class PersonDraft(msgspec.Struct, frozen=True, kw_only=True):
    """One person. ``key`` stays the same whatever is changed."""

    key: int
    name: str
    height_cm: Decimal | None = None
    timezone: str = ""
    targets: Mapping[str, Options] = {}
    """Kind → its options."""

    def __repr__(self) -> str:
        return f"PersonDraft(key={self.key}, name={self.name!r})"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """All answers of one browser."""

    client_id: str = ""
    client_secret: Secret | None = None
    people: tuple[PersonDraft, ...] = ()
    secrets: Mapping[SecretKey, Secret] = {}
    """Of targets: two people with the same account there have the same secret."""
    url: str = ""
    next_key: int = 1

    def __repr__(self) -> str:
        return f"Draft(people={self.people!r})"

    @property
    def has_application(self) -> bool:
        """Whether the first step is done."""
        return bool(self.client_id) and self.client_secret is not None

    def person(self, key: int) -> PersonDraft | None:
        """The person of a key, who may have been removed in another window."""
        return next((one for one in self.people if one.key == key), None)

    def after(self, person: PersonDraft) -> PersonDraft | None:
        """Who is asked about next."""
        return next((one for one in self.people if one.key > person.key), None)

    def before(self, person: PersonDraft) -> PersonDraft | None:
        """Who was asked about before."""
        return next((one for one in reversed(self.people) if one.key < person.key), None)

    def with_person(self, person: PersonDraft) -> Draft:
        """The same with somebody changed, or added when the key is the next one."""
        change = msgspec.structs.replace
        if person.key == self.next_key:
            return change(self, people=(*self.people, person), next_key=self.next_key + 1)
        people = tuple(person if one.key == person.key else one for one in self.people)
        return change(self, people=people)

    def without_person(self, key: int) -> Draft:
        """The same without somebody."""
        people = tuple(one for one in self.people if one.key != key)
        return msgspec.structs.replace(self, people=people)

    def with_secret(self, key: SecretKey, secret: Secret) -> Draft:
        """The same with the secret of a target."""
        return msgspec.structs.replace(self, secrets={**self.secrets, key: secret})

    def with_secrets_of(self, other: Draft) -> Draft:
        """What is kept of answers that must be corrected: nobody shall type a secret twice."""
        return msgspec.structs.replace(
            self, client_secret=other.client_secret, secrets=other.secrets
        )

    @property
    def secrets_in_use(self) -> dict[SecretKey, Secret]:
        """Those of targets that somebody has."""
        keys = {
            key
            for person in self.people
            for kind, options in person.targets.items()
            for key in secret_keys(kind, options)
        }
        return {key: self.secrets[key] for key in sorted(keys) if key in self.secrets}


def secret_keys(kind: str, options: Options) -> list[SecretKey]:
    """Under which keys the secrets of a target are kept."""
    fields = find_kind(kind).wizard
    lead = options.get(fields[0].option, "")
    return [(kind, field.option, lead) for field in fields if field.shape == "secret"]


def answers_of(draft: Draft, files: Mapping[SecretKey, str], port: int | None) -> InitAnswers:
    """The answers as they are written. ``files``: the file that will hold each secret."""
    secret = draft.client_secret
    return InitAnswers(
        client_id=draft.client_id or None,
        client_secret=secret.reveal() if secret else None,
        people=tuple(_person_of(person, files) for person in draft.people),
        url=draft.url or None,
        port=port,
    )


def _person_of(person: PersonDraft, files: Mapping[SecretKey, str]) -> PersonAnswers:
    return PersonAnswers(
        name=person.name,
        height_cm=person.height_cm,
        timezone=person.timezone or None,
        targets=tuple(_target_of(*target, files) for target in person.targets.items()),
    )


def _target_of(kind: str, options: Options, files: Mapping[SecretKey, str]) -> TargetAnswer:
    keys = secret_keys(kind, options)
    secret_files = {key[1]: files[key] for key in keys if key in files}
    return TargetAnswer(kind=kind, options=options, secret_files=secret_files)


class _Kept(msgspec.Struct):
    draft: Draft
    seen_at: float


class Drafts:
    """The answers of all browsers, by the key of their session. One browser at a time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._lock = threading.Lock()

    @contextmanager
    def of(self, session: str, usual: Draft) -> Iterator[Holding]:
        """The answers of a session, for as long as nobody else may touch any.

        ``usual`` is what a browser begins with.
        """
        with self._lock:
            self._drop_old()
            kept = self._kept.get(session)
            holding = Holding(kept.draft if kept else usual)
            yield holding
            self._kept[session] = _Kept(holding.draft, self._clock())
            self._kept.move_to_end(session)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def forget(self, session: str) -> None:
        """Drop the answers of a session."""
        with self._lock:
            self._kept.pop(session, None)

    def expire(self) -> None:
        """Forget what is too old, though nobody comes."""
        with self._lock:
            self._drop_old()

    def _drop_old(self) -> None:
        now = self._clock()
        for session in [one for one, kept in self._kept.items() if now - kept.seen_at > IDLE]:
            del self._kept[session]


class Holding(msgspec.Struct):
    """The answers of one browser while a request is answered; ``draft`` may be exchanged."""

    draft: Draft
