"""The time to encode 10,000 weigh-ins into a FIT file. Promised: 50 ms of processor time.

python benchmarks/fit_encoding.py
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from decimal import Decimal
from statistics import median

from weighbridge.core.measures import Reading
from weighbridge.targets.formats.fit_codec import encode_weights, read_weights
from weighbridge.targets.formats.fit_format import SERIAL, weight_row
from weighbridge.targets.formats.fit_messages import WeightRow
from weighbridge.testing.builders import NOON, weigh_in

ROWS = 10_000
ROUNDS = 5
HEIGHT_M = Decimal("1.72")


def history(count: int) -> list[Reading]:
    """Weigh-ins with all values of a body composition scale, in random order."""
    dice = random.Random(1)
    readings = [
        weigh_in(
            Decimal(dice.randrange(60_000, 90_000)).scaleb(-3),
            fat_percent=Decimal(dice.randrange(15_000, 30_000)).scaleb(-3),
            others={76: "50.12", 77: "38.5", 88: "2.9", 170: "2.5", 226: 1700, 227: 41},
            taken_at=NOON + 3600 * number,
        )
        for number in range(count)
    ]
    dice.shuffle(readings)
    return readings


def encode(rows: list[WeightRow]) -> bytes:
    return encode_weights(rows, manufacturer=None, product=None, serial=SERIAL)


def seconds(work: Callable[[], object]) -> float:
    """Median processor seconds of a few rounds."""
    return median(_once(work) for _ in range(ROUNDS))


def _once(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def encoding_seconds() -> float:
    """Processor seconds for the bytes of 10,000 weigh-ins."""
    rows = [weight_row(reading, HEIGHT_M) for reading in history(ROWS)]
    return seconds(lambda: encode(rows))


def main() -> None:
    """Print the table."""
    readings = history(ROWS)
    content = encode([weight_row(reading, HEIGHT_M) for reading in readings])
    conversion = seconds(lambda: [weight_row(reading, HEIGHT_M) for reading in readings])
    print(f"FIT, {ROWS:,} weigh-ins, {len(content):,} bytes, processor time")
    print(f"  readings to rows {conversion * 1000:8.1f} ms")
    print(f"  rows to bytes    {encoding_seconds() * 1000:8.1f} ms   promised: 50 ms")
    print(f"  bytes to rows    {seconds(lambda: read_weights(content)) * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
