"""``getmeas``: pages of measure groups (docs/reference/withings-api.md#measurements)."""

from __future__ import annotations

import msgspec

from weighbridge_sandbox.messages import Response
from weighbridge_sandbox.withings.answers import INVALID_PARAMS, Failure, integer, invalid
from weighbridge_sandbox.withings.household import Choice, Profile, StoredGroup

PAGE_SIZE = 300
"""Groups a page, unless it is set otherwise. The real size is not documented."""


def read_measures(profile: Profile, params: dict[str, str], now: int, page_size: int) -> Response:
    """One page. ``offset`` is the number of groups before it. Raises Failure.

    With ``lastupdate`` (compared with ``modified``, inclusive) the groups ascend by ``modified``,
    otherwise the newest ``date`` comes first: both orders were recorded.
    """
    choice = read_choice(params)
    since = integer(params, "lastupdate")
    offset = integer(params, "offset", 0) or 0
    if offset < 0:
        raise invalid("offset")
    if since is None:
        groups, first = profile.newest_first(choice), 0
    elif since > now:
        text = f"Invalid Params lastupdate is too high:[{since}]"
        raise Failure(INVALID_PARAMS, text, without_body=True)
    else:
        groups, first = profile.changed_since(since, choice)
    start = first + offset
    page = groups[start : start + page_size]
    following = offset + page_size if start + page_size < len(groups) else None
    return write_page(page, profile.timezone, now, following)


def read_choice(params: dict[str, str]) -> Choice:
    """The filters of a request. Raises Failure for what is no number."""
    types = None
    if params.get("meastypes"):
        try:
            types = frozenset(int(code) for code in params["meastypes"].split(","))
        except ValueError:
            raise invalid("meastypes") from None
    single = integer(params, "meastype")
    if single is not None:  # a list is refused here
        types = frozenset({single})
    return Choice(
        integer(params, "category"),
        integer(params, "startdate"),
        integer(params, "enddate"),
        types,
    )


def write_page(
    groups: list[StoredGroup], timezone: str, now: int, following: int | None
) -> Response:
    """The answer, put together from texts that were written once. ``more`` and ``offset`` are
    absent on the last page (docs/reference/withings-api.md#pages)."""
    head = b'{"status":0,"body":{"updatetime":%d,"timezone":%b,"measuregrps":[' % (
        now,
        msgspec.json.encode(timezone),
    )
    tail = b"]}}" if following is None else b'],"more":1,"offset":%d}}' % following
    body = head + b",".join(group.text for group in groups) + tail
    return Response(headers={"Content-Type": "application/json"}, body=body)
