"""Withings as a source: one feed of measure groups, and how an answer becomes such groups.

A page is taken apart without looking into its groups, so that one odd group cannot refuse the
page; each group is parsed alone. Source: docs/reference/withings-api.md#measurements.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from weighbridge.core.errors import RetryLater
from weighbridge.core.measures import READING_KINDS, MeasureGroup, Measurement
from weighbridge.core.records import MEASURES
from weighbridge.sources.base import Feed, OddGroup, Page, SourceKind
from weighbridge.sources.withings.readings import readings

UNKNOWN_ATTRIBUTION = -1
"""Stands for an attribution that the service does not tell (seen on groups of 2014)."""
REAL_MEASURE = 1
"""The category of measures; 2 is a goal. Every recording names it."""

_Stored = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]  # what a database column holds
_Time = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]  # what a calendar can show
_Exponent = Annotated[int, msgspec.Meta(ge=-30, le=30)]  # -6 is the smallest ever seen

_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class MeasuresPage(Page, frozen=True):
    """One answer of ``getmeas``. Its groups are not parsed yet: they point into the answer."""

    offset: int | None = None
    """What to ask for next; None on the last page, and when the service forgot to tell."""


class _Body(msgspec.Struct):
    updatetime: _Time
    measuregrps: list[msgspec.Raw] | dict[str, msgspec.Raw]
    timezone: Any = None
    more: Any = None
    offset: Any = None


class _Measure(msgspec.Struct, gc=False):
    value: _Stored
    type: _Stored
    unit: _Exponent
    position: _Stored | None = None


class _Group(msgspec.Struct):
    grpid: _Stored
    date: _Time
    measures: list[_Measure]
    attrib: _Stored | None = None
    category: _Stored | None = None
    created: _Time | None = None
    modified: _Time | None = None
    deviceid: Any = None
    hash_deviceid: Any = None
    model: Any = None
    timezone: Any = None


# Not strict: a number may come as text ("72"), as other services of Withings do it.
_BODY = msgspec.json.Decoder(_Body, strict=False)
_GROUP = msgspec.json.Decoder(_Group, strict=False)


def parse_page(body: bytes | msgspec.Raw) -> MeasuresPage:
    """Take the ``body`` of ``getmeas`` apart (docs/reference/withings-api.md#pages).

    An empty, missing or list-shaped body teaches nothing, not even the service's time: that is
    RetryLater, so that the cursor stays where it is. ``more`` may be 1 or true; the list of groups
    may be an object, because PHP writes lists with gaps that way.
    """
    try:
        content = _BODY.decode(body)
    except _UNREADABLE as error:
        raise RetryLater(code="withings.incomplete") from error
    groups = content.measuregrps
    more = content.more not in (None, False, 0, "", "0", "false")
    return MeasuresPage(
        groups=groups if isinstance(groups, list) else list(groups.values()),
        updatetime=content.updatetime,
        timezone=_text(content.timezone),
        last=not more,
        offset=_whole(content.offset) if more else None,
    )


def parse_group(raw: bytes | msgspec.Raw, zone: str | None) -> MeasureGroup:
    """One measure group (docs/reference/withings-api.md#measure-groups). Raises OddGroup.

    Whole numbers may be text; ``created`` and ``modified`` may be missing, device, model and zone
    may be missing, null or empty; keys that nobody knows are ignored; ``measures`` may be empty.
    The group is odd as a whole if ``grpid``, ``date`` or ``measures`` cannot be used or if one of
    the measures lacks a whole ``value``, ``type`` or ``unit``: half a group would look complete.
    ``zone`` is the page's, used when the group has none of its own.
    """
    try:
        group = _GROUP.decode(raw)
    except _UNREADABLE as error:
        raise OddGroup(_reason(error)) from None
    return MeasureGroup(
        group_id=group.grpid,
        taken_at=group.date,
        stored_at=group.created,
        updated_at=group.modified,
        attribution=UNKNOWN_ATTRIBUTION if group.attrib is None else group.attrib,
        category=REAL_MEASURE if group.category is None else group.category,
        device=_text(group.deviceid) or _text(group.hash_deviceid),
        model=_text(group.model),
        timezone=_text(group.timezone) or zone,
        measurements=tuple(
            [Measurement(m.type, m.value, m.unit, m.position) for m in group.measures]
        ),
    )


def _reason(error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return str(error)
    return "not valid JSON"


def _text(content: object) -> str | None:
    """Text, or None for null, empty text and anything that is not text."""
    return content if isinstance(content, str) and content else None


def _whole(content: object) -> int | None:
    """A whole number above zero, also when it came as text; else None."""
    if isinstance(content, str) and content.isascii() and content.isdecimal():
        content = int(content[:18])
    if isinstance(content, int) and not isinstance(content, bool) and content > 0:
        return content
    return None


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
