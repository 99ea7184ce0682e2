"""Addresses of brokers, what their refusals mean, and one status for several people. All pure."""

from __future__ import annotations

import pytest

from weighbridge.core.errors import LoginNeeded, RetryLater
from weighbridge.core.reason import plain
from weighbridge.core.secret import Secret
from weighbridge.targets.base import ServerStatus
from weighbridge.targets.mqtt.bridge import combined
from weighbridge.targets.mqtt.broker_address import (
    Access,
    Address,
    read_address,
    with_our_words,
    without_password,
)
from weighbridge.targets.mqtt.broker_messages import refused_login, refused_message


def test_several_statuses_become_one() -> None:
    assert combined([]) == ServerStatus()
    problems = [
        ServerStatus(problem=plain("one")),
        ServerStatus(problem=plain("one")),
        ServerStatus(problem=plain("two")),
        ServerStatus(),
    ]
    assert combined(problems).problem == plain("one two")


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("mqtt://host", Address("host", 1883, False), "host:1883"),
        ("mqtts://host", Address("host", 8883, True), "host:8883"),
        ("mqtts://a%40b@[::1]:1/", Address("::1", 1, True, "a@b"), "[::1]:1"),
    ],
)
def test_an_address_is_read(url: str, address: Address, shown: str) -> None:
    assert read_address(url) == address
    assert str(address) == shown


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("mqtt://host:1", ("mqtt://host:1", "")),
        ("mqtt://anna:p%40ss:w@host", ("mqtt://anna@host", "p@ss:w")),
        ("mqtts://a%40b:x@[::1]:1", ("mqtts://a%40b@[::1]:1", "x")),
        ("tcp://anna:hidden@host", ("mqtt://", "")),
        ("nonsense", ("nonsense", "")),
    ],
)
def test_a_password_is_taken_out_of_an_address(url: str, parts: tuple[str, str]) -> None:
    assert without_password(url) == parts


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("host:1883", "mqtt://host:1883"),
        ("tcp://host", "mqtt://host"),
        ("ssl://anna:x@host", "mqtts://anna:x@host"),
        ("mqtts://host", "mqtts://host"),
        ("http://host", "http://host"),
    ],
)
def test_addresses_of_other_programs_are_understood(written: str, ours: str) -> None:
    assert with_our_words(written) == ours


@pytest.mark.parametrize("code", [4, 5, 134, 135])
def test_a_refusal_because_of_the_login_is_for_a_person(code: int) -> None:
    assert isinstance(refused_login("host:1", code, "anna"), LoginNeeded)
    assert isinstance(refused_message("host:1", code, "topic"), LoginNeeded)


@pytest.mark.parametrize("code", [1, 128, 132, 133, 136, 137, 149, 151, 255])
def test_any_other_refusal_may_pass(code: int) -> None:
    for refusal in (refused_login, refused_message):
        problem = refusal("host:1", code, "anna")
        assert isinstance(problem, RetryLater)
        assert problem.remedy


def test_the_key_of_a_connection_does_not_show_the_password() -> None:
    def key(password: str) -> str:
        secret = Secret.of_value(password)
        return Access(address=Address("host", 1, False, "anna"), password=secret).key("base")

    assert key("one") == key("one") != key("two")
    assert "one" not in key("one")
