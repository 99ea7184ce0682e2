"""``weighbridge check``: every service is asked, nothing is sent."""

from __future__ import annotations

from pathlib import Path

from fixtures.cli import World


def test_withings_and_every_target_answer_for_each_person(lived_in: World) -> None:
    lived_in.house.admin.clear_requests()
    result = lived_in.run("check", expect=0)
    lines = result.out.splitlines()
    assert any(line.startswith("anna, withings: the login works; devices: ") for line in lines)
    assert any(line.startswith("anna, garmin: ") for line in lines)
    assert any(line.startswith("ben, file: ") for line in lines)
    asked = {one["path"] for one in lived_in.house.requests()}
    assert not asked & {"/measure", "/upload-service/upload"}


def test_only_what_was_asked_for_is_checked(lived_in: World) -> None:
    (one,) = lived_in.run("check", "--person", "ben", "--target", "file", "--json", expect=0).json
    assert (one["person"], one["where"], one["works"]) == ("ben", "file", True)


def test_an_unknown_target_is_named(lived_in: World) -> None:
    result = lived_in.run("check", "--target", "fiel", expect=2)
    assert 'There is no target called "fiel".' in result.err


def test_an_expired_login_is_reported_with_its_remedy(lived_in: World) -> None:
    lived_in.house.admin.tell("withings", "revoke_tokens", profile="ben")
    result = lived_in.run("check", "--person", "ben", expect=3)
    assert "weighbridge login withings --person ben" in result.out
    assert "ben, file: " in result.out, "the others are asked all the same"


def test_an_empty_home_folder_names_the_first_command(tmp_path: Path, lived_in: World) -> None:
    from fixtures.cli import run_here

    result = run_here(tmp_path, "check", expect=2)
    assert "weighbridge init" in result.err
