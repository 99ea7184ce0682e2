"""A notification is read strictly where it could steer us, and leniently everywhere else."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures import paths
from weighbridge.sources.withings.notification import (
    DAY,
    EARLIEST,
    LONGEST_WINDOW,
    NOT_OF_MEASURES,
    InvalidNotification,
    Notification,
    read_notification,
)

NOW = 1_800_000_000.0
FIXTURE = paths.RECORDED / "notification-bodies.json"

AS_SENT = {
    b"userid=13371337&startdate=1706376729&enddate=1706376730&appli=1": Notification(
        "13371337", 1, 1706376729, 1706376730
    ),
    b"userid=13371337&startdate=1709336580&enddate=1709368500&appli=44": Notification(
        "13371337", 44, 1709336580, 1709368500
    ),
    b"userid=133337&appli=16&date=2022-01-26": Notification("133337", 16, 1643155200, 1643241599),
    b"userid=133337&appli=46&action=update": Notification("133337", 46, action="update"),
    b"date=1700003600&deviceid=aaaabbbbccccdddd&appli=50&userid=12345678": Notification(
        "12345678", 50, 1700003600, 1700003600
    ),
    b"foo=bar&userid=12345&appli=1&startdate=1530576000&enddate=1530698753": Notification(
        "12345", 1, 1530576000, 1530698753
    ),
}
"""As recorded: docs/reference/withings-api.md#delivery."""


@pytest.mark.parametrize("body", AS_SENT, ids=bytes.decode)
def test_bodies_that_withings_sends_are_understood(body: bytes) -> None:
    assert read_notification(body, NOW) == AS_SENT[body]


@pytest.mark.skipif(not FIXTURE.exists(), reason="the recorded answers are not here")
def test_every_recorded_body_is_understood() -> None:
    groups = [
        value for value in json.loads(FIXTURE.read_text()).values() if isinstance(value, list)
    ]
    recorded = [each for group in groups for each in group]
    assert recorded
    for each in recorded:
        assert read_notification(each["body"].encode(), NOW).appli == each["appli"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"userid=1",
        b"appli=1",
        b"userid=1&appli=",
        b"userid=&appli=1",
        b"userid=1&appli=0",
        b"userid=1&appli=10000",
        b"userid=1&appli=-1",
        b"userid=1&appli=1.0",
        b"userid=1&appli=+1",
        b"userid=1&appli=1&appli=1",
        b"userid=1&userid=2&appli=1",
        b"userid=" + b"1" * 21 + b"&appli=1",
        b"userid=anna&appli=1",
        b"userid=1&appli=1&startdate=1706376729",
        b"userid=1&appli=1&enddate=1706376729",
        b"userid=1&appli=1&startdate=1706376730&enddate=1706376729",
        b"userid=1&appli=1&startdate=0&enddate=1706376729",
        b"userid=1&appli=1&startdate=yesterday&enddate=today",
        b"userid=1&appli=1&startdate=1706376729&enddate=99999999999999999999",
        b"userid=1&appli=16&date=2022-02-30",
        b"userid=1&appli=16&date=0000-01-01",
        b"userid=1&appli=16&date=2022-01-26T07",
        b"userid=1&appli=46&action=drop%20table",
        b"userid=1&appli=1&foo=%",
        b"userid=1&appli=1&foo=%zz",
        b"userid=1&appli=1&foo=%00",
        b"userid=1&appli=1&foo=%ff",
        b"userid=1&appli=1\x00",
        b"userid=1&appli=1&foo=\xc3\xbc",
        b"userid=%D9%A1&appli=1",
        b"userid=1&appli=%D9%A1",
        b"userid=1&appli=1\n",
        b'{"userid":1,"appli":1}',
        b"&".join([b"a=1"] * 40) + b"&userid=1&appli=1",
    ],
)
def test_a_forged_or_broken_body_is_no_notification(body: bytes) -> None:
    with pytest.raises(InvalidNotification):
        read_notification(body, NOW)


def test_what_we_do_not_know_is_ignored() -> None:
    body = b"devicename=Waage%20K%C3%BCche&userid=1&x[]=1&x[]=2&empty&&appli=777&new=%26"
    assert read_notification(body, NOW) == Notification("1", 777)


def test_a_window_may_be_long_but_not_absurd() -> None:
    def window(first: float, last: float) -> Notification:
        form = urlencode({"userid": 1, "appli": 1, "startdate": int(first), "enddate": int(last)})
        return read_notification(form.encode(), NOW)

    assert window(EARLIEST, EARLIEST + LONGEST_WINDOW).first_at == EARLIEST
    assert window(NOW, NOW + DAY).last_at == NOW + DAY
    for first, last in (
        (EARLIEST - 1, EARLIEST),
        (EARLIEST, EARLIEST + LONGEST_WINDOW + 1),
        (NOW, NOW + DAY + 1),
    ):
        with pytest.raises(InvalidNotification):
            window(first, last)


def test_today_is_not_the_future_anywhere_on_earth() -> None:
    # 2027-01-15 08:00 UTC is NOW; on Kiritimati it is 22:00 of that day, soon of the next one.
    assert read_notification(b"userid=1&appli=16&date=2027-01-16", NOW).last_at is not None
    with pytest.raises(InvalidNotification):
        read_notification(b"userid=1&appli=16&date=2027-01-17", NOW)


def test_an_unlinked_or_deleted_account_is_gone_and_an_updated_one_is_not() -> None:
    def gone(form: str) -> bool:
        return read_notification(form.encode(), NOW).account_gone

    assert gone("userid=1&appli=46&action=unlink")
    assert gone("userid=1&appli=46&action=delete")
    assert not gone("userid=1&appli=46&action=update")
    assert not gone("userid=1&appli=46")
    assert not gone("userid=1&appli=1&action=unlink")


def test_a_night_and_steps_are_fetched_because_measurements_may_come_with_them() -> None:
    for appli in (16, 44):
        assert Notification("1", appli).asks_to_fetch, f"category {appli}"
    assert {16, 44} <= NOT_OF_MEASURES, "but they announce none themselves"


def test_kinds_we_never_heard_of_are_looked_after() -> None:
    assert Notification("1", 1).asks_to_fetch
    assert Notification("1", 4321).asks_to_fetch
    assert not Notification("1", 50).asks_to_fetch
    assert not Notification("1", 46, action="update").asks_to_fetch


def test_the_problem_never_repeats_the_body() -> None:
    with pytest.raises(InvalidNotification) as problem:
        read_notification(b"userid=zgeheim&appli=1", NOW)
    assert "zgeheim" not in str(problem.value)


def holds(body: bytes) -> None:
    """The one promise about any bytes: a notification within bounds, or InvalidNotification."""
    try:
        notification = read_notification(body, NOW)
    except InvalidNotification:
        return
    assert notification.userid.isascii()
    assert notification.userid.isdigit()
    assert 1 <= len(notification.userid) <= 20
    assert 1 <= notification.appli <= 9999
    assert (notification.first_at is None) == (notification.last_at is None)
    if notification.first_at is not None and notification.last_at is not None:
        assert EARLIEST <= notification.first_at <= notification.last_at <= NOW + 2 * DAY
        assert notification.last_at - notification.first_at <= LONGEST_WINDOW


@given(st.binary(max_size=300))
@example(b"userid=1&appli=\xb2")
def test_any_bytes_are_a_notification_or_none(body: bytes) -> None:
    holds(body)


NAMES = st.sampled_from(["userid", "appli", "startdate", "enddate", "date", "action", "x"])
VALUES = st.one_of(
    st.integers(-5, 10_000).map(str),
    st.integers(EARLIEST - 10, int(NOW) + 3 * DAY).map(str),
    st.dates().map(str),
    st.text(max_size=20),
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=10))
def test_any_form_is_a_notification_or_none(fields: list[tuple[str, str]]) -> None:
    holds(urlencode(fields).encode())


@given(
    st.fixed_dictionaries({"userid": st.integers(1, 10**20 - 1), "appli": st.integers(1, 9999)}),
    st.one_of(st.none(), st.tuples(st.integers(EARLIEST, int(NOW)), st.integers(0, DAY))),
    st.randoms(use_true_random=False),
)
def test_an_honest_form_is_a_notification_in_any_order(
    fields: dict[str, int], window: tuple[int, int] | None, random: object
) -> None:
    first = last = None
    if window:
        first, last = window[0], window[0] + window[1]
        fields |= {"startdate": first, "enddate": last}
    pairs = [*fields.items(), ("comment", "x")]
    random.shuffle(pairs)  # type: ignore[attr-defined]
    notification = read_notification(urlencode(pairs).encode(), NOW)
    assert notification == Notification(str(fields["userid"]), fields["appli"], first, last)
