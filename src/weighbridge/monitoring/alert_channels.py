"""Where alerts are sent: Apprise addresses. And the address that is pinged while all is well.

All of these addresses hold passwords. They are revealed where they are used and are in no log line
and no error; Apprise writes them into its own log, so that is switched off.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from weighbridge.core.errors import ConfigProblem, Problem, backoff
from weighbridge.core.network import http_client, is_loopback, within
from weighbridge.core.secret import Secret

log = logging.getLogger(__name__)

TITLE = "Weighbridge"
SEND_LIMIT = 30.0
"""Seconds for one message on one channel."""
FIRST_WAIT = 60.0
LONGEST_WAIT = 3600.0
PING_LIMIT = 10.0
PING_EVERY = 300.0


class Channel:
    """One Apprise address. After a failure it is left alone for a while, longer each time."""

    def __init__(self, number: int, address: Secret) -> None:
        self._number = number
        self._address = address
        self._failures = 0
        self._not_before = 0.0

    def is_ready(self, now: float) -> bool:
        """Whether it may be tried. A clock that was set back does not silence it for long."""
        return not now < self._not_before <= now + LONGEST_WAIT

    def send(self, text: str, now: float) -> bool:
        """Whether the channel has accepted it. Never raises; takes ``SEND_LIMIT`` at most."""
        try:
            taken = within(SEND_LIMIT, lambda: _send(self._address, text))
            reason = "refused"
        except Exception as error:  # plugins are strangers, and their errors may hold addresses
            taken, reason = False, type(error).__name__
            if isinstance(error, Problem):
                reason = str(error)
        if taken:
            self._failures, self._not_before = 0, 0.0
            return True
        if self._failures == 0:
            log.warning("alert_not_sent", extra={"channel": self._number, "reason": reason})
        self._failures += 1
        self._not_before = now + backoff(self._failures, FIRST_WAIT, LONGEST_WAIT)
        return False


def _send(address: Secret, text: str) -> bool:
    """Raises ConfigProblem when Apprise is missing or does not understand the address."""
    try:
        import apprise
    except ModuleNotFoundError:
        raise ConfigProblem(code="alerts.not_installed") from None
    _silence()
    # No threads of its own: they would hold up the end of the program.
    asset = apprise.AppriseAsset(
        app_id=TITLE, async_mode=False, service_timeout=0, storage_mode="memory"
    )
    channel = apprise.Apprise(asset=asset)
    if not channel.add(address.reveal()):
        raise ConfigProblem(code="alerts.address")
    return bool(channel.notify(body=text, title=TITLE, body_format=apprise.NotifyFormat.TEXT))


def _silence() -> None:
    logger = logging.getLogger("apprise")
    logger.propagate = False
    logger.handlers[:] = [logging.NullHandler()]
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # it warns with addresses


class Ping:
    """The dead-man's switch: an address that is requested while all is well, so that another
    machine notices silence.
    """

    def __init__(self, address: Secret) -> None:
        self._address = address
        self._sent_at: float | None = None
        self._failed = False

    def send(self, now: float) -> None:
        """Request it unless that was done just now. Never raises; takes ``PING_LIMIT`` at most."""
        if self._sent_at is not None and 0.0 <= now - self._sent_at < PING_EVERY:
            return
        try:
            within(PING_LIMIT, lambda: _ask(self._address))
        except Exception as error:  # the text of a network error may hold the address
            if not self._failed:
                reason = str(error) if isinstance(error, Problem) else type(error).__name__
                log.warning("ping_failed", extra={"reason": reason})
            self._failed = True
        else:
            self._sent_at, self._failed = now, False


def _ask(address: Secret) -> None:
    url = address.reveal()
    parts = urlsplit(url)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise ConfigProblem(code="alerts.ping_scheme")
    with http_client(url) as client:
        answer = client.get(url, timeout=PING_LIMIT)
    if answer.is_error:
        raise ConfigProblem(code="alerts.ping_refused", status=answer.status_code)
