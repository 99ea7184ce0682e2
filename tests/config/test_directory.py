"""The people of the configuration file: one by name, or all of them page by page."""

from __future__ import annotations

from pathlib import Path

import pytest

from weighbridge.config import FileDirectory, Person, everyone, load, only_person
from weighbridge.core.errors import ConfigProblem

NAMES = ["zoe", "anna", "ben", "Carl", "dora"]
PEOPLE = tuple(Person(name=name) for name in NAMES)


def names(people: object) -> list[str]:
    assert isinstance(people, tuple | list)
    return [person.name for person in people]


def test_a_person_is_found_by_the_exact_name() -> None:
    directory = FileDirectory(PEOPLE)
    assert directory.person("Carl") is PEOPLE[3]
    assert directory.find("ben") is PEOPLE[2]
    assert directory.find("carl") is None


def test_an_unknown_name_is_a_problem_that_names_those_that_exist() -> None:
    with pytest.raises(ConfigProblem, match='no person called "eve"') as caught:
        FileDirectory(PEOPLE).person("eve")
    assert caught.value.remedy == "Choose one of these: zoe, anna, ben, Carl, dora."


def test_pages_follow_each_other_in_the_order_of_the_file() -> None:
    directory = FileDirectory(PEOPLE)
    assert directory.count() == 5
    assert names(directory.page(limit=2)) == ["zoe", "anna"]
    assert names(directory.page("anna", limit=2)) == ["ben", "Carl"]
    assert names(directory.page("Carl", limit=2)) == ["dora"]
    assert names(directory.page("dora", limit=2)) == []


def test_after_somebody_unknown_there_is_no_page() -> None:
    assert names(FileDirectory(PEOPLE).page("eve")) == []


@pytest.mark.parametrize("page_size", [1, 2, 5, 6])
def test_everyone_comes_once_whatever_the_size_of_a_page(page_size: int) -> None:
    assert names(list(everyone(FileDirectory(PEOPLE), page_size=page_size))) == NAMES


def test_the_only_person_is_found_when_there_is_no_other() -> None:
    assert only_person(FileDirectory(PEOPLE[1:2])) is PEOPLE[1]
    assert only_person(FileDirectory(PEOPLE[:2])) is None
    assert only_person(FileDirectory(())) is None


def test_nobody_is_an_empty_directory() -> None:
    directory = FileDirectory(())
    assert directory.count() == 0
    assert list(everyone(directory)) == []
    with pytest.raises(ConfigProblem, match="no person"):
        directory.person("anna")


def test_the_settings_have_one_directory(tmp_path: Path) -> None:
    (tmp_path / "weighbridge.toml").write_text('[[person]]\nname = "anna"\n')
    settings = load(tmp_path, {}, secret_folder=tmp_path)
    assert settings.directory is settings.directory
    assert settings.directory.person("anna") is settings.people[0]
