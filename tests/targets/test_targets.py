"""Kinds of targets: our own and those of other packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from weighbridge import targets
from weighbridge.core.errors import ConfigProblem
from weighbridge.targets import kinds, load_kind


def offer(folder: Path, kind: str, source: str) -> None:
    """Install a small package that offers a kind, as pip would lay it out."""
    (folder / f"weighbridge_{kind}.py").write_text(source)
    info = folder / f"weighbridge_{kind}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: weighbridge-{kind}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[weighbridge.targets]\n{kind} = weighbridge_{kind}\n")


def test_every_own_module_that_is_listed_is_a_kind() -> None:
    for kind in kinds():
        assert hasattr(load_kind(kind), "Options")
    assert "base" not in kinds()


def test_another_package_can_add_a_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "diary", "class Options: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "diary" in kinds()
    assert load_kind("diary").__name__ == "weighbridge_diary"


def test_a_broken_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "broken", "raise RuntimeError('out of ink')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigProblem, match=r"weighbridge_broken.*out of ink"):
        load_kind("broken")


def test_a_missing_extra_is_an_error_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(tmp_path, "thirsty", "REQUIRES = ('no_such_library',)\nclass Options: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigProblem, match="no_such_library") as caught:
        load_kind("thirsty")
    assert caught.value.remedy == "Run: pip install 'weighbridge[thirsty]'"


def test_a_kind_whose_import_fails_for_a_library_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scales.py").write_text("import no_such_library\n")
    monkeypatch.setattr(targets, "__path__", [*targets.__path__, str(tmp_path)])
    with pytest.raises(ConfigProblem, match=r"weighbridge\[scales\]"):
        load_kind("scales")


def test_a_part_of_a_kind_is_no_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("post", "post_office", "home_assistant", "_hidden", "base"):
        (tmp_path / f"{name}.py").write_text("")
    monkeypatch.setattr(targets, "__path__", [str(tmp_path)])
    assert kinds() == ["home_assistant", "post"]


@pytest.mark.parametrize("kind", ["base", "Garmin", "__init__", "../garmin", "a.b", "", "ga rmin"])
def test_what_is_no_kind_is_refused_and_the_known_ones_are_named(kind: str) -> None:
    with pytest.raises(ConfigProblem, match="There is no kind") as caught:
        load_kind(kind)
    assert "Known kinds: " in caught.value.remedy


def test_a_slip_of_the_pen_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(tmp_path, "journal", "class Options: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigProblem) as caught:
        load_kind("jurnal")
    assert 'Did you mean "journal"?' in caught.value.remedy


def test_looking_up_a_kind_costs_no_metadata() -> None:
    code = "import sys, weighbridge.targets; print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
