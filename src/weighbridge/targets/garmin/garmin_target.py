"""The target: a weigh-in travels in a FIT file, a blood pressure as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar

import msgspec

from weighbridge.core.measures import Kind, Measurement, MeasureType, Reading
from weighbridge.targets.base import Context, Existing, Owed, Receipt
from weighbridge.targets.formats.fit_format import fit_part
from weighbridge.targets.garmin.garmin_account import GarminAccount
from weighbridge.targets.garmin.garmin_options import GarminOptions
from weighbridge.targets.garmin.garmin_payload import GarminPayload, Renderer, lines_of
from weighbridge.targets.garmin.remote_entries import (
    Held,
    Wanted,
    match_pressures,
    match_weights,
    older_entries,
    span_of,
)
from weighbridge.targets.receipt_builder import send_each


class GarminTarget:
    """Sending twice writes twice, so the engine looks first."""

    batch_size: ClassVar[int] = 200
    idempotent: ClassVar[bool] = False

    def __init__(self, options: GarminOptions, context: Context) -> None:
        self.visible_after = options.resend_after
        self._options = options
        self._account = GarminAccount(options.place(), context)
        self._renderer = Renderer(
            part=self.takes,
            height=context.height,
            timezone=context.timezone,
            manufacturer=options.manufacturer,
            product=options.product,
        )

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """A weigh-in's body composition, or a complete blood pressure; nothing else."""
        options = self._options
        if reading.kind == Kind.BLOOD_PRESSURE and not options.blood_pressure:
            return []
        unwanted = None if options.muscle_mass else MeasureType.MUSCLE_MASS
        return [one for one in fit_part(reading) if one.type_code != unwanted]

    def render(self, owed: Sequence[Owed]) -> GarminPayload:
        """One FIT file and the blood pressures, oldest first. What cannot be sent is named."""
        return self._renderer.render(owed)

    def preview(self, payload: GarminPayload) -> Iterable[str]:
        """One line a reading."""
        return lines_of(payload)

    def send(self, payload: GarminPayload) -> Receipt:
        """Upload the file, then write the blood pressures one by one until one meets trouble.

        The file goes first: refused as a whole it is split and sent again, and nothing else may
        have been written by then.
        """
        return send_each(self._steps(payload), payload.refused)

    def _steps(self, payload: GarminPayload) -> Iterator[tuple[list[str], Callable[[], str]]]:
        if payload.file:
            yield [one.reading_id for one in payload.weigh_ins], lambda: self._upload(payload.file)
        for one in payload.pressures:
            yield [one.reading_id], partial(self._account.add_pressure, dict(one.entry))

    def _upload(self, file: bytes) -> str:
        self._account.upload(file)
        return ""  # Garmin gives a weigh-in its key later

    def find_existing(self, owed: Sequence[Owed]) -> Mapping[str, Existing]:
        """The entry at the second of each reading: one read for each kind that is owed."""
        weights, pressures = self._renderer.wanted(owed)
        found = match_weights(weights, self._weigh_ins(weights))
        return found | match_pressures(pressures, self._pressures(pressures))

    def replace(self, owed: Sequence[Owed]) -> Receipt:
        """Delete the old entry of each reading, then send all in one file."""
        payload = self.render(owed)
        weights, pressures = self._renderer.wanted(owed)
        done = self._make_room(weights, pressures)
        receipt = self.send(self._renderer.without(payload, done))
        return msgspec.structs.replace(receipt, delivered={**receipt.delivered, **done})

    def _make_room(self, weights: list[Wanted], pressures: list[Wanted]) -> dict[str, str]:
        """Delete older values. Returns the readings whose new values are there already."""
        held, held_pressures = self._weigh_ins(weights), self._pressures(pressures)
        found = match_weights(weights, held) | match_pressures(pressures, held_pressures)
        for reference in older_entries(weights, held, found):
            self._account.remove_weigh_in(reference)
        for reference in older_entries(pressures, held_pressures, found):
            self._account.remove_pressure(reference)
        return {name: one.reference for name, one in found.items() if one.same}

    def _weigh_ins(self, wanted: Sequence[Wanted]) -> list[Held]:
        return self._account.weigh_ins(*_days(wanted)) if wanted else []

    def _pressures(self, wanted: Sequence[Wanted]) -> list[Held]:
        return self._account.pressures(*_days(wanted)) if wanted else []

    def check(self) -> str:
        """Who is logged in. Raises LoginNeeded or RetryLater."""
        name = self._account.profile().name
        return f"Logged in to Garmin Connect ({self._options.domain}) as {name}."


def _days(wanted: Sequence[Wanted]) -> tuple[str, str]:
    return span_of(one.instant for one in wanted)
