"""Every code that is raised has words in every language, and a stored problem keeps its class."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import weighbridge
from weighbridge import i18n
from weighbridge.core import errors
from weighbridge.core.errors import LoginNeeded, Problem, Refused, RetryLater
from weighbridge.core.reason import Reason, plain, read_reason, reason
from weighbridge.i18n import LANGUAGES, MASTER
from weighbridge.i18n.problems import ProblemText, add_texts, read_problems

PACKAGE = Path(weighbridge.__file__).parent
SPEAKS_ENGLISH = {"cli", "compat", "config", "testing"}
"""Folders whose problems are read in a terminal only: they may bring a text of their own."""
CLASSES = {
    name
    for name, member in vars(errors).items()
    if isinstance(member, type) and issubclass(member, Problem)
}
CODE = re.compile(r"[a-z]+\.[a-z_]+")


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path, node


def code_patterns() -> Iterator[tuple[str, str]]:
    """Where a code is named, and the code; ``.*`` where a part of it is only known later."""
    for path, call in calls():
        given = [word.value for word in call.keywords if word.arg == "code"]
        if isinstance(call.func, ast.Name) and call.func.id == "reason" and call.args:
            given.append(call.args[0])
        for value in given:
            inside = {
                id(part)
                for text in ast.walk(value)
                if isinstance(text, ast.JoinedStr)
                for part in text.values
            }
            for node in ast.walk(value):
                if id(node) in inside:
                    continue
                if isinstance(node, ast.Constant) and CODE.fullmatch(str(node.value)):
                    yield f"{path.name}:{call.lineno}", re.escape(str(node.value))
                if isinstance(node, ast.JoinedStr):
                    yield f"{path.name}:{call.lineno}", pattern_of(node)


def pattern_of(text: ast.JoinedStr) -> str:
    parts = [
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else "([a-z_]+)"
        for part in text.values
    ]
    return "".join(parts)


def codes_in(subject: str) -> list[str]:
    path = Path(i18n.__file__).parent / MASTER / f"{subject}.toml"
    return [f"{subject}.{name}" for name in tomllib.loads(path.read_text("utf-8"))]


def test_every_code_that_is_raised_has_words() -> None:
    known = {*read_problems(MASTER).codes, *codes_in("watch"), *codes_in("status")}
    found = list(code_patterns())
    assert len(found) > 150
    missing = [one for one in found if not any(re.fullmatch(one[1], code) for code in known)]
    assert missing == []


def test_every_code_that_has_words_is_raised() -> None:
    sources = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    patterns = [pattern for _, pattern in code_patterns()]
    quoted = set(re.findall(r'"([a-z_]+(?:\.[a-z_]+)?)"', sources))
    used = {
        code
        for code in read_problems(MASTER).codes
        for pattern in patterns
        if (found := re.fullmatch(pattern, code)) and quoted.issuperset(found.groups())
    }
    unused = read_problems(MASTER).codes.keys() - used - quoted
    assert not unused


def test_only_what_a_terminal_shows_brings_finished_sentences() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{call.lineno}"
        for path, call in calls()
        if isinstance(call.func, ast.Name)
        and call.func.id in CLASSES
        and call.args
        and path.relative_to(PACKAGE).parts[0] not in SPEAKS_ENGLISH
    ]
    assert found == []


def forms(text: str | dict[str, str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def places(text: str | dict[str, str]) -> set[str]:
    parts = (part for one in forms(text) for part in string.Formatter().parse(one))
    return {name for _, name, _, _ in parts if name is not None}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_codes_with_the_same_places(language: str) -> None:
    ours, master = read_problems(language), read_problems(MASTER)
    assert ours.codes.keys() == master.codes.keys()
    assert ours.remedies.keys() == master.remedies.keys()
    for code, text in ours.codes.items():
        known = master.codes[code]
        assert places(text.message) == places(known.message), code
        assert text.then == known.then, code
        assert bool(text.remedy) == bool(known.remedy), code
        assert places(text.remedy) == places(known.remedy), code
        assert not text.then or text.then in ours.remedies, code
        assert not (text.then and text.remedy), code
    for name, remedy in ours.remedies.items():
        assert places(remedy) == places(master.remedies[name]), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_read_back_and_worded(language: str) -> None:
    for code, text in read_problems(MASTER).codes.items():
        values = dict.fromkeys(places(text.message) | places(text.remedy), "X7")
        stored = RetryLater(code=code, login="weighbridge login", **values).reason.to_json()
        why = read_reason(stored)
        assert why is not None
        said = why.sentences(language)
        assert said.strip() == said != "", code
        assert not set(said) & set("{}…"), (code, said)
        assert all(name in ("cause",) or "X7" in said for name in values), (code, said)
        if language != MASTER and len(said.split()) > 4 and "X7" not in said:
            assert said != why.sentences(MASTER), code


def test_a_problem_says_english_by_itself() -> None:
    problem = RetryLater(code="mqtt.silent", broker="home:1883", seconds=10, after=3.0)
    assert problem.message == "The MQTT broker home:1883 did not answer within 10 seconds."
    assert problem.remedy == "Check whether it still works. Weighbridge tries again by itself."
    assert str(problem) == f"{problem.message} {problem.remedy}"
    assert problem.after == 3.0


def test_a_problem_inside_another_is_said_in_the_same_language() -> None:
    inner = RetryLater(code="garmin.unavailable", status=503)
    outer = LoginNeeded(code="target.log_in", cause=inner, login="weighbridge login garmin")
    why = read_reason(outer.reason.to_json())
    assert why is not None
    assert why.sentences("de") == (
        "Garmin ist nicht verfügbar (Status 503). Führe aus: weighbridge login garmin"
    )


def test_a_text_of_somebody_else_is_shown_as_it_is_in_every_language() -> None:
    why = read_reason(Refused("Too <heavy>, {really}.", remedy="Eat less.").reason.to_json())
    assert why is not None
    assert {why.sentences(one) for one in LANGUAGES} == {"Too <heavy>, {really}. Eat less."}
    assert plain("Just so.").remedy("fr") == ""


def test_another_package_brings_words_of_its_own() -> None:
    add_texts("en", {"scales.tilted": ProblemText("The {thing} is tilted.", remedy="Level it.")})
    add_texts("nl", {"scales.tilted": ProblemText("De {thing} staat scheef.")})
    why = reason("scales.tilted", thing="scale")
    assert why.sentences() == why.sentences("fr") == "The scale is tilted. Level it."
    assert why.sentences("nl") == "De scale staat scheef."


def test_a_code_or_a_value_that_is_not_known_here_is_no_error() -> None:
    assert Reason("from.tomorrow", {"status": 3}).sentences("pl") == "from.tomorrow (status=3)"
    assert Reason("garmin.unavailable").message() == "Garmin is not available (status …)."


class TokenRevoked(LoginNeeded):
    """As a package of a stranger may define it."""


class TokenWithdrawn(TokenRevoked):
    """The same, under another name."""


def test_a_subclass_is_stored_as_what_it_is() -> None:
    assert {TokenRevoked.decision, TokenWithdrawn.decision} == {LoginNeeded.decision} == {"login"}


def test_decisions_keep_their_names() -> None:
    """They are in databases: a class may get another name, a decision never."""
    found = {vars(errors)[name].decision for name in CLASSES}
    assert found == {
        *("problem", "configuration", "home", "later", "sign_in_blocked"),
        *("login", "refused", "unknown"),
    }
    assert len(CLASSES) == len(found)
