"""A home with one person, a Withings stand-in of its own, and a worker without its thread."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from weighbridge.archive.archive import Archive
from weighbridge.archive.knocks import open_knocks, store_knocks
from weighbridge.assembly import Workplace
from weighbridge.config import load
from weighbridge.connecting import keep_login
from weighbridge.sandbox.admin import Admin
from weighbridge.sandbox.clock import Clock
from weighbridge.sandbox.http import Sandbox
from weighbridge.sandbox.withings import WithingsCloud
from weighbridge.server.counts import Counts
from weighbridge.server.rounds import Rounds
from weighbridge.server.scheduler import NEVER, Errand, Scheduler
from weighbridge.targets.base import News
from weighbridge.withings.knock import Knock

CALLBACK = "http://localhost:9473/callback"
FILE = 'kind = "file"\nformat = "json"\npath = "anna.jsonl"\nsince = 2000-01-01\n'


class World:
    """``clock`` is that of the cloud as well as ours; it moves when the test says so."""

    def __init__(self, home: Path, cloud: WithingsCloud, sandbox: Sandbox, clock: Clock) -> None:
        self.cloud = cloud
        self.clock = clock
        self.admin = Admin(sandbox.url)
        self.counts = Counts()
        self.ended: list[tuple[str, News]] = []
        self.home = home
        self.workplace = Workplace(load(home, {}, secret_folder=home), clock=clock)
        self.scheduler = Scheduler(["anna"], clock)
        self.rounds = Rounds(
            self.workplace,
            self.scheduler,
            self.counts,
            {},
            random=lambda: 0.5,
            ended=lambda *news: self.ended.append(news),
        )

    @property
    def archive(self) -> Archive:
        archive = self.workplace.archive("anna")
        assert archive is not None
        return archive

    def log_in(self) -> None:
        person = self.workplace.settings.person("anna")
        code = self.admin.code("anna", CALLBACK)
        keep_login(self.workplace, person, self.workplace.app(), code)

    def knock(self, taken_at: int, appli: int = 1) -> None:
        """A notification has been stored."""
        knock = Knock(self.archive.userid, appli, taken_at - 1, taken_at)
        store_knocks(self.workplace.database, [(knock, self.clock())])
        self.scheduler.knock("anna")

    def weigh_in(self, kg: str = "72.4") -> int:
        """A reading in the cloud; its instant."""
        groups = self.admin.tell("withings", "weigh_in", profile="anna", kg=kg, notify=False)
        return int(groups[0]["date"])

    def run(self, **errand: Any) -> None:
        """One round, whatever the diary says, and the slow targets after it."""
        self.rounds.run(Errand("anna", **errand))
        slow = self.scheduler._slow["anna"]
        since, slow.since, slow.serve_at = slow.since, None, NEVER
        self.rounds.run(Errand("anna", slow=True, since=since))

    def run_next(self) -> Errand:
        """The next errand of the diary; the clock is turned to it."""
        diaries = (self.scheduler._diaries["anna"], self.scheduler._slow["anna"])
        due = min(diary.due_at() for diary in diaries)
        self.clock.offset += max(0.0, due - self.clock())
        errand = self.scheduler.take()
        assert errand is not None
        self.rounds.run(errand)
        self.scheduler.done(errand)
        return errand

    def asked(self) -> int:
        """How often measurements were asked for."""
        return len(self.admin.requests(path="/measure"))

    def open_knocks(self) -> int:
        return len(open_knocks(self.workplace.database, self.archive.account))

    def delivered(self) -> list[Any]:
        """The readings in the file."""
        path = self.home / "anna.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def world(home: Path, *, target: str = FILE, connected: bool = True) -> Iterator[World]:
    """The person anna, connected unless the test says otherwise."""
    clock = Clock(lambda: start)
    start = float(int(time.time()))
    cloud = WithingsCloud(clock=clock)
    cloud.household.add_profile("anna", timezone="Europe/Paris", groups=[])
    with Sandbox([cloud], clock=clock) as sandbox:
        home.mkdir(mode=0o700, exist_ok=True)
        tokens = cloud.tokens
        path = home / "weighbridge.toml"
        path.write_text(
            f'[withings]\nurl = "{sandbox.url}"\nclient_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n\n[[person]]\nname = "anna"\n\n'
            f"[[person.target]]\n{target}"
        )
        path.chmod(0o600)
        made = World(home, cloud, sandbox, clock)
        with made.workplace:
            if connected:
                made.log_in()
            yield made
