"""What was entered in the browser so far, and the configuration that is written from it.

Each browser has answers of its own, in memory only. They are few, and forgotten when they are
not used for a while. The configuration is shown first, checked, then written with its secrets.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256
from itertools import count
from pathlib import Path

import msgspec

from weighbridge.config import CONFIG_FILE, Mistake
from weighbridge.config.loader import mistakes_in
from weighbridge.config.template import InitAnswers, PersonAnswers, render
from weighbridge.core.private_files import write_new
from weighbridge.core.secret import STARS, Secret
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
        """The same with a person changed, or added when the key is the next one."""
        change = msgspec.structs.replace
        if person.key == self.next_key:
            return change(self, people=(*self.people, person), next_key=self.next_key + 1)
        people = tuple(person if one.key == person.key else one for one in self.people)
        return change(self, people=people)

    def without_person(self, key: int) -> Draft:
        """The same without a person."""
        people = tuple(one for one in self.people if one.key != key)
        return msgspec.structs.replace(self, people=people)

    def with_secret(self, key: SecretKey, secret: Secret) -> Draft:
        """The same with the secret of a target."""
        return msgspec.structs.replace(self, secrets={**self.secrets, key: secret})

    def with_secrets_of(self, other: Draft) -> Draft:
        """What is kept of answers that must be corrected: a secret need not be typed twice."""
        return msgspec.structs.replace(
            self, client_secret=other.client_secret, secrets=other.secrets
        )

    @property
    def secrets_in_use(self) -> dict[SecretKey, Secret]:
        """Those of targets that a person has."""
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
        """The answers of a session, which no other request may touch meanwhile.

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
        """Forget what is too old, without a request."""
        with self._lock:
            self._drop_old()

    def _drop_old(self) -> None:
        now = self._clock()
        for session in [one for one, kept in self._kept.items() if now - kept.seen_at > IDLE]:
            del self._kept[session]


class Holding(msgspec.Struct):
    """The answers of one browser while a request is answered; ``draft`` may be exchanged."""

    draft: Draft


class Plan(msgspec.Struct, frozen=True):
    """What will be written."""

    text: str
    """Of ``weighbridge.toml``, secrets included."""
    shown: str
    """The same with stars for secrets."""
    secrets: Mapping[str, Secret]
    """Name of a file beside it → what will be in it."""

    def __repr__(self) -> str:
        return f"Plan(secrets={list(self.secrets)!r})"

    @property
    def fingerprint(self) -> str:
        """Changes with what is shown."""
        return sha256(self.shown.encode()).hexdigest()[:16]


def plan_of(draft: Draft, home: Path, port: int | None) -> Plan:
    """What would be written now. Files that are there already are left alone."""
    files = _free_names(home, draft.secrets_in_use)
    answers = answers_of(draft, files, port)
    stars = msgspec.structs.replace(answers, client_secret=answers.client_secret and STARS)
    secrets = {files[key]: secret for key, secret in draft.secrets_in_use.items()}
    return Plan(render(answers), render(stars), secrets)


def mistakes_of(plan: Plan, home: Path, environ: Mapping[str, str]) -> list[Mistake]:
    """What is wrong with it, as every command will read it. There should be nothing."""
    return mistakes_in(plan.text, home=home, environ=environ)


def write(plan: Plan, home: Path) -> None:
    """Write all of it or nothing, for this account only.

    Raises FileExistsError when one of the files is there already, and StateProblem.
    """
    written: list[Path] = []
    try:
        for name, secret in plan.secrets.items():
            write_new(home / name, f"{secret.reveal()}\n".encode())
            written.append(home / name)
        write_new(home / CONFIG_FILE, plan.text.encode())
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _free_names(home: Path, keys: Iterable[SecretKey]) -> dict[SecretKey, str]:
    """A file for each secret, like ``mqtt-password``, numbered where one is there already."""
    names: dict[SecretKey, str] = {}
    for key in keys:
        kind, option, _ = key
        usual = f"{kind}-{option}".replace("_", "-")
        numbered = (usual if number == 1 else f"{usual}-{number}" for number in count(1))
        names[key] = next(
            name
            for name in numbered
            if name not in names.values() and not os.path.lexists(home / name)
        )
    return names
