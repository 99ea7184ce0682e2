"""Anna and Ben, whose readings go into files, a sandbox, and a public address that answers HEAD."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli_world import LONG_AGO, World, move_in
from sandbox_life import Listener
from weighbridge.assembly import Workplace
from weighbridge.config import load
from weighbridge.server.subscriptions.mending import Care
from weighbridge.server.subscriptions.upkeep import callback_of, look_after

sys.path.insert(0, str(Path(__file__).parent / "stories"))

from house import House


class Street:
    """Sandbox and logins are made once; each test gets a home of its own and a clean slate."""

    def __init__(self, folder: Path) -> None:
        self.listener = Listener()
        self.public = self.listener.url.partition("/knock")[0]
        home = folder / "first"
        home.mkdir(mode=0o700)
        self.house = House(home)
        for name in ("anna", "ben"):
            self.house.person(name)
            self.house.target(name, "file", f'path = "{name}.fit"\n{LONG_AGO}')
        move_in(World(self.house, home))

    def close(self) -> None:
        self.house.close()
        self.listener.close()

    def move_into(self, home: Path, public: str | None = "") -> Home:
        """A home of its own at clouds where nothing is subscribed."""
        shutil.copytree(self.house.home, home)
        self.listener.head_status = 200
        self.listener.heads = 0
        self.house.admin.clear_faults()
        for profile in self.house.withings.household.profiles.values():
            self.house.withings.subscriptions.forget(profile.userid)
        made = Home(self, home)
        if public is not None:
            made.configure(public or self.public)
        return made


class Home:
    """One home folder of the street, with a clock that moves when somebody sleeps."""

    def __init__(self, street: Street, home: Path) -> None:
        self.street = street
        self.path = home
        self.world = World(street.house, home)
        self.now = time.time()
        self.naps: list[float] = []
        self.told: list[str] = []

    def configure(self, public: str) -> None:
        """Give the server a public address, instead of the one before."""
        path = self.path / "weighbridge.toml"
        text = path.read_text("utf-8").partition("\n[server]")[0]
        path.write_text(f'{text}\n[server]\nurl = "{public}"\n', "utf-8")

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    @contextmanager
    def workplace(self) -> Iterator[Workplace]:
        with Workplace(load(self.path, {}), clock=self.clock, sleep=self.sleep) as opened:
            yield opened

    def callback(self) -> str:
        with self.workplace() as workplace:
            return callback_of(workplace) or ""

    def look_after(self, person: str = "anna", **more: object) -> Care:
        """What the server does when somebody is due."""
        with self.workplace() as workplace:
            callback = callback_of(workplace)
            assert callback is not None
            given = {"clock": self.clock, "sleep": self.sleep, "chance": lambda: 0.0}
            return look_after(
                workplace,
                workplace.settings.person(person),
                callback,
                tell=self.told.append,
                **{**given, **more},  # type: ignore[arg-type]
            )

    def userid(self, person: str = "anna") -> int:
        return int(self.street.house.withings.household.profile(person).userid)

    def at_withings(self, person: str = "anna") -> list[tuple[int, str]]:
        """What is subscribed there, sorted."""
        found = self.street.house.withings.subscriptions.of(self.userid(person))
        return sorted((one.appli, one.callbackurl) for one in found)

    def somebody_else_subscribes(self, callback: str, appli: int = 1, person: str = "anna") -> None:
        from weighbridge.sandbox.withings.notify import Subscription

        subscriptions = self.street.house.withings.subscriptions
        subscriptions._all.append(Subscription(self.userid(person), appli, callback))
