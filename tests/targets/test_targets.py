"""Kinds of targets: our own and those of other packages."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from weighbridge.core.errors import ConfigProblem
from weighbridge.i18n import LANGUAGES, MASTER
from weighbridge.targets import all_kinds, find_kind, kinds, load_kind, missing_part, own_kinds
from weighbridge.targets.kind import WizardField


def offer(folder: Path, kind: str, source: str) -> None:
    """Install a small package that offers a kind, as pip would lay it out."""
    (folder / f"weighbridge_{kind}.py").write_text(source)
    info = folder / f"weighbridge_{kind}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: weighbridge-{kind}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[weighbridge.targets]\n{kind} = weighbridge_{kind}\n")


DESCRIBED = """\
import msgspec
from weighbridge.targets.kind import TargetKind

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass

KIND = TargetKind(name={name!r}, service="Diary", options=Options, create=print, takes="", page="")
"""


def described(kind: str, more: str = "") -> str:
    return DESCRIBED.replace("{name!r}", f"{kind!r}{more}")


def test_every_own_folder_that_is_listed_is_a_kind() -> None:
    assert own_kinds() == ["file", "garmin", "mqtt", "trainerroad"]
    for kind in own_kinds():
        assert find_kind(kind).name == kind


def test_people_see_the_kinds_in_an_order_of_their_own() -> None:
    assert [kind.name for kind in all_kinds()] == ["garmin", "trainerroad", "file", "mqtt"]


def test_another_package_can_add_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "diary", described("diary"))
    monkeypatch.syspath_prepend(tmp_path)
    assert "diary" in kinds()
    assert load_kind("diary").service == "Diary"
    assert all_kinds()[-1].name == "diary"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('out of ink')\n", "out of ink"),
        ("KIND = 7\n", "does not describe"),
        ("", "no attribute 'KIND'"),
        (described("another"), "does not describe"),
    ],
)
def test_a_broken_package_is_named_and_spoils_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, why: str
) -> None:
    offer(tmp_path, "broken", source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "weighbridge_broken", raising=False)
    with pytest.raises(ConfigProblem, match=f"weighbridge_broken.*{why}"):
        load_kind("broken")
    assert "broken" not in {kind.name for kind in all_kinds()}


def test_what_a_kind_needs_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = ", requires=('no_such_library',), install='weighbridge-thirsty[all]'"
    offer(tmp_path, "thirsty", described("thirsty", more))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigProblem, match="no_such_library") as caught:
        load_kind("thirsty")
    assert caught.value.remedy == "Run: pip install 'weighbridge-thirsty[all]'"
    assert find_kind("thirsty").name == "thirsty"


def test_what_a_kind_of_ours_needs_is_an_extra() -> None:
    kind = msgspec.structs.replace(find_kind("garmin"), requires=("no_such_library",))
    problem = missing_part(kind)
    assert problem is not None
    assert problem.remedy == "Run: pip install 'weighbridge[garmin]'"


def test_the_first_question_of_a_kind_is_no_secret() -> None:
    key = WizardField(option="api_key", shape="secret")
    with pytest.raises(ValueError, match="must not be a secret"):
        msgspec.structs.replace(find_kind("garmin"), wizard=(key,))


@pytest.mark.parametrize("name", [kind for kind in own_kinds() if find_kind(kind).texts])
def test_a_kind_of_ours_says_the_same_in_all_languages(name: str) -> None:
    path = find_kind(name).texts
    assert path is not None
    texts = tomllib.loads(path.read_text("utf-8"))
    assert set(texts) == set(LANGUAGES)
    for language in LANGUAGES:
        assert texts[language].keys() == texts[MASTER].keys(), language
        for key, text in texts[language].items():
            assert text == text.strip() != "", (language, key)
            assert places(text) == places(texts[MASTER][key]), (language, key)


def places(text: str) -> set[str]:
    """The places to fill in, and what is marked as code."""
    return {*re.findall(r"\{\w*\}", text), *re.findall("`[^`]*`", text)}


@pytest.mark.parametrize("kind", ["base", "formats", "Garmin", "../garmin", "a.b", "", "ga rmin"])
def test_what_is_no_kind_is_refused_and_the_known_ones_are_named(kind: str) -> None:
    with pytest.raises(ConfigProblem, match="There is no kind") as caught:
        load_kind(kind)
    assert "Known kinds: " in caught.value.remedy


def test_a_slip_of_the_pen_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "journal", described("journal"))
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigProblem) as caught:
        load_kind("jurnal")
    assert 'Did you mean "journal"?' in caught.value.remedy


def test_looking_up_a_kind_costs_no_metadata() -> None:
    code = "import sys, weighbridge.targets as t; t.load_kind('file'); "
    code += "print([m for m in ('importlib.metadata', 'httpx2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
