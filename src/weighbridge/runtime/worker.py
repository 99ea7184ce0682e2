"""A worker: takes errands and carries them out. Nothing that goes wrong in one ends its work."""

from __future__ import annotations

import logging
from collections.abc import Callable

from weighbridge.core.errors import Problem
from weighbridge.runtime.counters import ProcessCounters
from weighbridge.runtime.schedule import Job, Schedule
from weighbridge.runtime.sync_job import SyncJob

log = logging.getLogger(__name__)

AFTER_A_DEFECT = 60.0
"""Seconds until a person is taken up again after an error that nobody expected."""


class Worker:
    """Works in one thread, with rounds of its own."""

    def __init__(
        self,
        rounds: SyncJob,
        scheduler: Schedule,
        counts: ProcessCounters,
        clock: Callable[[], float],
    ) -> None:
        self._rounds = rounds
        self._scheduler = scheduler
        self._counts = counts
        self._clock = clock

    def work(self) -> None:
        """Errand after errand until the scheduler is closed. Raises what ends the server."""
        while (errand := self._scheduler.take()) is not None:
            self._carry_out(errand)

    def _carry_out(self, errand: Job) -> None:
        try:
            self._rounds.run(errand)
        except Problem as problem:
            log.warning("round_failed", extra={"person": errand.person, "problem": problem.message})
            self._take_up_again(errand)
        except Exception:
            log.exception("round_failed", extra={"person": errand.person})
            self._take_up_again(errand)
        finally:
            self._scheduler.done(errand)

    def _take_up_again(self, errand: Job) -> None:
        """Everything that was due stays due: what was done already is done again without harm."""
        self._counts.round_failed()
        at = self._clock() + AFTER_A_DEFECT
        if errand.slow:
            self._scheduler.serve_slow(errand.person, at)
            return
        if errand.asking:
            self._scheduler.ask(errand.person, at)
        if errand.notified:
            self._scheduler.notified(errand.person, AFTER_A_DEFECT)
        for target in errand.announce:
            self._scheduler.announce(errand.person, target, at)
        self._scheduler.serve(errand.person, at)
