"""The Withings stand-in probes callbacks and really posts notifications."""

from __future__ import annotations

import socket
import threading
from typing import Any
from urllib.parse import parse_qsl

from fixtures.sandbox import NOW, Life, Listener, recorded, weight
from fixtures.waiting import wait_until


def wait_until_posted(life: Life, state: str) -> dict[str, Any]:
    def posted() -> dict[str, Any] | None:
        letters = life.admin.notifications()
        return letters[-1] if {letter["state"] for letter in letters} == {state} else None

    return wait_until(posted)


def test_subscriptions_are_listed_changed_and_revoked(life: Life, listener: Listener) -> None:
    token, url = life.token(), listener.url

    def notify(action: str, **form: Any) -> Any:
        return life.ask("/notify", token, action=action, **form)

    assert notify("subscribe", callbackurl=url, appli=1, comment="hi") == {"status": 0, "body": {}}
    assert notify("subscribe", callbackurl=url, appli=1)["status"] == 0
    assert notify("subscribe", callbackurl=url, appli=4)["status"] == 0
    assert listener.heads == 3
    profiles = notify("list")["body"]["profiles"]
    first = {"appli": 1, "callbackurl": url, "expires": 2147483647, "comment": "hi"}
    assert profiles == [first, first | {"appli": 4, "comment": None}]
    assert [*recorded("notify-list-one")["body"]["profiles"][0]] == [*first]
    assert notify("list", appli=4)["body"]["profiles"] == profiles[1:]
    assert notify("get", callbackurl=url, appli=1)["body"] == first
    assert notify("update", callbackurl=url, appli=4, new_appli=2)["status"] == 0
    assert notify("update", callbackurl=url, appli=1, new_appli=2, comment="x")["status"] == 503
    assert notify("get", callbackurl=url, appli=4)["status"] == 343
    assert notify("revoke", callbackurl=url, appli=1) == {"status": 0, "body": {}}
    assert notify("revoke", callbackurl=url, appli=1)["status"] == 286
    assert [p["appli"] for p in notify("list")["body"]["profiles"]] == [2]
    assert life.admin.tell("withings", "subscriptions", profile="ben") == []


def test_a_callback_must_answer_head_with_exactly_200(life: Life, listener: Listener) -> None:
    token = life.token()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/"
        for url in (nobody, "", "ftp://x", "http://example.com/", listener.url + "&" + "x" * 255):
            answer = life.ask("/notify", token, action="subscribe", callbackurl=url, appli=1)
            assert answer["status"] == 293
    listener.head_status = 204
    answer = life.ask("/notify", token, action="subscribe", callbackurl=listener.url, appli=1)
    assert answer["status"] == 293
    assert life.ask("/notify", token, action="list")["body"] == {"profiles": []}


def test_news_are_posted_once_for_each_appli_like_the_recorded_ones(
    life: Life, listener: Listener
) -> None:
    token = life.token()
    for appli in (1, 4):
        life.ask("/notify", token, action="subscribe", callbackurl=listener.url, appli=appli)

    date = NOW - 90
    life.admin.add_groups("anna", [weight(1, date=date), weight(2, date=date)])
    life.admin.add_groups("anna", [weight(3, date=date)], notify=False)
    life.admin.add_groups("ben", [weight(4, date=date)])

    window = f"userid=101&startdate={date - 1}&enddate={date}"
    assert listener.wait_for(2) == [f"{window}&appli=1", f"{window}&appli=4"]
    letter = wait_until_posted(life, "delivered")
    assert letter["statuses"] == [200]
    assert "secret" not in letter["to"]
    bodies = recorded("notification-bodies")["recorded"]
    assert [*dict(parse_qsl(bodies[0]["body"]))] == [*dict(parse_qsl(f"{window}&appli=1"))]


def test_a_notification_is_tried_again_and_then_given_up(life: Life, listener: Listener) -> None:
    life.admin.tell("withings", "schedule", delays=[0, 0.01, 0.01])
    life.ask("/notify", life.token(), action="subscribe", callbackurl=listener.url, appli=1)
    listener.answers = [500, 404, 302, 500, 500, 500]
    life.admin.add_groups("anna", [weight(1, date=NOW - 90)])
    assert wait_until_posted(life, "delivered")["statuses"] == [500, 404, 302]
    listener.wait_for(3)
    life.admin.delete_group(1)
    wait_until(lambda: life.admin.notifications()[-1]["state"] != "waiting")
    assert life.admin.notifications()[-1] == {
        "to": listener.url.partition("?")[0],
        "body": f"userid=101&startdate={NOW - 91}&enddate={NOW - 90}&appli=1",
        "statuses": [500, 500, 500],
        "state": "given up",
    }


def test_removing_the_application_tells_its_subscriber(life: Life, listener: Listener) -> None:
    life.ask("/notify", life.token(), action="subscribe", callbackurl=listener.url, appli=46)
    life.admin.revoke_tokens("anna")
    assert listener.wait_for(1) == ["userid=101&appli=46&action=unlink"]
    assert life.admin.tell("withings", "subscriptions", profile="anna") == []


def test_closing_ends_a_notification_that_waits(life: Life, listener: Listener) -> None:
    before = threading.active_count()
    life.admin.tell("withings", "schedule", delays=[3600])
    life.ask("/notify", life.token(), action="subscribe", callbackurl=listener.url, appli=1)
    life.admin.add_groups("anna", [weight(1, date=NOW - 90)])
    life.sandbox.close()
    assert listener.bodies == []
    assert threading.active_count() == before - 1  # that one was the sandbox's own
