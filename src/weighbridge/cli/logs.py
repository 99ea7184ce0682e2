"""Log lines on standard error: events with fields, as text or as JSON. Quiet unless asked."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec

from weighbridge.cli.output import log_messages_with

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_FOREIGN = ("httpx2", "httpcore2", "urllib3", "garminconnect", "filelock", "asyncio")


def set_up(verbose: int, *, as_json: bool) -> None:
    """Send our log lines to standard error; ``verbose`` 1 is INFO, 2 is DEBUG.

    Libraries stay at WARNING: their lines may contain private addresses and bodies.
    """
    root = logging.StreamHandler(sys.stderr)
    root.setFormatter(JsonLines() if as_json else Lines())
    log = logging.getLogger("weighbridge")
    log.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG))
    log.addHandler(root)
    for name in _FOREIGN:
        logging.getLogger(name).setLevel(logging.WARNING)
    if as_json:
        log_messages_with(_log_message)


def _log_message(text: str) -> None:
    """Log a message for people as an event, so that every line of standard error is JSON."""
    if text:
        log = logging.getLogger("weighbridge.messages")
        log.setLevel(logging.INFO)
        log.info("message", extra={"text": text.strip()})


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in _OWN}


class Lines(logging.Formatter):
    """``12:30:01 INFO page_stored groups=300 person=anna``"""

    def format(self, record: logging.LogRecord) -> str:
        time = self.formatTime(record, "%H:%M:%S")
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        line = f"{time} {record.levelname} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time`` (UTC), ``level``, ``event`` and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        import datetime

        line = {
            "time": datetime.datetime.fromtimestamp(record.created, datetime.UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()
