"""The calls of the last minute to a service that counts them, of all processes of a home folder."""

from __future__ import annotations

from weighbridge.storage.database import Database


class CallLog:
    """Those to Withings. After a power cut nobody knows them any more, and a minute has passed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, now: float, *, most: int, seconds: float) -> float:
        """Count a call in, unless ``most`` were made within the last ``seconds``.

        0: it is counted. Otherwise the seconds after which to ask again. Calls of the future do not
        count: the clock was set back since, and must not hold us up.
        """
        with self._database.relaxed(), self._database.transaction():
            self._database.run("forget_withings_calls", until=now - seconds, now=now)
            row = self._database.one("withings_calls")
            if row is not None and row["number"] >= most:
                wait: float = row["oldest"] + seconds - now
                if wait > 0:
                    return wait
            self._database.run("add_withings_call", now=now)
        return 0.0
