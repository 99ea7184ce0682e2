"""``weighbridge import``: the logins of other programs go on working here, and nowhere else."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from fixtures.house import House, days_ago, weight
from fixtures.old_home import OldHome

pytestmark = pytest.mark.story


@pytest.fixture
def home(house: House, tmp_path: Path) -> OldHome:
    """Anna and Ben weigh themselves; the application is registered."""
    for name in ("anna", "ben"):
        groups = [weight(1 + 10 * (name == "ben"), days_ago(2), "70.1")]
        house.withings.household.add_profile(name, groups=groups)
    old = OldHome(house, tmp_path / "old")
    old.register()
    return old


def refresh_token(home: OldHome, name: str) -> tuple[str, str]:
    """The user id and a refresh token of a profile."""
    userid = home.house.withings.household.profiles[name].userid
    return str(userid), home.house.withings.tokens.issue(userid, "user.metrics")["refresh_token"]


def test_withings_sync_is_taken_over_by_command(home: OldHome) -> None:
    home.connect("anna", last_sync=days_ago(3))
    home.sign_in_at_garmin("anna")
    home.know_garmin()
    home.variables.pop("GARMIN_PASSWORD")
    told = home.weighbridge("import", "withings-sync", expect=0).err
    assert "The login at Withings" in told
    assert "The login at Garmin" in told
    assert home.house.requests() == [], "nothing is asked before the first sync"
    home.weighbridge("sync", expect=0)
    assert [row["weight_kg"] for row in home.house.weigh_ins("anna")] == ["70.1"]
    again = home.weighbridge("import", "withings-sync", expect=0).err
    assert "is connected to Withings already" in again
    home.weighbridge("sync", expect=0)


def test_a_family_takes_over_one_folder_each(home: OldHome) -> None:
    people = '[[person]]\nname = "anna"\n\n[[person]]\nname = "ben"\n'
    (home.house.home / "weighbridge.toml").write_text(people, "utf-8")
    for name in ("anna", "ben"):
        home.connect(name)
        folder = home.folder / name
        folder.mkdir()
        home.user_file.rename(folder / ".withings_user.json")
        arguments = ["--config-folder", str(folder), "--person", name]
        home.weighbridge("import", "withings-sync", *arguments, expect=0)
    swapped = ["--config-folder", str(home.folder / "ben"), "--person", "anna"]
    told = home.weighbridge("import", "withings-sync", *swapped, expect=2).err
    assert "anna is bound to another Withings profile" in told
    home.weighbridge("sync", expect=0)
    groups = home.house.database(
        "SELECT person, count(*) FROM raw_group AS g "
        "JOIN account AS a ON a.id = g.account GROUP BY person"
    )
    assert dict(groups) == {"anna": 1, "ben": 1}


def test_what_cannot_be_taken_over_is_said(home: OldHome) -> None:
    told = home.weighbridge("import", "withings-sync", expect=2).err
    assert "There is nothing to take over" in told
    assert "--config-folder" in told
    home.lose_login()
    assert "sign in once" in home.weighbridge("import", "withings-sync", expect=3).err
    home.user_file.write_text("{", "utf-8")
    told = home.weighbridge("import", "withings-sync", expect=2).err
    assert "is not a file of withings-sync" in told


def test_trumpets_token_files_become_people(home: OldHome) -> None:
    folder = home.folder / "tokens"
    folder.mkdir()
    logins = dict(refresh_token(home, name) for name in ("anna", "ben"))
    for userid, token in logins.items():
        (folder / userid).write_text(token, "utf-8")
    anna, ben = sorted(logins)
    done = home.weighbridge("import", "trumpet", str(folder), "--name", f"{anna}=anna", expect=0)
    lines = tomllib.loads(done.out)
    assert lines == {"person": [{"name": "anna"}, {"name": f"user-{ben}"}]}
    path = home.house.home / "weighbridge.toml"
    assert not path.exists()
    path.write_text(done.out, "utf-8")
    home.weighbridge("sync", expect=0)
    assert {(folder / userid).read_text("utf-8") for userid in logins} == set(logins.values())
    again = home.weighbridge("import", "trumpet", str(folder), "--name", f"{anna}=anna", expect=0)
    assert again.out == ""
    assert "already" in again.err


def test_one_profile_that_belongs_to_somebody_else_does_not_stop_another(home: OldHome) -> None:
    folder = home.folder / "tokens"
    folder.mkdir()
    logins = [refresh_token(home, name) for name in ("anna", "ben")]
    for userid, token in logins:
        (folder / userid).write_text(token, "utf-8")
    anna, ben = sorted(userid for userid, _ in logins)
    (folder / ben).rename(home.folder / "later")
    home.weighbridge("import", "trumpet", str(folder), "--person", "anna", expect=0)
    (home.folder / "later").rename(folder / ben)
    names = ["--name", f"{anna}=carl", "--name", f"{ben}=ben"]
    told = home.weighbridge("import", "trumpet", str(folder), *names, expect=2).err
    assert "already belongs to anna" in told
    assert f"ben is connected to the Withings profile {ben}" in told
    for wrong in (["--name", "x"], ["--name", "9=x"], ["--name", f"{ben}= "], ["--person", "x"]):
        home.weighbridge("import", "trumpet", str(folder), *wrong, expect=2)


def test_no_login_is_said_while_it_is_taken_over(home: OldHome) -> None:
    login = home.connect("anna")
    session = home.sign_in_at_garmin("anna")
    told = home.weighbridge("-vv", "import", "withings-sync", expect=0)
    userid, token = refresh_token(home, "ben")
    (home.folder / userid).write_text(token, "utf-8")
    also = home.weighbridge("-vv", "import", "trumpet", str(home.folder), expect=0)
    said = told.out + told.err + also.out + also.err
    secrets = {token, login["access_token"], login["refresh_token"], *session.values()}
    assert not any(secret in said for secret in secrets)
    assert json.loads(home.user_file.read_text("utf-8")) == login
