"""The calls of the Withings service that Weighbridge makes for one account.

Errors leave here as decisions (``wire``); an access token that the service refuses is renewed
once, a call that came too early is repeated once. Source:
docs/reference/withings-api.md#measurements.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.core.network import form_client
from weighbridge.core.records import MEASURES
from weighbridge.sources.withings.call_policy import CallPolicy
from weighbridge.sources.withings.kind import MeasuresPage, parse_page
from weighbridge.sources.withings.oauth import API_URL
from weighbridge.sources.withings.token_refresh import TokenRefresh
from weighbridge.sources.withings.wire import TokenRefused, post

if TYPE_CHECKING:
    from weighbridge.core.form_client import FormClient

__all__ = ["Withings", "form_client"]

FROM_THE_BEGINNING = 1
"""The smallest ``lastupdate``: PHP takes 0 for "not given", and then nothing is promised."""


class Withings:
    """One Withings account, read with the tokens of its person."""

    def __init__(
        self,
        client: FormClient,
        tokens: TokenRefresh,
        policy: CallPolicy,
        url: str | None = None,
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._policy = policy
        self._url = (url or API_URL).rstrip("/")

    def pages(
        self,
        feed: str = MEASURES,
        *,
        changed_since: int | None = None,
        start: int | None = None,
        end: int | None = None,
    ) -> Iterator[MeasuresPage]:
        """Yield what changed since an instant, or what was measured from ``start`` to ``end``.

        Epoch seconds; ``changed_since`` is compared with the time of the last change, by the
        service's clock. Without any of them: everything. Each page is requested when the one
        before has been dealt with. Raises RetryLater, LoginNeeded, ConfigProblem or NotUnderstood,
        also between two pages: only the end of the iteration means that nothing is missing.
        """
        if feed != MEASURES:
            raise KeyError(feed)
        span = self._span(changed_since, start, end)
        offset = 0
        while True:
            page = self._page(span, offset)
            yield page
            if page.last:
                return
            if page.offset is None or page.offset <= offset:
                raise RetryLater(code="withings.no_offset")
            offset = page.offset

    def _span(
        self, changed_since: int | None, start: int | None, end: int | None
    ) -> dict[str, str]:
        """Either parameter, never both (docs/reference/withings-api.md#getmeas)."""
        if start is None and end is None:
            return {"lastupdate": str(max(changed_since or 0, FROM_THE_BEGINNING))}
        if changed_since is not None:
            raise ValueError("changed_since and a date window exclude each other")
        until = int(self._policy.clock()) if end is None else end
        return {"startdate": str(start or 0), "enddate": str(until)}

    def _page(self, span: Mapping[str, str], offset: int) -> MeasuresPage:
        form = {"action": "getmeas", **span}
        if offset:
            form["offset"] = str(offset)
        return parse_page(self.call("/measure", form))

    def call(self, path: str, form: Mapping[str, str]) -> msgspec.Raw:
        """One call with a valid access token; a refused one is replaced once. Its body.

        Every other word of the service for "this login is dead" needs a person as well. Raises
        like ``pages``.
        """
        token = self._tokens.access()
        try:
            return self._ask(path, form, token)
        except TokenRefused:
            token = self._tokens.refused(token)
        except LoginNeeded as refusal:
            raise self._tokens.login_needed(refusal) from refusal
        try:
            return self._ask(path, form, token)
        except LoginNeeded as refusal:
            raise self._tokens.login_needed(refusal) from refusal

    def ask_aside(self, path: str, form: Mapping[str, str]) -> msgspec.Raw:
        """One call for something that we can do without. Its body.

        A refusal (TokenRefused as well) says nothing about the login: it may be this service alone
        that was not granted. It is not tried again and not noted. Raises like ``pages``.
        """
        return self._ask(path, form, self._tokens.access())

    def _ask(self, path: str, form: Mapping[str, str], token: str) -> msgspec.Raw:
        return self._policy.call(lambda: post(self._client, self._url + path, form, token=token))
