"""How an account or a target stands is said with the same sentence in all four places: on the
pages, by ``status``, in alerts and in Home Assistant. Each language has it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from fixtures.mosquitto import world
from weighbridge.cli.status import say_source, say_target
from weighbridge.core.errors import ExitCode
from weighbridge.core.network import SharedResources
from weighbridge.core.reason import Reason, plain
from weighbridge.i18n import LANGUAGES, MASTER, texts
from weighbridge.monitoring.alerts import message_text
from weighbridge.monitoring.checks import about
from weighbridge.sync.status_lines import (
    source_line,
    source_login_reason,
    target_lines,
    target_login_reason,
)
from weighbridge.sync.sync_status import SourceState, SourceStatus, TargetState, TargetStatus
from weighbridge.targets.base import ServerStatus
from weighbridge.targets.mqtt.broker import Broker
from weighbridge.targets.mqtt.mqtt_options import MqttOptions
from weighbridge.targets.mqtt.mqtt_target import MqttTarget
from weighbridge.web.views import person_card
from weighbridge.web.wording import Words

NOW = 1_000_000.0
WHY = plain("The session was withdrawn")


def source(verdict: SourceState) -> SourceStatus:
    return SourceStatus(
        verdict, ExitCode.LATER, connected=True, trouble=WHY, trouble_at=NOW, checked_at=NOW
    )


def target(verdict: TargetState, **fields: object) -> TargetStatus:
    standing = TargetStatus(verdict=verdict, exit_code=ExitCode.LATER, trouble=WHY)
    return msgspec.structs.replace(standing, **fields)


TARGETS = {
    "not_signed_in": target(TargetState.NOT_SIGNED_IN),
    "nothing_yet": target(TargetState.NOT_SERVED_YET),
    "login_needed": target(TargetState.LOGIN_NEEDED, open={"blocked": 2}),
    "login_refused": target(TargetState.LOGIN_NEEDED, signs_in=False),
    "rejected": target(TargetState.SERVED, open={"rejected": 2, "planned": 1}),
    "unknown": target(TargetState.SERVED, open={"unknown": 2}),
    "on_its_way": target(TargetState.SERVED, open={"planned": 2}),
    "trouble_since": target(TargetState.SERVED, trouble_at=NOW),
    "not_seen": target(TargetState.SERVED, trouble=None, unseen=2),
    "up_to_date": target(TargetState.SERVED, trouble=None),
}


@pytest.fixture
def home_assistant(monkeypatch: pytest.MonkeyPatch) -> list[ServerStatus]:
    """What a broker is told about the server."""
    told: list[ServerStatus] = []
    monkeypatch.setattr(Broker, "publish_status", lambda _, person, news: told.append(news))
    return told


def at_home_assistant(told: list[ServerStatus], why: Reason, language: str) -> str:
    options = MqttOptions(url="mqtt://127.0.0.1:1", language=language)
    made = MqttTarget(options, world(Path(), SharedResources()))
    made.publish_status(ServerStatus(problem=why, about="anna"))
    problem = told[-1].problem
    assert problem is not None
    return problem.message()


def on_a_page(line: person_card.CardLine, language: str) -> str:
    return Words(texts(language))(f"status.{line.key}", count=line.count, moment="x").unescape()


def everywhere(why: Reason, language: str, told: list[ServerStatus]) -> list[str]:
    alert = message_text(about("anna, garmin", why), language)
    return [alert, at_home_assistant(told, why, language)]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", [SourceState.NOT_CONNECTED, SourceState.LOGIN_NEEDED])
def test_an_account_that_needs_a_login_is_named_alike(
    verdict: SourceState, language: str, home_assistant: list[ServerStatus]
) -> None:
    sentence = on_a_page(person_card.say_source(source(verdict)), language)
    why = source_login_reason("anna", source(verdict))
    assert why is not None
    for told in everywhere(why, language, home_assistant):
        assert f": {sentence} " in told
        assert told.endswith("weighbridge login withings --person anna")
        assert ("The session was withdrawn. " in told) == (verdict is SourceState.LOGIN_NEEDED)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", ["not_signed_in", "login_needed", "login_refused"])
def test_a_target_that_needs_a_login_is_named_alike(
    key: str, language: str, home_assistant: list[ServerStatus]
) -> None:
    sentence = on_a_page(page_line(TARGETS[key]), language)
    why = target_login_reason("anna", "garmin", TARGETS[key])
    assert why is not None
    for told in everywhere(why, language, home_assistant):
        assert f": {sentence} The session was withdrawn. " in told
        assert "weighbridge " in told


def page_line(standing: TargetStatus) -> person_card.CardLine:
    return person_card.say_target(standing, due=None, now=NOW, about={})


@pytest.mark.parametrize("verdict", list(SourceState))
def test_the_command_and_the_page_say_the_same_of_an_account(verdict: SourceState) -> None:
    at_a_terminal, _ = say_source("anna", source(verdict), NOW)
    page = on_a_page(person_card.say_source(source(verdict)), MASTER)
    assert fits(at_a_terminal, page)


@pytest.mark.parametrize("key", TARGETS)
def test_the_command_and_the_page_say_the_same_of_a_target(key: str) -> None:
    assert target_lines(TARGETS[key], None, NOW)[0].key == key
    page = on_a_page(page_line(TARGETS[key]), MASTER)
    assert fits(say_target(TARGETS[key], None, NOW), page)


def fits(at_a_terminal: str, page: str) -> bool:
    """The page's sentence, whose moment is written as x, begins what a terminal shows."""
    before, _, after = page.partition(" x")
    return at_a_terminal.startswith(before) and after in at_a_terminal


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_state_lacks_its_own_words_in_any_language(language: str) -> None:
    lines = {source_line(source(verdict)).key for verdict in SourceState} | TARGETS.keys()
    said = {key: texts(language)(f"status.{key}", count=2, moment="x") for key in lines}
    assert len(set(said.values())) == len(lines)
    if language != MASTER:
        english = {texts(MASTER)(f"status.{key}", count=2, moment="x") for key in lines}
        assert not english & set(said.values())
