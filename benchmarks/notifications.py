"""Notifications: the time to the MQTT message, and the answers to a burst, a flood and a crowd."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from http.client import HTTPConnection
from statistics import median, quantiles
from typing import Any

import msgspec
from measured_server import MeasuredServer

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]

BETWEEN = 1.3
"""Seconds between two weigh-ins. Two in one second would be one reading."""
APART = 360.0
"""Seconds between them by the clock of the cloud: changes of the last minutes are read again."""
BURST = (1, 4, 1, 1, 4, 1, 1, 1)
"""The subjects of eight notifications about one weigh-in."""
SETTLED = 2.0
"""Seconds after which the notifications of a burst are processed."""
RATE, SECONDS = 200, 10
CROWD = 500


class Latency(msgspec.Struct, frozen=True):
    """Medians in seconds: from the notification to the message, and of the same request alone."""

    whole: float
    request: float
    slowest: float


class Answers(msgspec.Struct, frozen=True):
    """The answers to many notifications. Times in seconds."""

    sent: int
    good: int
    stored: int
    p99: float
    slowest: float


def latency(server: MeasuredServer, times: int) -> Latency:
    """From sending a notification to the arrival of its event, for weigh-ins one after another."""
    wholes, requests = [], []
    for number in range(times):
        time.sleep(BETWEEN)
        server.admin.advance_clock(APART)
        body, path = server.body(server.weigh_in(f"{70 + number / 10}")), server.callback
        server.listener.forget()
        server.admin.clear_requests()
        begin = time.perf_counter()
        notify(server.port, path, body)
        wholes.append(server.listener.next_event() - begin)
        requests.append(server.ask_again())
    return Latency(median(wholes), median(requests), max(wholes))


def requests_of_a_burst(server: MeasuredServer, times: int) -> int:
    """The most requests to Withings that eight notifications about one weigh-in made."""
    counts = []
    for number in range(times):
        time.sleep(BETWEEN)
        date = server.weigh_in(f"{80 + number / 10}")
        server.admin.clear_requests()
        for appli in BURST:
            notify(server.port, server.callback, server.body(date, appli))
        time.sleep(SETTLED)
        counts.append(server.requests())
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


def flood(server: MeasuredServer) -> Answers:
    """200 notifications a second for ten seconds, each about another instant."""
    return _answers(server, _flood(server, RATE * SECONDS))


def crowd(server: MeasuredServer) -> Answers:
    """500 connections that all notify at the same moment."""
    return _answers(server, _crowd(server, CROWD))


def _answers(
    server: MeasuredServer, sending: Coroutine[Any, Any, list[tuple[int, float]]]
) -> Answers:
    before = server.notifications()
    answers = asyncio.run(sending)
    seconds = sorted(seconds for _, seconds in answers)
    return Answers(
        sent=len(answers),
        good=sum(status == 200 for status, _ in answers),
        stored=server.notifications() - before,
        p99=quantiles(seconds, n=100)[98],
        slowest=seconds[-1],
    )


async def _flood(server: MeasuredServer, number: int) -> list[tuple[int, float]]:
    """Send each notification when it is due, whether or not earlier ones were answered.

    Its time counts from when it was due, so a server that is blocked makes all of them late.
    """
    messages = _messages(server, number)
    begin = asyncio.get_running_loop().time() + 0.1
    notifications = [
        _notification_at(server.port, message, begin + place / RATE)
        for place, message in enumerate(messages)
    ]
    return await asyncio.gather(*notifications)


async def _notification_at(port: int, message: bytes, due: float) -> tuple[int, float]:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(due - loop.time())
    status = await _send(*await asyncio.open_connection("127.0.0.1", port), message)
    return status, loop.time() - due


async def _crowd(server: MeasuredServer, number: int) -> list[tuple[int, float]]:
    """Send all notifications at once; the time counts from the moment when all are connected."""
    streams = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(number)]
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def send(stream: Stream, message: bytes) -> tuple[int, float]:
        return await _send(*stream, message), loop.time() - begin

    return await asyncio.gather(*map(send, streams, _messages(server, number)))


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> int:
    """Send a request and read the whole answer. Returns the status; 0: no answer."""
    try:
        writer.write(message)
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]) if answer else 0
    except OSError:
        return 0
    finally:
        writer.close()


def _messages(server: MeasuredServer, number: int) -> list[bytes]:
    path, now = server.callback, int(time.time())
    bodies = [server.body(now - 60 * place) for place in range(number)]
    return [
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
        f"{body}".encode()
        for body in bodies
    ]
