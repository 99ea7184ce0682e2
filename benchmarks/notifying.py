"""Notifications: how soon a reading is on MQTT, what a burst costs, and what a flood and a crowd
get."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any

import msgspec
from house import House

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

BETWEEN = 1.3
"""Seconds between two weigh-ins. In the same second they would be the same instant."""
APART = 360.0
"""Seconds between them by the cloud's clock: what changed in the last minutes is read again."""
BURST = (1, 4, 1, 1, 4, 1, 1, 1)
"""The subjects of eight notifications about one weigh-in."""
SETTLED = 2.0
"""Seconds after which a burst has been worked."""
RATE, SECONDS = 200, 10
CROWD = 500


class Latency(msgspec.Struct, frozen=True):
    """Medians in seconds: from the notification to the message, and of the same request alone."""

    whole: float
    request: float
    slowest: float


class Answers(msgspec.Struct, frozen=True):
    """What the senders of many notifications got. Times in seconds."""

    sent: int
    good: int
    stored: int
    p99: float
    slowest: float


def latency(house: House, times: int) -> Latency:
    """From sending a notification to the arrival of its event, for weigh-ins one after another."""
    wholes, requests = [], []
    for number in range(times):
        time.sleep(BETWEEN)
        house.admin.advance_clock(APART)
        body, path = house.body(house.weigh_in(f"{70 + number / 10}")), house.callback
        house.listener.forget()
        house.admin.clear_requests()
        begin = time.perf_counter()
        notify(house.port, path, body)
        wholes.append(house.listener.next_event() - begin)
        requests.append(house.ask_again())
    return Latency(median(wholes), median(requests), max(wholes))


def requests_of_a_burst(house: House, times: int) -> int:
    """The most requests to Withings that eight notifications about one weigh-in made."""
    counts = []
    for number in range(times):
        time.sleep(BETWEEN)
        date = house.weigh_in(f"{80 + number / 10}")
        house.admin.clear_requests()
        for appli in BURST:
            notify(house.port, house.callback, house.body(date, appli))
        time.sleep(SETTLED)
        counts.append(house.requests())
    return max(counts)


def notify(port: int, path: str, body: str) -> int:
    """One notification over a connection of its own, as Withings does it: the status."""
    connection = HTTPConnection("127.0.0.1", port)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def flood(house: House) -> Answers:
    """200 notifications a second for ten seconds, each about another instant."""
    return _answers(house, _flood(house, RATE * SECONDS))


def crowd(house: House) -> Answers:
    """500 connections that all notify at the same moment."""
    return _answers(house, _crowd(house, CROWD))


def _answers(house: House, sending: Coroutine[Any, Any, list[tuple[int, float]]]) -> Answers:
    before = house.notifications()
    told = asyncio.run(sending)
    seconds = sorted(seconds for _, seconds in told)
    return Answers(
        sent=len(told),
        good=sum(status == 200 for status, _ in told),
        stored=house.notifications() - before,
        p99=quantiles(seconds, n=100)[98],
        slowest=seconds[-1],
    )


async def _flood(house: House, number: int) -> list[tuple[int, float]]:
    """Each is sent when it is due, whether or not the ones before were answered.

    Its time counts from when it was due: a server that stands still makes all of them late.
    """
    messages = _messages(house, number)
    begin = asyncio.get_running_loop().time() + 0.1
    notifications = [
        _notification_at(house.port, message, begin + place / RATE)
        for place, message in enumerate(messages)
    ]
    return await asyncio.gather(*notifications)


async def _notification_at(port: int, message: bytes, due: float) -> tuple[int, float]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(due - loop.time())
    status = await _say(*await asyncio.open_connection("127.0.0.1", port), message)
    return status, loop.time() - due


async def _crowd(house: House, number: int) -> list[tuple[int, float]]:
    """The time counts from the moment at which all are connected."""
    streams = [await asyncio.open_connection("127.0.0.1", house.port) for _ in range(number)]
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def say(stream: Stream, message: bytes) -> tuple[int, float]:
        return await _say(*stream, message), loop.time() - begin

    return await asyncio.gather(*map(say, streams, _messages(house, number)))


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> int:
    """Send a request and read the answer to its end: the status, 0 for none."""
    try:
        writer.write(message)
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]) if answer else 0
    except OSError:
        return 0
    finally:
        writer.close()


def _messages(house: House, number: int) -> list[bytes]:
    path, now = house.callback, int(time.time())
    bodies = [house.body(now - 60 * place) for place in range(number)]
    return [
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        f"{body}".encode()
        for body in bodies
    ]
