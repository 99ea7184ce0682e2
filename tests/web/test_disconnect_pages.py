"""Disconnecting people on the pages, and asking Withings about its notifications."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.connections_page import ANNA, Street, send, sign_in, street
from fixtures.web_server import words_of
from weighbridge.core.reason import plain


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    with street(tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def family(whole: Street) -> Street:
    """Nobody is connected or signed in, nothing is wrong with the clouds."""
    whole.tidy()
    return whole


# --- Disconnecting --------------------------------------------------------------------------------


def test_a_target_is_disconnected_after_a_question(family: Street) -> None:
    admin = family.site.admin()
    sign_in(admin, "anna", ANNA)
    question = admin.get("/disconnect/anna/garmin")
    assert "What was delivered stays there." in words_of(question)
    assert family.accounts() != {}
    done = send(admin, "/disconnect/anna/garmin")
    assert "anna is disconnected from Garmin" in words_of(done)
    assert family.accounts() == {}
    assert "Garmin Not signed in yet." in words_of(admin.get("/connect"))
    assert "nothing to disconnect" in words_of(admin.get("/disconnect/anna/garmin"))
    with family.site.parts().open() as services:
        (route,) = [
            one
            for one in services.person_sync(services.settings.directory.person("anna")).routes
            if one.name == "garmin"
        ]
        assert route.ledger.row()["decision"] == "login"
    assert sign_in(admin, "anna", ANNA).status == 200


def test_withings_is_disconnected_and_the_readings_stay(family: Street) -> None:
    family.connect("anna")
    family.subscribe(1, 4)
    family.subscribe(1, callback="https://somebody.example.org/else")
    with family.site.parts().open() as services:
        callback = family.callback()
        services.database.run("add_known_callback", url=callback, now=family.site.now)
    admin = family.site.admin()
    assert "All readings that are here stay" in words_of(admin.get("/disconnect/anna"))
    done = send(admin, "/disconnect/anna")
    assert words_of(done).startswith("anna is disconnected from Withings")
    assert "could not be told" not in words_of(done)
    assert family.at_withings() == [1]
    assert family.accounts() == {}
    assert family.site.connected() == {"anna": family.site.userid("anna")}
    told = words_of(admin.get("/connect"))
    assert "anna Withings Disconnected. The readings that are here stay. Connect anna again" in told
    family.connect("anna")
    assert "Connected to the Withings profile" in words_of(admin.get("/connect"))


def test_withings_is_forgotten_even_when_it_does_not_answer(family: Street) -> None:
    family.connect("anna")
    family.house.admin.fault("http", path="/notify", status=502, times=-1)
    done = send(family.site.admin(), "/disconnect/anna")
    assert done.status == 200
    assert "Withings could not be told" in words_of(done)
    assert family.accounts() == {}


def test_a_login_that_is_just_being_renewed_is_not_brought_back(family: Street) -> None:
    admin = family.site.admin()
    sign_in(admin, "anna", ANNA)
    with family.site.parts().open() as services:
        person = services.settings.directory.person("anna")
        with services.session("anna", person.target("garmin")).lease():
            family.house.database("UPDATE lease SET expires_at = 9e9")
            answer = send(admin, "/disconnect/anna/garmin")
    assert answer.status == 503
    assert family.accounts() != {}


# --- Notifications --------------------------------------------------------------------------------


def test_a_check_says_what_withings_would_tell_of(family: Street) -> None:
    family.connect("anna")
    family.subscribe(1, 2, 4, 44, 46, 54, 63)
    admin = family.site.admin()
    assert "Not subscribed yet." in words_of(admin.get("/connect"))
    told = words_of(send(admin, "/subscriptions/anna"))
    assert "Everything is in order. Asked at Withings: 9 October 2025" in told
    assert "Withings tells of weight and body composition temperature" in told
    assert family.asked("/notify") == 1


def test_a_check_that_finds_something_has_it_mended_soon(family: Street) -> None:
    family.connect("anna")
    family.subscribe(1, 4, 999)
    with family.site.parts().open() as services:
        account = services.database.one("account_of", person="anna")
        assert account is not None
        services.database.run(
            "begin_subscriptions", account=account["id"], callback=family.callback()
        )
        services.database.run(
            "note_subscribed", account=account["id"], now=family.site.now, next_try_at=9e9
        )
    admin = family.site.admin()
    assert "In order: Withings tells of new readings at once." in words_of(admin.get("/connect"))
    told = words_of(send(admin, "/subscriptions/anna"))
    assert "Not everything is in order." in told
    assert "Missing temperature sleep changes of the profile" in told
    assert "subject 999" in told
    assert "begins to mend that by itself now" in told
    rows = family.house.database("SELECT next_try_at FROM subscription_state")
    assert rows == [(family.site.now,)]


def test_a_check_that_fails_says_why(family: Street) -> None:
    admin = family.site.admin()
    assert admin.get("/subscriptions/anna").place == "/connect"
    lost = send(admin, "/subscriptions/anna")
    assert lost.status == 403
    assert "Withings wants a login" in words_of(lost)
    family.connect("anna")
    family.house.admin.fault("http", path="/notify", status=502, times=-1)
    down = send(admin, "/subscriptions/anna")
    assert down.status == 503
    assert "Withings is not responding properly" in words_of(down)


def test_trouble_with_notifications_is_on_the_list(family: Street) -> None:
    family.connect("anna")
    with family.site.parts().open() as services:
        account = services.database.one("account_of", person="anna")
        assert account is not None
        services.database.run("begin_subscriptions", account=account["id"], callback="x")
        services.database.run(
            "note_subscription_trouble",
            **{
                "account": account["id"],
                "trouble": plain("No way in.").to_json(),
                "next_try_at": family.site.now + 60,
            },
            now=family.site.now,
        )
    told = words_of(family.site.admin().get("/connect"))
    assert "No notifications since 9 October 2025, 08:53 UTC." in told
    assert "No way in." in told
    assert "No way in." not in words_of(family.member("anna").get("/connect"))
