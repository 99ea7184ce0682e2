"""What a broken connection means: did the request leave or not? Imported late, like ``adapter``.

``requests`` carries the API calls and ``curl_cffi`` the token and sign-in calls; the errors of both
are OSErrors.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from weighbridge.core.errors import OutcomeUnknown, RetryLater

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
)


def trouble_of_network(error: OSError) -> RetryLater | OutcomeUnknown:
    """The decision after a request without an answer."""
    if not may_have_arrived(error):
        return unreachable(error)
    return OutcomeUnknown(code="garmin.broke", error=_name(error))


def may_have_arrived(error: BaseException) -> bool:
    """Whether the request may have reached Garmin. In doubt it may."""
    if isinstance(error, requests.RequestException) and isinstance(error, ValueError):
        return False  # an address or a header that cannot be sent at all
    return not any(isinstance(link, _NOT_SENT) for link in _links(error))


def unreachable(error: OSError, code: str = "garmin.unreachable") -> RetryLater:
    """Garmin did not get the request, or it makes no difference whether it did."""
    return RetryLater(code=code, error=_name(error))


def _name(error: BaseException) -> str:
    # The class only: the texts of the HTTP libraries repeat addresses and what they hold.
    return type(error).__name__


def _links(error: BaseException) -> Iterator[BaseException]:
    """The error and everything it was made of."""
    waiting, seen = [error], set[int]()
    while waiting:
        link = waiting.pop()
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        parts = (*link.args, getattr(link, "reason", None), link.__cause__, link.__context__)
        waiting += [part for part in parts if isinstance(part, BaseException)]
