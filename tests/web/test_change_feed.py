"""Pages that are open hear whose card changed: at once, nothing else, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from fixtures.edge import call, hear, hear_until, listening
from fixtures.jobs import FILE, world
from fixtures.person_links import enter, make_link, revoke
from fixtures.waiting import PATIENCE, wait_until
from fixtures.web_server import Site, Visitor, site
from weighbridge.config import load
from weighbridge.web.change_feed import ChangeFeed, Stream, Subscriber, written
from weighbridge.web.http_connection import USUAL, Limits
from weighbridge.web.process import Server
from weighbridge.web.sessions import IDLE_SECONDS

EVERYBODY = ("anna", "ben")
END = "\r\n0\r\n\r\n"
"""Of a chunked answer that came to its own end."""


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Anna and Ben."""
    with site(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def live(now: list[float]) -> ChangeFeed:
    return ChangeFeed(lambda: now[0], most=3, most_of_session=2)


def names(live: ChangeFeed, people: Collection[str], mark: int = 0) -> list[str]:
    return [news.person for news in live.since(people, mark)]


# --- What is remembered ---------------------------------------------------------------------------


def test_a_page_hears_what_changed_after_it_was_made(live: ChangeFeed, now: list[float]) -> None:
    live.tell("anna")
    mark = live.mark(EVERYBODY)
    assert names(live, EVERYBODY, mark) == []
    live.tell("ben")
    live.tell("anna")
    live.tell("anna")
    assert names(live, EVERYBODY, mark) == ["ben", "anna"]


def test_a_mark_says_nothing_about_people_who_are_not_seen(
    live: ChangeFeed, now: list[float]
) -> None:
    live.tell("anna")
    mark = live.mark(["anna"])
    now[0] += 60
    live.tell("ben")
    assert live.mark(["anna"]) == mark
    assert names(live, ["anna"], mark) == []


def test_a_page_from_before_a_restart_hears_everything_new(
    live: ChangeFeed, now: list[float]
) -> None:
    live.tell("anna")
    mark = live.mark(EVERYBODY)
    now[0] += 1
    restarted = ChangeFeed(lambda: now[0])
    assert names(restarted, EVERYBODY, mark) == []
    restarted.tell("anna")
    assert names(restarted, EVERYBODY, mark) == ["anna"]


def test_a_clock_that_was_set_back_hides_nothing(live: ChangeFeed, now: list[float]) -> None:
    live.tell("anna")
    mark = live.mark(EVERYBODY)
    now[0] -= 3600
    live.tell("ben")
    assert names(live, EVERYBODY, mark) == ["ben"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans())))
def test_whoever_asks_again_and_again_misses_nothing(tellings: list[tuple[str, bool]]) -> None:
    live, mark, heard = ChangeFeed(lambda: 0.0), 0, dict[str, int]()
    for number, (person, asks) in enumerate(tellings):
        live.tell(person)
        for news in live.since("abc", mark) if asks else ():
            heard[news.person], mark = number, news.mark
    for news in live.since("abc", mark):
        heard[news.person] = len(tellings)
    for number, (person, _) in enumerate(tellings):
        assert heard[person] >= number


def test_there_are_never_more_listeners_than_agreed(live: ChangeFeed) -> None:
    async def join() -> list[bool]:
        listeners = [Subscriber(session, ["anna"]) for session in ("one", "one", "one", "two", "x")]
        joined = [live.join(one) for one in listeners]
        live.leave(listeners[0])
        live.leave(listeners[0])
        return [*joined, live.join(listeners[4])]

    assert asyncio.run(join()) == [True, True, False, True, False, True]
    assert live.count() == 3


def test_telling_is_harmless_when_the_loop_has_ended(live: ChangeFeed) -> None:
    async def join() -> bool:
        return live.join(Subscriber("one", ["anna"]))

    assert asyncio.run(join())
    live.tell("anna")


# --- A stream by itself ---------------------------------------------------------------------------


class Wire:
    """What a stream sends, and when its visitor leaves."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self.changed = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.changed.set()

    @property
    def text(self) -> str:
        return b"".join(one.get("body", b"") for one in self.sent).decode()

    async def hear(self, words: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while words not in self.text:
                self.changed.clear()
                await self.changed.wait()


@contextmanager
def no_thread() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def test_a_stream_is_silent_but_for_signs_of_life_and_costs_no_thread(live: ChangeFeed) -> None:
    async def follow() -> str:
        wire = Wire()
        stream = Stream(
            live, session="one", people=["anna"], mark=0, is_active=lambda: True, beat=0.005
        )
        scope = {"type": "http", "method": "GET"}
        task = asyncio.create_task(stream(scope, wire.receive, wire.send))
        await wire.hear(":\n\n:\n\n:\n\n")
        live.tell("ben")
        live.tell("anna")
        await wire.hear("anna")
        wire.left.set()
        await asyncio.wait_for(task, PATIENCE)
        assert wire.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        return wire.text

    with no_thread():
        text = asyncio.run(follow())
    assert live.count() == 0
    assert text.startswith("retry: 2000\n\n:\n\n")
    assert text.count('event: card\ndata: "anna"\n\n') == 1
    assert "ben" not in text


def test_a_stream_ends_with_its_session(live: ChangeFeed) -> None:
    async def follow() -> str:
        wire, lasts = Wire(), [True]
        stream = Stream(live, session="one", people=["anna"], mark=0, is_active=lambda: lasts[0])
        scope = {"type": "http", "method": "GET"}
        task = asyncio.create_task(stream(scope, wire.receive, wire.send))
        await wire.hear(":\n\n")
        lasts[0] = False
        live.tell("anna")
        await asyncio.wait_for(task, PATIENCE)
        return wire.text

    assert "anna" not in asyncio.run(follow())
    assert live.count() == 0


@given(st.text())
def test_no_name_can_break_out_of_its_line(person: str) -> None:
    live = ChangeFeed(lambda: 0.0)
    live.tell(person)
    number, kind, data = written(live.since([person], 0)).removesuffix("\n\n").split("\n")
    assert re.fullmatch(r"id: \d+", number)
    assert kind == "event: card"
    assert json.loads(data.removeprefix("data: ")) == person


# --- On a real connection -------------------------------------------------------------------------


class Ear:
    """A page that is open, byte by byte. It listens when this has been made.

    ``after`` is the mark in its address; without one it knows everything.
    """

    def __init__(
        self, site: Site, visitor: Visitor, after: str | None = None, **headers: str
    ) -> None:
        after = str(site.live.mark(EVERYBODY)) if after is None else after
        self._site = site
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        sent = {"Accept": "text/event-stream", "Cookie": cookie, **headers}
        lines = [f"GET /events?after={after} HTTP/1.1", f"Host: {visitor.host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in sent.items()]
        self._socket = call(site.port, ("\r\n".join(lines) + "\r\n\r\n").encode())
        self.heard = hear_until(self._socket, b"\r\n\r\n").decode()
        self.status = int(self.heard.split()[1])
        if self.status == 200:
            self.until(r"(?s)retry: 2000\n\n.*(\n:\n\n|data: [^\n]*\n\n)")

    def until(self, pattern: str) -> None:
        while not re.search(pattern, self.heard):
            part = self._socket.recv(65536)
            assert part, self.heard
            self.heard += part.decode()

    def hear(self, person: str) -> None:
        """Wait until somebody's card is said to have changed."""
        self.until(f'data: "{person}"\n\n')

    def names(self) -> list[str]:
        return re.findall('event: card\ndata: "(.*)"\n\n', self.heard)

    def ends_at(self, person: str) -> None:
        """The next news end the stream, and are not said."""
        self._site.live.tell(person)
        self.until(END)
        assert person not in self.names()

    def rest(self) -> str:
        """What comes until the other side closes."""
        return hear(self._socket).decode()

    def __enter__(self) -> Ear:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()


def test_the_admin_hears_of_everybody(family: Site) -> None:
    with Ear(family, family.admin()) as ear:
        assert "content-type: text/event-stream" in ear.heard
        assert "cache-control: no-store" in ear.heard
        assert "x-accel-buffering: no" in ear.heard
        assert ear.names() == []
        for person in ("ben", "anna"):
            family.live.tell(person)
            ear.hear(person)
        assert ear.names() == ["ben", "anna"]


def test_a_person_hears_of_nobody_else(family: Site) -> None:
    anna = enter(family, make_link(family.admin()))
    for person in EVERYBODY:
        family.live.tell(person)
    with Ear(family, anna, "0") as ear:
        assert ear.names() == ["anna"]
        for person in ("ben", "anna", "ben"):
            family.live.tell(person)
        ear.until("(?s)anna.*anna")
        assert ear.names() == ["anna", "anna"]
        assert "ben" not in ear.heard


def test_what_changed_while_nobody_listened_is_said_first(family: Site) -> None:
    admin = family.admin()
    before = family.live.mark(EVERYBODY)
    family.live.tell("ben")
    with Ear(family, admin, str(before)) as ear:
        assert ear.names() == ["ben"]
    with Ear(family, admin, str(before), Last_Event_ID=str(family.live.mark(EVERYBODY))) as ear:
        assert ear.names() == []


@pytest.mark.parametrize("odd", ["", "x", "-1", "1e9", "9" * 5000, "%D9%A1", "1.5"])
def test_an_odd_mark_is_that_of_a_page_that_knows_nothing(family: Site, odd: str) -> None:
    family.live.tell("anna")
    with Ear(family, family.admin(), odd) as ear:
        assert "anna" in ear.names()


def test_strangers_hear_nothing(family: Site) -> None:
    answer = family.visitor().get("/events", Accept="text/event-stream")
    assert answer.status == 401
    assert family.visitor().get("/events").place.startswith("/sign-in")


def test_a_question_without_an_answer_is_no_stream(family: Site) -> None:
    answer = family.admin().get("/events", method="HEAD")
    assert (answer.status, answer.text) == (200, "")
    assert family.live.count() == 0


def test_one_browser_cannot_take_all_the_places(family: Site) -> None:
    admin = family.admin()
    ears = [Ear(family, admin) for _ in range(6)]
    try:
        assert [ear.status for ear in ears] == [200] * 5 + [503]
        assert "retry-after: 60" in ears[5].heard
        with Ear(family, family.admin()) as other:
            assert other.status == 200
    finally:
        for ear in ears:
            ear._socket.close()
    wait_until(lambda: family.live.count() == 0)
    with Ear(family, admin) as ear:
        assert ear.status == 200


def test_whoever_signs_out_hears_nothing_more(family: Site) -> None:
    admin = family.admin()
    with Ear(family, admin) as ear:
        admin.post("/sign-out", csrf=admin.csrf())
        ear.ends_at("anna")


def test_a_revoked_link_ends_the_streams_that_came_by_it(family: Site) -> None:
    admin = family.admin()
    while 'name="link"' in admin.get("/household").text:
        revoke(admin)
    with Ear(family, enter(family, make_link(admin))) as ear:
        revoke(admin)
        ear.ends_at("anna")


def test_listening_is_no_visit(family: Site) -> None:
    before = family.now
    with Ear(family, family.admin()) as ear:
        family.now += IDLE_SECONDS - 1
        family.live.tell("ben")
        ear.hear("ben")
        family.now += 2
        ear.ends_at("anna")
    family.now = before


def test_the_server_ends_at_once_although_pages_are_open(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        ears = [Ear(made, made.admin()) for _ in range(3)]
        begun = time.monotonic()
        made._stop.set()
        rests = [ear.rest() for ear in ears]
        made._thread.join(PATIENCE)
        assert time.monotonic() - begun < USUAL.farewell
        assert not made._thread.is_alive()
        assert made.live.count() == 0
        assert not any(END in rest for rest in rests)


def test_no_time_limit_of_an_answer_ends_a_stream() -> None:
    live = ChangeFeed(lambda: 0.0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Stream(live, session="one", people=["anna"], mark=0, is_active=lambda: True)(
            scope, receive, send
        )

    with listening(app, limits=Limits(answer=0.1)) as port:
        stream = call(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        hear_until(stream, b":\n\n")
        time.sleep(0.25)
        live.tell("anna")
        assert b'"anna"' in hear_until(stream, b"data: ")
        stream.close()
        wait_until(lambda: live.count() == 0)


# --- Who tells ------------------------------------------------------------------------------------


def test_the_end_of_a_round_is_news(tmp_path: Path) -> None:
    with world(tmp_path / "home", target=f"{FILE}settle = 0\n") as home:
        home.weigh_in("72.4")
        server = Server(load(home.home, {}, secret_folder=home.home), clock=home.clock)
        server.start()
        try:
            wait_until(lambda: len(home.delivered()) == 1)
            wait_until(lambda: server.context.live.mark(["anna"]) > 0)
        finally:
            server.stop()
