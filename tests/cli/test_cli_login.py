"""``weighbridge login``: mistakes are reported before anything is asked or sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.cli import World, run_here, sign_in

TWO_PEOPLE = """\
[withings]
client_id = "abc"
client_secret = "def"

[[person]]
name = "anna"

[[person.target]]
kind = "garmin"

[[person.target]]
kind = "file"
path = "anna.json"

[[person]]
name = "ben"
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "weighbridge.toml"
    path.write_text(TWO_PEOPLE)
    path.chmod(0o600)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["withings"], "Add --person NAME: one of anna, ben."),
        (["withings", "--person", "carl"], 'There is no person called "carl".'),
        (
            ["polar", "--person", "anna"],
            'anna has no target called "polar". Choose one of these: withings, garmin, file; '
            "or add it to weighbridge.toml.",
        ),
        (["garmin", "--person", "ben"], "Choose one of these: withings; or add it"),
        (["file", "--person", "anna"], "A target of kind file needs no login."),
        (
            ["garmin", "--person", "anna"],
            "User name or e-mail is missing, and nobody is here to ask. Give it with --username.",
        ),
        (
            ["garmin", "--person", "anna", "--username", "a@example.test"],
            "Use --password-stdin, --password-file or GARMIN_PASSWORD.",
        ),
        (
            ["garmin", "--person", "anna", "--username", "a", "--password-file", "absent"],
            "The password file absent cannot be read.",
        ),
        (["garmin", "--person", "anna", "--ticket", "xyz"], "a ticket begins with ST-"),
        ([], "withings|TARGET"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_reported_with_its_remedy(
    home: Path, arguments: list[str], words: str
) -> None:
    result = run_here(home, "login", *arguments)
    assert result.code == (3 if "xyz" in arguments else 2), result
    assert words in result.err
    assert result.out == ""


def test_without_an_application_five_lines_explain_how_to_get_one(tmp_path: Path) -> None:
    result = run_here(tmp_path, "login", "withings", expect=2)
    assert "There is no configuration yet. Write one with: weighbridge init\n" in result.err
    assert "https://developer.withings.com/dashboard/" in result.err
    assert "http://localhost:9473/callback" in result.err
    assert "WITHINGS_CLIENT_ID and WITHINGS_CLIENT_SECRET" in result.err
    assert [path.name for path in tmp_path.iterdir()] in ([], ["weighbridge.db"])


def test_pasting_needs_a_person_at_the_terminal(anna: World) -> None:
    result = anna.run("login", "withings", "--paste", expect=2, input="")
    assert "oauth2_user/authorize2" in result.err
    assert "Give the code with --code" in result.err


def test_a_pasted_address_is_enough(anna: World) -> None:
    house = anna.house
    code = house.admin.code("anna", house.callback_url)
    result = anna.run("login", "withings", "--paste", input=f"{code}\n", expect=0)
    assert result.err.count("Open this link in a browser") == 1
    assert "anna is connected to the Withings profile" in result.err
    assert "(This is not the real Withings: the configuration names http://127.0.0.1" in result.err


def test_an_expired_code_is_reported(anna: World) -> None:
    result = anna.run("login", "withings", "--code", "0123456789abcdef", expect=3)
    assert "too old or was already used" in result.err
    assert "30 seconds" in result.err


def test_a_password_comes_from_a_file_or_the_environment(anna: World, tmp_path: Path) -> None:
    email, password, _ = anna.house.accounts["anna"]
    path = tmp_path / "password"
    path.write_text(f"{password}\r\nsecond line\n")
    arguments = ("login", "garmin", "--username", email)
    told = anna.run(*arguments, "--password-file", str(path), expect=0).err
    assert "anna is signed in at garmin as Anna Example.\nNext: weighbridge sync\n" in told
    env = {"GARMIN_PASSWORD": password, "GARMIN_USERNAME": email}
    assert password not in anna.run("login", "garmin", env=env, expect=0).err


def test_a_closed_breaker_sends_no_password(anna: World) -> None:
    anna.house.admin.tell("garmin", "sign_in", answer=427)
    sign_in(anna, "anna", expect=4)
    before = len(anna.house.requests())
    told = sign_in(anna, "anna", expect=4).err
    assert "No password is sent for another 1 hour" in told
    assert "sign in with a browser: weighbridge login garmin --person anna --ticket" in told
    assert ".)" not in told
    assert len(anna.house.requests()) == before


def test_the_account_of_another_person_is_refused(anna: World) -> None:
    anna.configure('\n[[person]]\nname = "twin"\n\n[[person.target]]\nkind = "garmin"\n')
    anna.configure(f'url = "{anna.house.sandbox.url}"\n')
    anna.house.accounts["twin"] = anna.house.accounts["anna"]
    told = sign_in(anna, "twin", expect=2).err
    assert "This garmin account already belongs to anna." in told
