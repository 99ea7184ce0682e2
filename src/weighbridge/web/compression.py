"""Answers for charts, made smaller. Pages are never compressed.

A page holds the word of its session beside text that others may choose: its compressed length would
tell something about that word (BREACH). What is compressed here holds no secret of a session.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

LEVEL = 5
"""Of 1 to 9: level 9 takes three times as long for 2 percent less."""
WORTH_IT = 1000
"""Bytes. A smaller answer fits into one packet anyway."""


def compressed(
    request: Request, content: bytes, kind: str, headers: Mapping[str, str] = {}
) -> Response:
    """An answer of a media type; compressed when the browser says that it understands that."""
    given = {**headers, "Vary": "Accept-Encoding", "Cache-Control": "no-store"}
    if len(content) >= WORTH_IT and _takes_gzip(request.headers.get("accept-encoding", "")):
        content = gzip.compress(content, LEVEL, mtime=0)
        given["Content-Encoding"] = "gzip"
    return Response(content, 200, given, kind)


def _takes_gzip(accepted: str) -> bool:
    """``gzip;q=0`` means no (RFC 9110, section 12.5.3)."""
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
