"""The client against the sandbox over real HTTP: signing in, renewing, paging, and each fault."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from fixtures.sandbox import NOW, Life, weight
from fixtures.waiting import PATIENCE
from fixtures.withings_memory import MemoryPause, MemoryStore
from weighbridge.core.errors import ConfigProblem, LoginNeeded, Problem, RetryLater
from weighbridge.core.network import form_client
from weighbridge.core.secret import TokenPair
from weighbridge.sources.withings.call_policy import CallPolicy
from weighbridge.sources.withings.client import Withings
from weighbridge.sources.withings.kind import parse_group
from weighbridge.sources.withings.oauth import (
    WithingsApp,
    consent_url,
    exchange,
    new_state,
    read_pasted,
)
from weighbridge.sources.withings.oauth_callback import Callback
from weighbridge.sources.withings.token_refresh import TokenRefresh
from weighbridge.sources.withings.wire import CodeExpired, NotUnderstood
from weighbridge_sandbox.withings import CLIENT_ID, CLIENT_SECRET

HOUR = 3600
MOST = pytest.mark.parametrize(
    "fault", ["drop", "garbage", "empty", "truncated", "cut_off", "no_body", "empty_list"]
)


class Account:
    """Anna's account as the program sees it, and the sandbox behind it."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.clock = life.clock
        self.naps: list[float] = []
        self.app = WithingsApp(CLIENT_ID, CLIENT_SECRET, url=life.sandbox.url)
        self.http = form_client(self.app.api_url)
        self.store = MemoryStore()
        self.policy = CallPolicy(MemoryPause(), clock=self.clock, sleep=self.sleep)
        self.tokens = self.new_tokens()
        self.withings = Withings(self.http, self.tokens, self.policy, self.app.api_url)

    def new_tokens(self) -> TokenRefresh:
        return TokenRefresh(self.store, self.app, self.http, self.policy)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.life.clock.offset += seconds

    def log_in(self) -> TokenPair:
        code = self.life.admin.code("anna", self.app.callback_url)
        pair = exchange(self.app, code, self.http, self.clock)
        self.store.pairs.append(pair)
        return pair

    def read(self, since: int = 0) -> list[int]:
        return [
            parse_group(raw, zone=page.timezone).group_id
            for page in self.withings.pages(changed_since=since)
            for raw in page.groups
        ]

    def calls(self, path: str) -> int:
        return len(self.life.admin.requests(path=path))


@pytest.fixture
def anna() -> Iterator[Account]:
    life = Life()
    life.open()
    life.household.add_groups("anna", [weight(n, date=NOW - 1000 + n) for n in range(1, 8)])
    account = Account(life)
    yield account
    account.http.close()
    life.close()


# Signing in


def test_a_person_signs_in_with_the_browser(anna: Account) -> None:
    callback = Callback("http://localhost:0/callback")
    app = WithingsApp(
        CLIENT_ID, CLIENT_SECRET, f"http://localhost:{callback.port}/callback", anna.app.url
    )
    state = new_state()
    page: list[httpx2.Response] = []

    def browse() -> None:
        with httpx2.Client(trust_env=False, follow_redirects=True, timeout=PATIENCE) as browser:
            page.append(browser.get(consent_url(app, state) + "&profile=anna"))

    visitor = threading.Thread(target=browse)
    visitor.start()
    code = callback.wait(state, timeout=PATIENCE)
    pair = exchange(app, code, anna.http, anna.clock)
    visitor.join()
    assert pair.userid == "101"
    assert pair.scope == "user.metrics,user.info,user.activity"
    assert "You can close this window." in page[0].text


def test_a_person_without_a_browser_here_pastes_the_address(anna: Account) -> None:
    state = new_state()
    link = consent_url(anna.app, state)
    sent_to = anna.life.client.get(link + "&profile=ben").headers["Location"]
    assert urlsplit(sent_to).path == "/callback"
    code = read_pasted(sent_to, state)
    assert exchange(anna.app, code, anna.http, anna.clock).userid == "102"


def test_a_person_may_refuse(anna: Account) -> None:
    state = new_state()
    sent_to = anna.life.client.get(consent_url(anna.app, state) + "&refuse=1").headers["Location"]
    with pytest.raises(LoginNeeded, match="access_denied"):
        read_pasted(sent_to, state)


def test_a_code_is_too_old_after_thirty_seconds_and_works_once(anna: Account) -> None:
    late = anna.life.admin.code("anna", anna.app.callback_url)
    anna.life.clock.offset += 31
    with pytest.raises(CodeExpired, match="new link"):
        exchange(anna.app, late, anna.http, anna.clock)
    code = anna.life.admin.code("anna", anna.app.callback_url)
    exchange(anna.app, code, anna.http, anna.clock)
    with pytest.raises(CodeExpired):
        exchange(anna.app, code, anna.http, anna.clock)


def test_a_wrong_client_secret_is_a_matter_of_configuration(anna: Account) -> None:
    wrong = WithingsApp(CLIENT_ID, "a-wrong-secret", url=anna.app.url)
    code = anna.life.admin.code("anna", wrong.callback_url)
    with pytest.raises(ConfigProblem, match="Check client id, client secret"):
        exchange(wrong, code, anna.http, anna.clock)


# TokenRefresh


def test_one_access_token_serves_three_hours_and_rotation_goes_on(anna: Account) -> None:
    anna.log_in()
    for _ in range(8):
        assert len(anna.read()) == 7
        anna.life.clock.offset += HOUR
    assert len(anna.store.pairs) == 3
    assert len({pair.refresh_token for pair in anna.store.pairs}) == 3


def test_a_token_that_died_early_is_renewed_on_the_way(anna: Account) -> None:
    anna.log_in()
    anna.life.admin.expire_tokens("anna")
    assert len(anna.read()) == 7
    assert anna.calls("/measure") == 2
    assert len(anna.store.pairs) == 2


def test_a_removed_application_needs_a_person(anna: Account) -> None:
    anna.log_in()
    anna.life.admin.revoke_tokens("anna")
    with pytest.raises(LoginNeeded, match="weighbridge login withings"):
        anna.read()
    assert anna.store.reason is not None
    assert "invalid refresh_token" in anna.store.reason.message()
    assert len(anna.store.pairs) == 1


def test_an_answer_lost_after_the_renewal_costs_nothing(anna: Account) -> None:
    anna.log_in()
    anna.life.clock.offset += 3 * HOUR
    anna.life.admin.fault("drop", path="/v2/oauth2", after_work=True)
    with pytest.raises(RetryLater):
        anna.read()
    assert len(anna.store.pairs) == 1
    assert len(anna.read()) == 7
    assert len(anna.store.pairs) == 2
    assert anna.naps == [10]  # the same renewal within 10 seconds: the service said 601


def test_a_renewal_that_was_lost_on_disk_is_recovered(anna: Account) -> None:
    anna.log_in()
    anna.life.clock.offset += 3 * HOUR
    anna.tokens.access()
    anna.store.pairs.pop()  # the process died before the pair was stored
    anna.life.clock.offset += 7 * HOUR
    assert len(anna.read()) == 7


def test_ten_at_once_renew_once(anna: Account) -> None:
    anna.log_in()
    anna.life.clock.offset += 3 * HOUR
    before = anna.calls("/v2/oauth2")
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(anna.new_tokens().access())) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    assert len(set(found)) == 1
    assert anna.calls("/v2/oauth2") == before + 1


@MOST
def test_a_spoilt_renewal_leaves_the_login_and_the_next_run_recovers(
    anna: Account, fault: str
) -> None:
    pair = anna.log_in()
    anna.life.clock.offset += 3 * HOUR
    anna.life.admin.fault(fault, path="/v2/oauth2")
    with pytest.raises(RetryLater):
        anna.read()
    assert anna.store.pairs == [pair]
    assert anna.store.reason is None
    assert len(anna.read()) == 7


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_an_outage_of_the_token_endpoint_leaves_the_login(anna: Account, code: int) -> None:
    pair = anna.log_in()
    anna.life.clock.offset += 3 * HOUR
    anna.life.admin.fault("http", status=code, path="/v2/oauth2")
    with pytest.raises(RetryLater):
        anna.read()
    assert anna.store.pairs == [pair]
    assert len(anna.read()) == 7


# Pages


@pytest.mark.parametrize("size", [1, 3, 7, 300])
def test_all_pages_arrive_whatever_their_size(anna: Account, size: int) -> None:
    anna.log_in()
    anna.life.admin.page_size(size)
    assert anna.read() == [1, 2, 3, 4, 5, 6, 7]
    assert anna.calls("/measure") == -(-7 // size)


def test_only_what_changed_is_read(anna: Account) -> None:
    anna.log_in()
    page = list(anna.withings.pages(changed_since=NOW - 1000 + 20 + 6))[-1]
    assert [parse_group(raw, zone=None).group_id for raw in page.groups] == [6, 7]
    assert page.updatetime == NOW


def test_a_window_reads_by_the_time_of_measuring(anna: Account) -> None:
    anna.log_in()
    pages = anna.withings.pages(start=NOW - 1000 + 2, end=NOW - 1000 + 4)
    found = [parse_group(raw, zone=None).group_id for page in pages for raw in page.groups]
    assert sorted(found) == [2, 3, 4]


# Faults of the data call


@MOST
def test_a_spoilt_answer_is_read_again_by_the_next_run(anna: Account, fault: str) -> None:
    anna.log_in()
    anna.life.admin.fault(fault, path="/measure")
    with pytest.raises(RetryLater):
        anna.read()
    assert len(anna.read()) == 7


def test_trouble_on_the_second_page_keeps_the_first(anna: Account) -> None:
    anna.log_in()
    anna.life.admin.page_size(3)
    anna.life.admin.fault("drop", path="/measure", nth=2)
    pages = anna.withings.pages(changed_since=0)
    assert len(next(pages).groups) == 3
    with pytest.raises(RetryLater):
        next(pages)


def test_one_refusal_is_answered_with_a_renewal(anna: Account) -> None:
    anna.log_in()
    anna.life.admin.fault("unauthorized", path="/measure")
    assert len(anna.read()) == 7
    assert len(anna.store.pairs) == 2


def test_two_refusals_need_a_person(anna: Account) -> None:
    anna.log_in()
    anna.life.admin.fault("unauthorized", path="/measure", times=2)
    with pytest.raises(LoginNeeded):
        anna.read()


@pytest.mark.parametrize(("told", "naps"), [(None, [10]), (3, [10]), (25, [25])])
def test_a_short_601_is_waited_for(anna: Account, told: int | None, naps: list[float]) -> None:
    anna.log_in()
    anna.life.admin.fault(
        "status", status=601, error="Same arguments", wait_seconds=told, path="/measure"
    )
    assert len(anna.read()) == 7
    assert anna.naps == naps


def test_a_long_601_stops_everybody_until_it_is_over(anna: Account) -> None:
    anna.log_in()
    anna.life.admin.fault(
        "status", status=601, error="Same arguments", wait_seconds=188, path="/measure"
    )
    with pytest.raises(RetryLater) as caught:
        anna.read()
    assert caught.value.after == 188
    with pytest.raises(RetryLater):
        anna.read()
    assert anna.calls("/measure") == 1
    anna.life.clock.offset += 188
    assert len(anna.read()) == 7


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"kind": "http", "status": 429, "headers": {"Retry-After": "90"}}, RetryLater),
        ({"kind": "http", "status": 503, "body": "<h1>Back soon</h1>"}, RetryLater),
        ({"kind": "status", "status": 522, "error": "Timeout"}, RetryLater),
        ({"kind": "status", "status": 601, "error": "Too Many Requests"}, RetryLater),
        ({"kind": "status", "status": 2554, "error": "Not implemented"}, ConfigProblem),
        ({"kind": "status", "status": 503, "error": "Invalid Params: x"}, NotUnderstood),
    ],
    ids=str,
)
def test_every_other_status_is_its_own_decision(
    anna: Account, fault: dict[str, object], kind: type[Problem]
) -> None:
    anna.log_in()
    anna.life.admin.fault(**fault, path="/measure")  # type: ignore[arg-type]
    with pytest.raises(kind) as caught:
        anna.read()
    assert caught.value.remedy
