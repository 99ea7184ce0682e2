"""Anna and Ben with targets that sign in, the real Garmin library at the sandbox, and the pages."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener
from weakref import WeakKeyDictionary

import msgspec
import pytest

from cli_world import LONG_AGO, House
from pages_world import Answer, Site, Visitor
from weighbridge.archive.person_links import PersonLinks
from weighbridge.connecting import keep_login
from weighbridge.errors import LoginNeeded
from weighbridge.sandbox.withings.notify import Subscription
from weighbridge.server.pages.chores import Chore
from weighbridge.server.subscriptions.upkeep import callback_of
from weighbridge.targets.base import Answers, SignedIn
from weighbridge.testing.builders import NOON

PUBLIC = 'url = "https://home.example.org"'
ANNA = ("anna@example.test", "anna-walks-home")
BEN = ("ben@example.test", "ben-rides-uphill")
BENS_CODE = "123456"
RIDER = ("anna-rides", "anna-climbs-hills")
LOGIN = "/mobile/api/login"


def journal() -> ModuleType:
    """A kind of another package, with a sign-in of its own."""

    class Options(msgspec.Struct, frozen=True, kw_only=True):
        pass

    def sign_in(options: Options, answers: Answers) -> SignedIn:
        password = answers.password()
        if password == "no":
            raise LoginNeeded("The journal is locked.", remedy="Unlock it.")
        if password == "same code":
            assert answers.code is not None
            return SignedIn({"key": answers.code()}, "journal-1", "Journal of Anna")
        raise RuntimeError(f"cannot cope with {password}")

    class Journal:
        batch_size, idempotent = 1, True

        def takes(self, reading: object) -> list[object]:
            return []

    made = ModuleType("weighbridge.targets.journal")
    vars(made).update(Options=Options, sign_in=sign_in, create=lambda options, context: Journal())
    return made


class Street:
    """One site for a whole module; ``tidy`` makes it new for the next test."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.house = site.house
        with site.parts().open():
            pass  # now there is a database

    def tidy(self) -> None:
        self.site.now = float(NOON)
        self.site.woken.clear()
        self.house.admin.clear_faults()
        self.house.garmin.gate.close(None)
        for table in ("delivery", "route", "brake", "credential", "subscription_care", "account"):
            self.house.database(f"DELETE FROM {table}")
        for profile in self.house.withings.household.profiles.values():
            self.house.withings.subscriptions.forget(profile.userid)
        self._seen = len(self.house.requests())

    def asked(self, path: str) -> int:
        """How often a path was asked for in this test."""
        return sum(one["path"] == path for one in self.house.requests()[self._seen :])

    def member(self, person: str) -> Visitor:
        """Somebody who came by a person link."""
        with self.site.parts().open() as workplace:
            token = PersonLinks(workplace.database).make(person, self.site.now)
        visitor = self.site.visitor()
        assert visitor.get(f"/p/{token}").status == 303
        return visitor

    def connect(self, person: str = "anna") -> None:
        """Connect the Withings profile of that name."""
        with self.site.parts().open() as workplace:
            code = self.house.admin.code(person, self.house.callback_url)
            keep_login(workplace, workplace.settings.person(person), workplace.app(), code)

    def callback(self) -> str:
        with self.site.parts().open() as workplace:
            return callback_of(workplace) or ""

    def subscribe(self, *applis: int, callback: str = "", person: str = "anna") -> None:
        """As if it had been done at Withings."""
        userid = int(self.site.userid(person))
        made = [Subscription(userid, appli, callback or self.callback()) for appli in applis]
        self.house.withings.subscriptions._all.extend(made)

    def at_withings(self, person: str = "anna") -> list[int]:
        found = self.house.withings.subscriptions.of(int(self.site.userid(person)))
        return sorted(one.appli for one in found)

    def accounts(self) -> dict[tuple[str, str], str]:
        """(person, target) → whose login is stored."""
        rows = self.house.database("SELECT person, service, account FROM credential")
        return {(row[0], row[1].removeprefix("target ")): row[2] for row in rows}

    def ticket(self, link: str, who: tuple[str, str] = ANNA) -> str:
        """What a person does: open the link, fill in the form, copy what comes back."""
        browser = build_opener(ProxyHandler({}), HTTPCookieProcessor())
        page = browser.open(link).read().decode()
        token = page.partition('name="_csrf"')[2].partition('value="')[2].partition('"')[0]
        form = {"username": who[0], "password": who[1], "embed": "true", "_csrf": token}
        try:
            return str(browser.open(link, urlencode(form).encode()).read().decode())
        except HTTPError as error:
            raise AssertionError(error.read()) from error


_words: WeakKeyDictionary[Visitor, str] = WeakKeyDictionary()


def send(visitor: Visitor, path: str, **form: str) -> Answer:
    """Send a form with the word of the session, and follow until nothing is under way."""
    if visitor not in _words:
        _words[visitor] = visitor.csrf()
    answer = visitor.post(path, csrf=_words[visitor], **form)
    while answer.status == 303:
        answer = visitor.get(urlsplit(answer.place).path)
        while "Refresh" in answer.headers:
            answer = visitor.get(_address_of(answer))
    return answer


def _address_of(answer: Answer) -> str:
    """Where the page that waits looks again."""
    return answer.text.partition('class="button" href="')[2].partition('"')[0]


def sign_in(visitor: Visitor, person: str, who: tuple[str, str], target: str = "garmin") -> Answer:
    """Fill in the form and wait for what comes of it."""
    form = {"username": who[0], "password": who[1]}
    return send(visitor, f"/connect/{person}/{target}", **form)


def wait_until(happened: Callable[[], Any]) -> None:
    end = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < end, "It did not happen."
        time.sleep(0.01)


@contextmanager
def street(home: Path) -> Iterator[Street]:
    """The family; nobody is connected or signed in yet."""
    house = House(home)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NO_PROXY", "no_proxy"):
            patch.setenv(name, "127.0.0.1")
        patch.setitem(sys.modules, "weighbridge.targets.journal", journal())
        try:
            for name in ("anna", "ben"):
                house.person(name)
                house.target(name, "garmin", f'username = "{name}@example.test"\n{LONG_AGO}')
                house.target(name, "trainerroad")
            house.target("anna", "file", f'path = "anna.json"\n{LONG_AGO}')
            house.target("anna", "journal", 'name = "my/journal"')
            with Site(house, PUBLIC) as site:
                yield Street(site)
        finally:
            give_up_all()
            house.close()


def give_up_all() -> None:
    """No thread of ours waits for a code when the next module begins."""
    for chore in [one for one in gc.get_objects() if type(one) is Chore]:
        chore.give_up()
    wait_until(lambda: not chore_threads())


def chore_threads() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if one.name == "weighbridge-chore"]
