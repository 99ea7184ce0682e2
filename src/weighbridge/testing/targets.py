"""The contract that every target keeps, as a test class.

Inherit, say how your target is made and what stands at the other side, and pytest runs the rest::

    class TestJournal(TargetContract):
        kind = weighbridge_journal.KIND

        def make(self, context: Context) -> JournalTarget:
            return JournalTarget(JournalOptions(url=self.server.url), context)

        def instants(self, payload: Any) -> list[int]:
            return [row["at"] for row in payload.rows]

        def standing(self, context: Context) -> list[Any]:
            return self.server.rows

The readings it sends come from ``testing.builders``.
"""

from __future__ import annotations

import socket
import textwrap
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from weighbridge.core.measures import Reading
from weighbridge.core.secret import Secret
from weighbridge.targets import own_kinds
from weighbridge.targets.base import (
    Checks,
    Context,
    DayRecords,
    KeepsConnection,
    LatestOnly,
    Target,
    Verifiable,
)
from weighbridge.targets.kind import ApiKey, TargetKind
from weighbridge.targets.wizard import lines_of
from weighbridge.testing.builders import (
    NOON,
    SESSION_SECRET,
    UNHEARD_OF,
    UNTHINKABLE,
    context,
    measurement,
    owe,
    reading,
    weigh_in,
)

SECRET = "secret-71bc-in-the-options"  # noqa: S105

DAY_SECONDS = 86_400

COMMON_KEYS = frozenset({"kind", "name", "since", "settle"})
"""What a person may write for any target; the rest are the kind's own options."""


class TargetContract:
    """What every target keeps. Override what the comments name, inherit the tests."""

    kind: ClassVar[TargetKind]
    """The descriptor, whose page holds the documented sample."""

    secrets: ClassVar[tuple[str, ...]] = (SESSION_SECRET, SECRET)
    """Texts that must appear in no message and no repr."""

    def context(self, home: Path) -> Context:
        """The world around the target; override it to bring a session of your own."""
        return context(home, height=Decimal("1.72"))

    def make(self, context: Context) -> Target:
        """Construct the target."""
        raise NotImplementedError

    def instants(self, payload: Any) -> list[int]:
        """The ``taken_at`` of every reading in a payload, in the order of the payload."""
        raise NotImplementedError

    def standing(self, context: Context) -> Sequence[Any]:
        """What stands at the other side now, one item a reading."""
        raise NotImplementedError

    def good(self, taken_at: int) -> Reading:
        """A reading that the target takes."""
        return weigh_in("70.5", fat_percent="21.3", taken_at=taken_at)

    def corrected(self, reading: Reading) -> Reading:
        """The same reading with another value."""
        corrected = weigh_in("71.5", fat_percent="21.3", taken_at=reading.taken_at)
        return msgspec.structs.replace(reading, measurements=corrected.measurements)

    def bad(self) -> Reading:
        """A reading that this target cannot deliver."""
        return weigh_in("70.5", taken_at=UNTHINKABLE)

    @property
    def apart(self) -> int:
        """Seconds between two readings that stand beside each other at the other side."""
        return DAY_SECONDS if self.kind.holds == "day records" else 60

    def settle(self, target: Target) -> None:
        """Wait until what was sent can be seen (a real cloud takes its time)."""

    # the tests

    def test_constructing_touches_nothing_outside(self, tmp_path: Path, monkeypatch: Any) -> None:
        def refuse(*args: Any) -> None:
            raise AssertionError("a target connects when it sends, not when it is made")

        context = self.context(tmp_path)
        before = _tree(tmp_path)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        self.make(context)
        assert _tree(tmp_path) == before

    def test_it_satisfies_the_protocol(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        assert isinstance(target, Target)
        assert target.batch_size > 0

    def test_rendering_is_pure(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        before = _tree(tmp_path)
        deliveries = [owe(self.good(NOON)), owe(self.good(NOON + 60))]
        first, second = target.render(deliveries), target.render(deliveries)
        assert list(target.preview(first)) == list(target.preview(second))
        assert _comparable(first) == _comparable(second)
        assert _tree(tmp_path) == before

    def test_rendering_puts_the_oldest_first(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        times = [NOON + 300, NOON, NOON + 7200, NOON + 60]
        payload = target.render([owe(self.good(taken_at)) for taken_at in times])
        assert self.instants(payload) == sorted(times)

    def test_a_preview_shows_something(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        assert any(line.strip() for line in target.preview(target.render([owe(self.good(NOON))])))

    def test_what_is_sent_stands_there_once(self, tmp_path: Path) -> None:
        context = self.context(tmp_path)
        target = self.make(context)
        before = len(self.standing(context))
        deliveries = [owe(self.good(NOON)), owe(self.good(NOON + self.apart))]
        receipt = target.send(target.render(deliveries))
        assert set(receipt.delivered) == {owed.reading_id for owed in deliveries}
        assert receipt.problem is None
        self.settle(target)
        assert len(self.standing(context)) == before + 2

    def test_sending_again_leaves_one_when_the_target_says_so(self, tmp_path: Path) -> None:
        context = self.context(tmp_path)
        if not self.make(context).idempotent:
            return
        for target in (self.make(context), self.make(context)):
            for _ in range(2):
                target.send(target.render([owe(self.good(NOON))]))
        assert len(self.standing(context)) == 1

    def test_the_receipt_mentions_only_what_was_asked(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        target.send(target.render([owe(self.good(NOON))]))
        receipt = target.send(target.render([owe(self.good(NOON + 60)), owe(self.bad())]))
        asked = {self.good(NOON + 60).reading_id, self.bad().reading_id}
        assert {*receipt.delivered, *receipt.refused, *receipt.unknown} <= asked
        assert not set(receipt.delivered) & {*receipt.refused, *receipt.unknown}

    def test_one_bad_reading_does_not_sink_the_others(self, tmp_path: Path) -> None:
        context = self.context(tmp_path)
        target = self.make(context)
        good = [self.good(NOON), self.good(NOON + self.apart)]
        receipt = target.send(target.render([owe(r) for r in (good[0], self.bad(), good[1])]))
        assert set(receipt.delivered) == {reading.reading_id for reading in good}
        assert receipt.refused.get(self.bad().reading_id), "it does not say what was wrong"
        assert len(self.standing(context)) == 2

    def test_unknown_types_are_harmless(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        plain = self.good(NOON)
        odd = (measurement(UNHEARD_OF, "1.5"), measurement(UNHEARD_OF + 1, "-3", position=200))
        strange = msgspec.structs.replace(
            plain, measurements=(*odd, *plain.measurements), segments=(odd[1],)
        )
        assert target.takes(strange)
        receipt = target.send(target.render([owe(strange)]))
        assert set(receipt.delivered) == {strange.reading_id}

    def test_a_reading_of_unknown_types_alone_is_harmless(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        strange = reading({UNHEARD_OF: "1.5"}, kind="a kind of tomorrow")
        good = self.good(NOON + 60)
        wanted = [owe(one) for one in (strange, good) if target.takes(one)]
        receipt = target.send(target.render(wanted))
        assert good.reading_id in receipt.delivered
        assert len(receipt.delivered) == len(wanted)

    def test_what_it_takes_belongs_to_the_reading(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        plain = self.good(NOON)
        assert set(target.takes(plain)) <= {*plain.measurements, *plain.segments}
        assert list(target.takes(plain)) == list(target.takes(plain))

    def test_what_was_sent_is_seen(self, tmp_path: Path) -> None:
        context = self.context(tmp_path)
        target = self.make(context)
        if not isinstance(target, Verifiable):
            return
        delivered, missing = owe(self.good(NOON)), owe(self.good(NOON + 86_400 * 3))
        target.send(target.render([delivered]))
        self.settle(target)
        sightings = target.find_existing([delivered, missing])
        assert sightings[delivered.reading_id].same
        assert missing.reading_id not in sightings

    def test_a_reading_with_other_values_is_told_apart(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        if not isinstance(target, Verifiable):
            return
        first = owe(self.good(NOON))
        receipt = target.send(target.render([first]))
        self.settle(target)
        previous = receipt.delivered[first.reading_id]
        changed = owe(self.corrected(first.reading), revision="r2", previous=previous)
        sighting = target.find_existing([changed]).get(first.reading_id)
        assert sighting is None or not sighting.same

    def test_no_secret_is_shown(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        payload = target.render([owe(self.good(NOON)), owe(self.bad())])
        options = sample(self.kind)
        receipt = target.send(payload)
        shown = [repr(target), str(target), repr(options), repr(payload), repr(receipt)]
        text = "\n".join([*shown, *target.preview(payload), *map(str, receipt.refused.values())])
        assert not [secret for secret in self.secrets if secret in text]

    def test_the_documented_sample_loads(self, tmp_path: Path) -> None:
        made = self.kind.create(sample(self.kind), self.context(tmp_path))
        assert isinstance(made, Target)

    def test_options_refuse_a_key_nobody_knows(self) -> None:
        complaint = ""
        try:
            options_of(self.kind, {**sample_table(self.kind), "no_such_option": 1})
        except msgspec.ValidationError as error:
            complaint = str(error)
        assert "no_such_option" in complaint

    def test_options_cannot_be_changed(self) -> None:
        options = self.kind.options
        assert issubclass(options, msgspec.Struct)
        assert options.__struct_config__.frozen

    # the descriptor

    def test_the_descriptor_says_what_the_target_is(self, tmp_path: Path) -> None:
        target, kind = self.make(self.context(tmp_path)), self.kind
        assert isinstance(target, LatestOnly) == (kind.holds == "latest only")
        assert isinstance(target, DayRecords) == (kind.holds == "day records")
        assert isinstance(target, KeepsConnection) == kind.connected
        assert isinstance(target, Checks), "nobody could see whether it works"

    def test_what_is_asked_fills_options(self) -> None:
        known = {field.encode_name for field in msgspec.structs.fields(self.kind.options)}
        asked = {field.option for field in self.kind.wizard if field.example}
        assert asked <= known
        assert self.kind.environment.keys() <= known
        own = self.kind.name in own_kinds()
        prefix = "" if own else "WEIGHBRIDGE_"
        prefix += f"{self.kind.name.upper()}_"
        assert all(name.startswith(prefix) for name in self.kind.environment.values())
        if isinstance(self.kind.login, ApiKey):
            assert self.kind.login.option in known

    def test_the_example_lines_of_a_new_configuration_are_right(self) -> None:
        lines = lines_of(self.kind, None).splitlines()
        document = tomllib.loads("\n".join(line.removeprefix("# ") for line in lines))
        [table] = document["person"]["target"]
        assert isinstance(options_of(self.kind, own_keys(table)), self.kind.options)

    # what is kept of a day

    def test_a_day_has_one_record_that_the_newest_reading_fills(self, tmp_path: Path) -> None:
        if self.kind.holds != "day records":
            return
        context = self.context(tmp_path)
        target = self.make(context)
        assert isinstance(target, DayRecords)
        older, newer = self.good(NOON), self.good(NOON + 60)
        assert target.record_of(older) == target.record_of(newer)
        assert target.record_of(older) != target.record_of(self.good(NOON + DAY_SECONDS))
        before = len(self.standing(context))
        target.send(target.render([owe(newer), owe(older)]))
        assert len(self.standing(context)) == before + 1


def _tree(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def _comparable(payload: Any) -> Any:
    return msgspec.to_builtins(payload, enc_hook=repr)


def sample(kind: TargetKind) -> Any:
    """The options of the sample on the page of a kind, with secrets filled in."""
    return options_of(kind, sample_table(kind))


def sample_table(kind: TargetKind) -> dict[str, Any]:
    """The kind's own keys of the sample: the indented block that holds ``[[person.target]]``."""
    block = _indented_block(kind.page, "[[person.target]]")
    return own_keys(tomllib.loads(block)["person"]["target"][0])


def own_keys(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table of a target without the keys that every target has."""
    return {key: value for key, value in table.items() if key not in COMMON_KEYS}


def options_of(kind: TargetKind, table: Mapping[str, Any]) -> Any:
    """Options as a configuration would make them; every secret is ``SECRET``."""
    return msgspec.convert(table, kind.options, dec_hook=_made)


def _made(wanted: type[Any], written: Any) -> Any:
    if wanted is Secret:
        return Secret.of_value(SECRET)
    if wanted is Path:
        return Path(written)
    raise NotImplementedError(f"no rule for {wanted}")


def _indented_block(text: str, first_line: str) -> str:
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if line.strip() == first_line]
    assert starts, f"the docstring has no sample: no line {first_line}"
    following = lines[starts[0] + 1 :]
    block = takewhile(lambda line: not line or line.startswith(" "), following)
    return textwrap.dedent("\n".join([lines[starts[0]], *block]))
