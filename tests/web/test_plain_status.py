"""One line for each thing, and the way to mend it; what must be done goes before what waits."""

from __future__ import annotations

from typing import Any

import pytest

from weighbridge.core.delivery_state import State
from weighbridge.core.errors import ExitCode
from weighbridge.core.reason import plain
from weighbridge.i18n import texts
from weighbridge.storage.subscription_store import SubscriptionState
from weighbridge.sync.sync_status import SourceState, SourceStatus, TargetState, TargetStatus
from weighbridge.web.views.person_card import (
    CardLine,
    say_held,
    say_next_ask,
    say_notifications,
    say_source,
    say_target,
)

NOW = 1_000_000.0
ABOUT = {"person": "anna", "target": "garmin"}


def source(verdict: SourceState, **fields: Any) -> SourceStatus:
    return SourceStatus(verdict, ExitCode.DONE, connected=True, **fields)


def target(
    verdict: TargetState = TargetState.SERVED,
    *,
    due: float | None = None,
    **fields: Any,
) -> CardLine:
    standing = TargetStatus(verdict=verdict, exit_code=ExitCode.DONE, **fields)
    return say_target(standing, due=due, now=NOW, about=ABOUT)


# --- Targets --------------------------------------------------------------------------------------


def test_a_target_with_nothing_open_is_up_to_date() -> None:
    assert target() == CardLine(key="up_to_date", tone="good")
    assert target(open={"held": 3}).key == "up_to_date"


def test_what_waits_says_how_much_and_when_it_is_tried() -> None:
    line = target(open={"planned": 2, "sending": 1}, due=NOW + 60)
    assert (line.key, line.count, line.at) == ("waiting", 3, NOW + 60)
    for due in (None, NOW, NOW - 60):
        assert target(open={"planned": 3}, due=due) == CardLine(key="on_its_way", count=3)


def test_a_login_goes_before_everything_else() -> None:
    line = target(TargetState.LOGIN_NEEDED, open={"blocked": 3, "rejected": 1})
    assert (line.key, line.tone) == ("login_needed", "bad-news")
    assert line.cure is not None
    assert (line.cure.key, line.cure.path, line.cure.is_urgent) == ("log_in", "/connect", True)
    first = target(TargetState.NOT_SIGNED_IN)
    assert first.cure is not None
    assert (first.key, first.cure.key) == ("not_signed_in", "connect")


def test_a_login_that_stands_in_the_configuration_has_no_page() -> None:
    line = target(TargetState.LOGIN_NEEDED, signs_in=False)
    assert (line.key, line.cure) == ("login_refused", None)


@pytest.mark.parametrize("state", [State.REJECTED, State.UNKNOWN])
def test_what_somebody_must_look_at_leads_to_the_deliveries(state: State) -> None:
    line = target(open={"planned": 5, state: 2}, due=NOW + 60)
    assert (line.key, line.count, line.tone) == (state, 2, "bad-news")
    assert line.cure is not None
    assert line.cure.query == {**ABOUT, "state": state}


def test_a_target_that_is_in_trouble_is_not_up_to_date() -> None:
    line = target(trouble=plain("It is not configured well."), trouble_at=NOW - 60)
    assert (line.key, line.at, line.tone) == ("trouble_since", NOW - 60, "bad-news")
    assert line.trouble == plain("It is not configured well.")


def test_what_was_accepted_but_not_seen_is_said() -> None:
    assert target(unseen=2) == CardLine(key="not_seen", tone="good", count=2)


def test_a_pause_of_signing_in_is_said_whatever_else_is() -> None:
    line = target(TargetState.NOT_SERVED_YET, sign_in_blocked_until=NOW + 600)
    assert (line.key, line.blocked_until) == ("nothing_yet", NOW + 600)


# --- Withings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "key", "cure"),
    [
        (SourceState.NOT_CONNECTED, "not_connected", "connect"),
        (SourceState.LOGIN_NEEDED, "login_needed", "log_in"),
        (SourceState.IN_TROUBLE, "not_read_since", None),
        (SourceState.NOT_READ_YET, "not_read_yet", None),
        (SourceState.WELL, "read_at", None),
    ],
)
def test_each_standing_with_withings_has_a_line(
    verdict: SourceState, key: str, cure: str | None
) -> None:
    line = say_source(source(verdict, checked_at=NOW - 60, trouble_at=NOW - 30))
    assert line.key == key
    assert (line.cure.key if line.cure else None) == cure
    assert line.at == {"not_read_since": NOW - 30, "read_at": NOW - 60}.get(key)


def test_the_next_look_is_said_unless_a_login_must_come_first() -> None:
    well = source(SourceState.WELL)
    assert say_next_ask(well, NOW + 60, NOW) == CardLine(key="asked_at", at=NOW + 60)
    assert say_next_ask(well, NOW - 1, NOW) == CardLine(key="asked_now")
    assert say_next_ask(well, None, NOW) is None
    for verdict in (SourceState.NOT_CONNECTED, SourceState.LOGIN_NEEDED):
        assert say_next_ask(source(verdict), NOW + 60, NOW) is None


# --- Notifications --------------------------------------------------------------------------------

IN_ORDER = SubscriptionState(callback="https://x.test", listed_at=NOW)


@pytest.mark.parametrize(
    ("care", "last_notification", "key", "at"),
    [
        (IN_ORDER, NOW - 60, "told_at", NOW - 60),
        (IN_ORDER, None, "subscribed", None),
        (None, None, "not_subscribed", None),
        (SubscriptionState(), NOW - 60, "not_subscribed", None),
        (
            SubscriptionState(listed_at=NOW - 900, trouble=plain("Refused."), trouble_at=NOW - 300),
            NOW - 60,
            "lost_since",
            NOW - 300,
        ),
    ],
)
def test_each_state_of_the_notifications_has_a_line(
    care: SubscriptionState | None, last_notification: float | None, key: str, at: float | None
) -> None:
    line = say_notifications(care, last_notification, has_address=True)
    assert (line.key, line.at) == (key, at)
    assert say_notifications(care, last_notification, has_address=False).key == "no_address"


# --- Decisions ------------------------------------------------------------------------------------


def test_what_is_held_leads_to_where_it_is_decided() -> None:
    assert say_held(0, {"person": "anna"}) is None
    line = say_held(2, {"person": "anna"})
    assert line is not None
    assert line.cure is not None
    assert (line.count, line.cure.query) == (2, {"person": "anna", "state": "held"})


@pytest.mark.parametrize("state", list(State))
def test_every_state_that_is_a_line_has_words(state: State) -> None:
    line = target(open={state: 2})
    assert texts("en")(f"status.{line.key}", count=2, moment="now")
