"""Who is told what and when: each trouble once, once more when it is over, whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.monitoring import DAY, HOUR, MINUTE, POLL, START, TOO_LONG, World
from weighbridge.core.delivery_state import State
from weighbridge.core.reason import Reason, plain
from weighbridge.i18n import LANGUAGES
from weighbridge.monitoring.alerts import CALM, CheckResult, message_text, next_step, note_results
from weighbridge.monitoring.checks import (
    FRESH_LOGIN,
    NEWCOMER,
    HealthChecks,
    home_result,
)
from weighbridge.storage.alert_store import Alert, AlertBook
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase

SILENT_DAYS = 3 * DAY


# --- The rule, pure ---------------------------------------------------------------------------


def finding(
    wrong: bool, *, bound: float = 0.0, calm: float = 0.0, known: bool = True
) -> CheckResult:
    return CheckResult(
        name="it",
        problem=BROKEN if wrong else None,
        over=MENDED,
        bound=bound,
        calm=calm,
        known=known,
    )


def told(story: list[tuple[float, CheckResult]], *, heard: bool = True) -> list[Reason]:
    """What is reported when checks happen at these instants."""
    alert, said = None, []
    for now, found in story:
        step = next_step(alert, found, now, heard=heard)
        alert = step.alert
        said += [step.message] if step.message else []
    return said


BROKEN, MENDED = plain("It is broken.", "Run: mend it"), plain("It works again.")


@given(st.lists(st.booleans(), max_size=60))
def test_whatever_happens_each_change_is_told_exactly_once(states: list[bool]) -> None:
    story = [(START + 60 * number, finding(wrong)) for number, wrong in enumerate(states)]
    before = [False, *states]
    changes = [(old, new) for old, new in zip(before, states, strict=False) if old != new]
    assert told(story) == [BROKEN if new else MENDED for _, new in changes]


@given(
    st.lists(st.tuples(st.floats(0, 4000), st.sampled_from(["well", "wrong", "unknown"]))),
    st.floats(0, 5000),
    st.floats(0, 5000),
)
def test_news_and_their_end_take_turns_however_it_flaps(
    looks: list[tuple[float, str]], bound: float, calm: float
) -> None:
    now, story = START, []
    for wait, state in looks:
        now += wait
        story.append(
            (now, finding(state == "wrong", bound=bound, calm=calm, known=state != "unknown"))
        )
    said = told(story)
    assert said == [BROKEN, MENDED] * (len(said) // 2) + [BROKEN] * (len(said) % 2)
    assert len(said) // 2 * (bound + calm) <= now - START, "each pair takes as long as its bounds"


@given(st.lists(st.tuples(st.floats(0, 4000), st.booleans()), max_size=30))
def test_a_restart_between_any_two_looks_changes_nothing(looks: list[tuple[float, bool]]) -> None:
    alert, now = None, START
    for wait, wrong in looks:
        now += wait
        found = finding(wrong, bound=600, calm=300)
        step = next_step(alert, found, now, heard=True)
        again = next_step(Alert(**vars_of(alert)) if alert else None, found, now, heard=True)
        assert step == again
        alert = step.alert


def vars_of(alert: Alert) -> dict[str, object]:
    return {name: getattr(alert, name) for name in alert.__struct_fields__}


def test_a_trouble_that_passes_within_its_bound_is_never_told() -> None:
    found = {wrong: finding(wrong, bound=600) for wrong in (True, False)}
    assert (
        told([(START, found[True]), (START + 599, found[True]), (START + 600, found[False])]) == []
    )
    assert told([(START, found[True]), (START + 600, found[True])]) == [BROKEN]


def test_well_for_a_moment_is_not_well_again() -> None:
    found = {wrong: finding(wrong, calm=CALM) for wrong in (True, False)}
    story = [(0.0, True), (60, False), (120, True), (180, False), (479, False)]
    assert told([(START + at, found[wrong]) for at, wrong in story]) == [BROKEN]
    assert told([(START + at, found[wrong]) for at, wrong in [*story, (480.0, False)]]) == [
        BROKEN,
        MENDED,
    ]


def test_what_nobody_could_hear_is_told_when_somebody_listens_and_it_still_stands() -> None:
    deaf = next_step(None, finding(wrong=True), START, heard=False)
    assert deaf.message is None
    assert next_step(deaf.alert, finding(wrong=True), START + DAY, heard=True).message == BROKEN
    assert next_step(deaf.alert, finding(wrong=False), START + DAY, heard=True).message is None


def test_a_clock_that_was_set_back_delays_nothing_for_long() -> None:
    later = next_step(None, finding(wrong=True, bound=600), START + 10 * DAY, heard=True)
    back = next_step(later.alert, finding(wrong=True, bound=600), START, heard=True)
    assert back.alert
    assert back.alert.since == START


# --- The memory -------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path) as database:
        yield database


def test_every_channel_gets_every_sentence_in_its_order(database: Database) -> None:
    book = AlertBook(database)
    note_results(book, [finding(wrong=True)], 2, START)
    note_results(book, [finding(wrong=False)], 2, START + 1)
    assert [(m.channel, m.reason) for m in book.messages(2)] == [
        *((0, BROKEN), (0, MENDED)),
        *((1, BROKEN), (1, MENDED)),
    ]
    assert book.alerts() == {}


def test_a_channel_that_was_taken_out_of_the_configuration_hears_nothing(
    database: Database,
) -> None:
    book = AlertBook(database)
    note_results(book, [finding(wrong=True)], 2, START)
    assert [message.channel for message in book.messages(1)] == [0]
    assert [message.channel for message in book.messages(2)] == [0]


def test_what_is_no_longer_watched_is_forgotten_without_a_word(database: Database) -> None:
    book = AlertBook(database)
    note_results(book, [finding(wrong=True)], 1, START)
    taken = note_results(book, [], 1, START + DAY)
    assert (taken.news, taken.standing, book.alerts()) == ([], 0, {})
    assert len(book.messages(1)) == 1


def test_what_counts_is_what_lasted(database: Database) -> None:
    book = AlertBook(database)
    slow = finding(wrong=True, bound=600)
    assert note_results(book, [slow], 0, START).standing == 0
    assert note_results(book, [slow], 0, START + 600).standing == 1, "also when nobody listens"
    assert note_results(book, [slow], 1, START + 700).news == ["it"]
    well = finding(wrong=False, calm=300)
    assert note_results(book, [well], 1, START + 800).standing == 1, "it only seems to be over"
    assert note_results(book, [well], 1, START + 1100).standing == 0


def test_looking_at_a_house_in_order_writes_nothing(tmp_path: Path) -> None:
    world = World(tmp_path / "home")
    world.refuse("anna")
    with world.database() as database, world.database() as other:
        for _ in range(2):
            before = other.version_of_others()
            with database.transaction():
                note_results(AlertBook(database), survey(world, database), 1, world.now)
        assert other.version_of_others() == before


# --- What is found in a house -----------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home", "anna", "ben")


def survey(world: World, database: Database) -> list[CheckResult]:
    eyes = HealthChecks(
        database, world.parts.settings, now=world.now, started_at=world.parts.started_at
    )
    return list(eyes.results())


def said(reason: Reason, language: str = "en") -> str:
    return message_text(reason, language)


def troubles(world: World, *, unknown: bool = False) -> dict[str, str]:
    """What is wrong now, by name."""
    with world.database() as database:
        found = survey(world, database)
    return {
        f.name: said(f.problem) if f.problem else ""
        for f in found
        if (not f.known if unknown else f.problem)
    }


def test_a_house_in_order_has_nothing_to_tell(world: World) -> None:
    assert troubles(world) == {}


def test_a_login_at_withings_is_asked_for_with_the_command(world: World) -> None:
    world.log_out("anna")
    assert troubles(world) == {
        "source_login: anna": "anna, Withings: A new login is needed. The login was withdrawn. "
        "Run: weighbridge login withings --person anna"
    }


def test_somebody_new_is_given_time_to_connect(world: World) -> None:
    world.configure("", "", "anna", "o'hara")
    with world.database() as database:
        [found] = [each for each in survey(world, database) if each.problem]
    assert found.bound == NEWCOMER
    assert found.problem
    assert said(found.problem) == (
        "o'hara, Withings: Not connected yet. "
        "Run: weighbridge login withings --person 'o'\"'\"'hara'"
    )


def test_withings_may_be_away_for_two_polls_and_no_longer(world: World) -> None:
    world.refuse("anna", "Withings answers with status 503.")
    world.now += 2 * POLL + 14 * MINUTE
    world.answer("ben")
    assert troubles(world) == {}
    world.now += 2 * MINUTE
    assert troubles(world) == {
        "source_silent: anna": "anna, Withings: Could not be read since "
        "2025-10-09 08:53 UTC. Weighbridge keeps trying; nothing is lost. Withings answers with "
        "status 503. Run: weighbridge status --person anna"
    }
    world.answer()
    assert troubles(world) == {}


def test_a_server_that_polls_nobody_is_noticed_without_any_trouble_on_record(world: World) -> None:
    world.now += TOO_LONG
    assert set(troubles(world)) == {"source_silent: anna", "source_silent: ben"}


def test_a_new_login_gets_time_for_its_first_answer(world: World) -> None:
    world.refuse("anna")
    world.now += TOO_LONG
    with world.database() as database:
        silent = {f.name: f for f in survey(world, database)}["source_silent: anna"]
    assert silent.bound == FRESH_LOGIN


def test_while_a_login_is_missing_nothing_else_is_known_of_this_account(world: World) -> None:
    world.refuse("anna")
    world.spoil_subscription("anna")
    world.log_out("anna")
    world.now += 10 * DAY
    world.answer("ben")
    assert set(troubles(world, unknown=True)) == {"source_silent: anna", "subscription: anna"}


def test_a_subscription_may_be_lost_for_six_hours(world: World) -> None:
    world.spoil_subscription("ben")
    world.now += 6 * 3600 - 1
    world.answer()
    assert troubles(world) == {}
    world.now += 2
    assert troubles(world) == {
        "subscription: ben": "ben, Withings: No notifications since 2025-10-09 08:53 UTC. "
        "Weighbridge repairs this by itself. Withings refuses it (293). "
        "Weighbridge asks Withings every 180 minutes. "
        "Run: weighbridge subscriptions check"
    }
    world.mend_subscription("ben")
    assert troubles(world) == {}


def test_a_target_that_needs_a_login_is_named_with_the_command(world: World) -> None:
    world.owe(1)
    world.need_login()
    assert troubles(world) == {
        "target_login: anna, garmin": "anna, garmin: A new login is needed. The Garmin login has "
        "ended. Run: weighbridge login garmin --person anna"
    }
    world.wake()
    assert troubles(world) == {}


def test_a_target_without_a_login_of_its_own_sends_to_the_status(world: World) -> None:
    world.need_login("file")
    assert troubles(world)["target_login: anna, file"].endswith(
        "Run: weighbridge status --person anna"
    )


def test_a_target_that_was_never_signed_in_is_given_time(world: World) -> None:
    with world.database() as database:
        database._connection.execute("DELETE FROM credential WHERE service = 'target garmin'")
        found = {each.name: each for each in survey(world, database)}
    login = found["target_login: anna, garmin"]
    assert login.bound == NEWCOMER
    assert login.problem
    assert said(login.problem) == (
        "anna, garmin: Not signed in yet. Run: weighbridge login garmin --person anna"
    )


@pytest.mark.parametrize("state", [State.PLANNED, State.SENDING, State.UNKNOWN, State.REJECTED])
def test_what_waits_for_days_while_nothing_arrives_is_told(world: World, state: State) -> None:
    world.deliver(1)
    world.now += HOUR
    world.owe(2, state)
    world.now += SILENT_DAYS - MINUTE
    world.answer()
    assert troubles(world) == {}
    world.now += 2 * MINUTE
    assert troubles(world) == {
        "target_silent: anna, garmin": "anna, garmin: Nothing has arrived since "
        "2025-10-09 08:53 UTC, although 1 reading waits. "
        "Run: weighbridge status --person anna"
    }


@pytest.mark.parametrize("state", [State.HELD, State.BLOCKED, State.SKIPPED, State.CONFIRMED])
def test_what_need_not_arrive_is_no_silence(world: World, state: State) -> None:
    world.owe(1, state)
    world.now += 10 * DAY
    world.answer()
    assert "target_silent: anna, garmin" not in troubles(world)


def test_nothing_new_is_no_silence(world: World) -> None:
    world.deliver(1)
    world.now += 100 * DAY
    world.answer()
    assert troubles(world) == {}


def test_what_was_measured_today_is_no_silence_yet(world: World) -> None:
    world.deliver(1)
    world.now += 100 * DAY
    world.owe(2)
    world.answer()
    assert troubles(world) == {}


@pytest.mark.parametrize("other", [-5, 5], ids=["an older one", "a newer one"])
def test_one_that_is_stuck_is_no_silence_while_others_arrive(world: World, other: int) -> None:
    world.owe(1, State.REJECTED)
    world.now += SILENT_DAYS + HOUR
    world.answer()
    world.deliver(other - (0 if other > 0 else int(SILENT_DAYS + HOUR)))
    assert troubles(world) == {}


def test_a_target_that_needs_a_login_is_not_called_silent_as_well(world: World) -> None:
    world.owe(1)
    world.now += SILENT_DAYS + HOUR
    world.need_login()
    world.owe(2, State.UNKNOWN)
    world.answer()
    assert set(troubles(world)) == {"target_login: anna, garmin"}
    assert "target_silent: anna, garmin" in troubles(world, unknown=True)


def test_every_sentence_ends_with_what_to_do(world: World) -> None:
    """And each name occurs once, or one trouble would hide another."""
    world.log_out("anna")
    world.refuse("ben")
    world.spoil_subscription("ben")
    world.need_login()
    world.owe(1, person="ben", target="file")
    world.now += 10 * DAY
    with world.database() as database:
        found = [*survey(world, database), home_result(None)]
    assert sum(each.problem is not None for each in found if each.known) == 5
    for each in found:
        wrong = said(each.problem) if each.problem else None
        assert wrong is None or re.search(r"\. Run: weighbridge [a-z][^.]*$", wrong)
        assert said(each.over).endswith(". There is nothing to do.")
    assert len({each.name for each in found}) == len(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_in_the_language_of_the_reader(world: World, language: str) -> None:
    world.log_out("anna")
    world.refuse("ben", "The cloud is away.")
    world.spoil_subscription("ben")
    world.need_login()
    world.owe(1, person="ben", target="file")
    world.now += 10 * DAY
    with world.database() as database:
        found = [*survey(world, database), home_result(None)]
    messages = [reason for each in found for reason in (each.problem, each.over) if reason]
    texts = {said(reason, language) for reason in messages}
    assert not any("{" in text or "watch." in text for text in texts)
    in_english = {said(reason) for reason in messages}
    assert language == "en" or not texts & in_english, "every one has words of its own"
    wrong = [text for text in texts if "weighbridge " in text]
    assert any(text.endswith("weighbridge login withings --person anna") for text in wrong)
