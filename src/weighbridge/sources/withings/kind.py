"""Withings as a source: one feed of measure groups, of which readings are made."""

from __future__ import annotations

from weighbridge.core.measures import READING_KINDS
from weighbridge.core.records import MEASURES
from weighbridge.sources.base import Feed, SourceKind
from weighbridge.sources.withings.parse import parse_group
from weighbridge.sources.withings.readings import readings

KIND = SourceKind(
    name="withings",
    service="Withings",
    feeds=(
        Feed(
            name=MEASURES,
            kinds=READING_KINDS,
            parse=parse_group,
            records=readings,
            keeps_points=True,
        ),
    ),
)
