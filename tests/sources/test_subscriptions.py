"""What Withings notifies us about: the calls, what follows from a list, addresses, secrets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.sandbox import Life, Listener, recorded
from fixtures.withings_memory import Answer, World, failed, ok
from weighbridge.core.errors import LoginNeeded, Problem, RetryLater
from weighbridge.core.reason import plain
from weighbridge.sources.withings.notification import (
    LONGEST_URL,
    callback_at,
    rules_broken,
    shortened,
)
from weighbridge.sources.withings.wire import CallbackRefused, NotForUs, NotUnderstood
from weighbridge.sources.withings.withings_subscriptions import (
    APPLIS,
    Need,
    Subscription,
    differences,
    list_subscriptions,
    name_of,
    read_subscriptions,
    revoke,
    subscribe,
    wanted_applis,
)
from weighbridge.storage.archive import connect_account
from weighbridge.storage.database import Database
from weighbridge.storage.sqlite import SqliteDatabase
from weighbridge.storage.subscription_store import (
    LEFT_OUT_SECONDS,
    SubscriptionStore,
    accepted_secrets,
    current_secret,
    look_soon,
    new_secret,
    our_callbacks,
    remember_callback,
    retire,
    rotate,
)

OURS = "https://scale.example.org/withings/notify/new"
OLD = "https://scale.example.org/withings/notify/old"
THEIRS = "https://home.example.net/api/webhook/theirs"
EVERYTHING = "user.metrics,user.info,user.activity"


# --- The calls ----------------------------------------------------------------------------------


class Account:
    """One account at the sandbox, called as the client would call it."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._token = life.token()

    def call(self, path: str, form: object) -> msgspec.Raw:
        assert isinstance(form, dict)
        answer = self._life.ask(path, self._token, **form)
        assert answer["status"] == 0, answer
        return msgspec.Raw(msgspec.json.encode(answer["body"]))


@pytest.fixture
def life() -> Iterator[Life]:
    it = Life()
    it.open()
    yield it
    it.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    it = Listener()
    yield it
    it.close()


def test_what_was_subscribed_is_listed_until_it_is_revoked(life: Life, listener: Listener) -> None:
    account = Account(life)
    assert list_subscriptions(account) == []
    subscribe(account, listener.url, 1)
    subscribe(account, listener.url, 4)
    subscribe(account, listener.url, 4)
    assert list_subscriptions(account) == [
        Subscription(1, listener.url),
        Subscription(4, listener.url),
    ]
    revoke(account, listener.url, 1)
    assert [one.appli for one in list_subscriptions(account)] == [4]


@pytest.mark.parametrize("status", [293, 343])
def test_a_refused_callback_is_tried_again_later(status: int) -> None:
    world = World(failed(status, f"Callback URL {OURS} is wrong"))
    with pytest.raises(CallbackRefused) as caught:
        subscribe(world.withings, OURS, 1)
    assert isinstance(caught.value, RetryLater)
    assert "weighbridge subscriptions check" in str(caught.value)


@pytest.mark.parametrize("status", [286, 294, 343])
def test_what_is_gone_already_is_revoked(status: int) -> None:
    world = World(failed(status))
    revoke(world.withings, OLD, 1)
    assert world.wire.forms == [{"action": "revoke", "callbackurl": OLD, "appli": "1"}]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failed(2553), NotForUs),
        (failed(304), NotUnderstood),
        (failed(503, "Invalid Params: invalid appli"), NotUnderstood),
        (failed(305), RetryLater),
    ],
)
def test_other_refusals_say_whose_turn_it_is(answer: Answer, kind: type[Problem]) -> None:
    for call in (subscribe, revoke):
        world = World(answer)
        with pytest.raises(kind) as caught:
            call(world.withings, OURS, 1)
        assert not isinstance(caught.value, CallbackRefused)


def test_the_same_number_means_nothing_for_other_calls() -> None:
    world = World(failed(293), failed(286))
    for _ in range(2):
        with pytest.raises(NotUnderstood):
            list_subscriptions(world.withings)


def test_no_message_holds_the_secret_of_the_callback() -> None:
    secret = new_secret()
    callback = callback_at("https://scale.example.org", secret)
    for echo in (callback, callback.replace(":", "%3A").replace("/", "%2F")):
        world = World(failed(304, f"bad {echo}"))
        with pytest.raises(NotUnderstood) as caught:
            subscribe(world.withings, callback, 1)
        assert secret not in str(caught.value)


@pytest.mark.parametrize("name", ["notify-list-one", "notify-list-three-profiles"])
def test_a_recorded_list_is_understood(name: str) -> None:
    content = recorded(name)
    profiles = content if isinstance(content, list) else content["body"]["profiles"]
    found = read_subscriptions(msgspec.json.encode({"profiles": profiles}))
    assert [one.appli for one in found] == [profile["appli"] for profile in profiles]
    assert [one.callback for one in found] == [profile["callbackurl"] for profile in profiles]


def test_a_list_is_read_leniently() -> None:
    profiles = [
        {"appli": "4", "callbackurl": OURS, "comment": None, "news": {"of": 2027}},
        {"appli": 1, "callbackurl": THEIRS, "comment": "hi", "expires": "never"},
        {"appli": None, "callbackurl": THEIRS},
        "not even an object",
        {"appli": 46, "callbackurl": OLD, "comment": 7},
    ]
    found = read_subscriptions(msgspec.json.encode({"profiles": profiles}))
    assert found == [
        Subscription(4, OURS),
        Subscription(1, THEIRS, "hi"),
        Subscription(46, OLD),
    ]


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"profiles":[]}', b'{"profiles":{}}'])
def test_nothing_may_be_written_in_several_ways(body: bytes) -> None:
    assert read_subscriptions(body) == []


@pytest.mark.parametrize("body", [b"", b"null", b'"x"', b'{"profiles":7}', b"[1]", b'{"prof'])
def test_half_an_answer_does_not_mean_that_nothing_is_there(body: bytes) -> None:
    with pytest.raises(RetryLater):
        read_subscriptions(body)


def test_a_dead_login_needs_a_person() -> None:
    world = World(failed(247), ok({}))
    world.store.pairs.clear()
    with pytest.raises(LoginNeeded):
        list_subscriptions(world.withings)


# --- What is wanted -----------------------------------------------------------------------------


def test_weight_temperature_and_pressure_are_always_told_of() -> None:
    assert wanted_applis(()) == (1, 2, 4, 44, 46)
    assert wanted_applis((), EVERYTHING) == (1, 2, 4, 44, 46)
    assert wanted_applis({1}, "user.metrics") == (1, 2, 4)
    assert wanted_applis({1}, "user.info, user.metrics") == (1, 2, 4, 46)


ECG = [130, 135, 136, 137, 138]
URINE = [147, 148, 151, 204, 205, 248, 249, 251]


@pytest.mark.parametrize(
    ("taken", "subject"), [*((code, 54) for code in ECG), *((code, 63) for code in URINE)]
)
def test_rare_subjects_are_for_those_who_take_one_of_their_types(taken: int, subject: int) -> None:
    assert set(wanted_applis({taken}, EVERYTHING)) - {1, 2, 4, 44, 46} == {subject}
    assert subject not in wanted_applis({taken}, "user.info")


@given(st.sets(st.integers(0, 300)))
def test_nobody_is_subscribed_to_what_we_never_read(types: set[int]) -> None:
    asked_for = {code for code, appli in APPLIS.items() if appli.need is Need.ON_REQUEST}
    assert asked_for.isdisjoint(wanted_applis(types, ""))


def test_every_subject_has_a_name() -> None:
    assert all(name_of(code) == appli.name for code, appli in APPLIS.items())
    assert name_of(119) == "subject 119"


# --- What must be done --------------------------------------------------------------------------


addresses = st.sampled_from([OURS, OLD, OLD + "er", THEIRS, THEIRS + "?x", OURS + "/"])
known = st.frozensets(st.sampled_from([OURS, OLD, OLD + "er"]))
subscribed = st.lists(st.builds(Subscription, st.sampled_from([*APPLIS, 119]), addresses))
wishes = st.sets(st.sampled_from([*APPLIS]))


@given(subscribed, wishes, known, wishes)
def test_nothing_of_others_is_ever_touched(
    there: list[Subscription], wanted: set[int], ours: frozenset[str], left_out: set[int]
) -> None:
    found = differences(there, wanted, OURS, ours, left_out)
    assert {one.callback for one in found.old} <= ours - {OURS}
    assert set(found.old) <= set(there)


@given(subscribed, wishes, known, wishes)
def test_when_it_is_done_nothing_is_left_to_do(
    there: list[Subscription], wanted: set[int], ours: frozenset[str], left_out: set[int]
) -> None:
    found = differences(there, wanted, OURS, ours, left_out)
    after = [one for one in there if one not in found.old]
    after += [Subscription(appli, OURS) for appli in found.missing]
    assert not differences(after, wanted, OURS, ours, left_out)
    told = {one.appli for one in after if one.callback == OURS}
    assert told >= wanted - left_out


@given(subscribed, wishes, known)
def test_no_subject_is_lost_on_the_way_to_a_new_address(
    there: list[Subscription], wanted: set[int], ours: frozenset[str]
) -> None:
    found = differences(there, wanted, OURS, ours)
    now = {one.appli for one in there if one.callback == OURS}
    assert {one.appli for one in found.old} <= now | set(found.missing)


def test_a_subject_that_is_not_offered_is_not_asked_for() -> None:
    assert differences([], [1, 44], OURS, [OURS], left_out=[44]).missing == (1,)
    moving = differences([Subscription(44, OLD)], [1], OURS, [OLD], left_out=[44])
    assert moving.missing == (1,)
    assert moving.old == (Subscription(44, OLD),)


# --- Addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://scale.example.org/x", "https"),
        ("https://203.0.113.7/x", "203.0.113.7 is a bare address"),
        ("https://[2001:db8::1]/x", "2001:db8::1 is a bare address"),
        ("https://localhost/x", "localhost"),
        ("https://scale.localhost/x", "localhost"),
        ("https://raspberrypi/x", "raspberrypi is not a name"),
        ("https://scale.local/x", "scale.local is not a name"),
        ("https://scale.home.arpa./x", "not a name"),
        ("https://scale.example.org:8443/x", "8443"),
        ("https://scale.example.org/" + "x" * LONGEST_URL, "characters"),
        ("https://scale.example.org:99999/", "no web address"),
    ],
)
def test_a_rule_of_withings_that_is_broken_is_named(url: str, words: str) -> None:
    (sentence,) = rules_broken(url)
    assert words in sentence
    assert sentence.endswith(".")


def test_several_broken_rules_are_all_named() -> None:
    assert len(rules_broken("http://127.0.0.1:9474/x")) == 3


@pytest.mark.parametrize("port", ["", ":443", ":80"])
def test_an_address_that_keeps_the_rules_is_not_complained_about(port: str) -> None:
    callback = callback_at(f"https://scale.example.org{port}/", new_secret())
    assert rules_broken(callback) == []
    assert "//withings" not in callback


@given(st.text(), st.text())
def test_no_address_is_too_odd_to_be_judged_and_shown(start: str, rest: str) -> None:
    for url in (start, f"https://{start}/{rest}"):
        assert all(sentence.endswith(".") for sentence in rules_broken(url))
        assert shortened(url).isprintable()


@given(st.binary(min_size=32, max_size=32))
def test_a_shortened_address_does_not_give_the_secret_away(random: bytes) -> None:
    secret = random.hex()
    assert secret not in shortened(callback_at("https://scale.example.org", secret))


def test_a_shortened_address_shows_whose_it_is_and_hides_the_rest() -> None:
    shown = shortened("https://me:pw@home.example.net:8123/api/webhook/0123456789abcdef?key=hush#x")
    assert shown == "https://home.example.net:8123/api/webhook/0123…"
    assert shortened("https://[2001:db8::1]/x") == "https://[2001:db8::1]/x"


# --- What is remembered -------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with SqliteDatabase(tmp_path) as opened:
        yield opened


def test_the_secret_is_made_once(database: Database) -> None:
    first = current_secret(database, 10.0)
    assert current_secret(database, 20.0) == first
    assert accepted_secrets(database) == (first,)
    assert len(first) == 43


def test_a_new_secret_leaves_the_old_one_open_until_it_is_retired(database: Database) -> None:
    words = iter("abc")
    first = current_secret(database, 10.0, lambda: next(words))
    second = rotate(database, 10.0, lambda: next(words))
    third = rotate(database, 5.0, lambda: next(words))  # the clock went back
    assert accepted_secrets(database) == (third, second, first) == ("c", "b", "a")
    assert current_secret(database, 30.0) == third
    assert retire(database, third, 40.0) == 2
    assert retire(database, third, 50.0) == 0
    assert accepted_secrets(database) == (third,)


def test_no_secret_ends_when_somebody_has_just_made_another(database: Database) -> None:
    first = current_secret(database, 10.0)
    second = rotate(database, 20.0)
    assert retire(database, first, 30.0) == 0
    assert accepted_secrets(database) == (second, first)


def test_an_address_is_ours_for_ever(database: Database) -> None:
    for url in (OLD, OURS, OLD):
        remember_callback(database, url, 10.0)
    assert our_callbacks(database) == {OLD, OURS}


@pytest.fixture
def record(database: Database) -> SubscriptionStore:
    archive = connect_account(database, "anna", "101", lambda: 0.0)
    return SubscriptionStore(database, archive.account)


def test_the_beginning_of_a_lasting_trouble_is_kept(record: SubscriptionStore) -> None:
    assert record.state() is None
    record.begin(OURS)
    record.note_trouble(RetryLater("refused"), 10.0, 40.0)
    record.note_trouble(RetryLater("still refused"), 40.0, 100.0)
    state = record.begin(OURS)
    assert (state.trouble, state.trouble_at, state.steps) == (plain("still refused"), 10.0, 2)
    assert not state.settled_at(OURS)
    record.note_in_order(100.0, 200.0)
    state = record.begin(OURS)
    assert (state.trouble, state.trouble_at, state.steps) == (None, None, 0)
    assert state.settled_at(OURS)
    assert "scale" not in repr(state)


def test_under_another_address_nothing_is_in_order_yet(record: SubscriptionStore) -> None:
    record.begin(OLD)
    record.note_in_order(10.0, 1000.0)
    state = record.begin(OURS)
    assert (state.callback, state.listed_at, state.next_try_at) == (OURS, None, 0)
    assert not state.settled_at(OURS)


def test_everybody_can_be_made_due(database: Database, record: SubscriptionStore) -> None:
    record.begin(OURS)
    record.note_in_order(10.0, 1000.0)
    look_soon(database)
    state = record.state()
    assert state is not None
    assert state.next_try_at == 0


def test_what_is_not_offered_is_asked_for_again_after_a_week(record: SubscriptionStore) -> None:
    record.leave_out(44, 10.0)
    record.leave_out(46, 20.0)
    assert record.left_out(30.0) == {44, 46}
    assert record.left_out(15.0 + LEFT_OUT_SECONDS) == {46}
    record.take_back()
    assert record.left_out(30.0) == frozenset()
