"""The words of problems and of other reasons: ``<language>/problems.toml`` beside this file.

One table a code: ``message`` says what happened, ``remedy`` what a person does next. Remedies that
many codes share are once under ``[remedies]``, and ``then`` names one. Other packages add texts of
their own with ``add_texts``.

The codes ``status.<key>`` say how an account or a target stands. Their sentences are in
``status.toml``, where pages find the same; ``cause`` and ``asks`` follow the sentence, and
``command`` is the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from weighbridge.i18n import LANGUAGES, MASTER, Text, texts

STATUS = "status."
"""The beginning of the codes whose sentences are in ``status.toml``."""


class ProblemText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One code in one language. ``then``: a key of ``remedies``."""

    message: Text
    remedy: Text = ""
    then: str = ""


class ProblemTexts(msgspec.Struct, frozen=True):
    """One ``problems.toml``: remedies that are shared, and codes by ``subject.name``."""

    remedies: dict[str, Text]
    codes: dict[str, ProblemText]


_others: dict[str, dict[str, ProblemText]] = {}
_files: dict[str, Path] = {}
"""Subject → the file of another package, which is read when a text of it is first wanted."""


def add_texts(language: str, codes: Mapping[str, ProblemText]) -> None:
    """Add the texts of another package, under codes that nobody else uses."""
    _others.setdefault(language, {}).update(codes)


def add_texts_file(subject: str, path: Path) -> None:
    """Texts of a kind of target: in ``path``, ``[<language>.problems]`` has a table a code.

    The code ``full`` under the subject ``daybook`` is raised as ``daybook.full``.
    """
    _files[subject] = path


def message_of(code: str, values: Mapping[str, Any], language: str = MASTER) -> str:
    """What happened; English where the language lacks it, the bare code where English does too."""
    found = _text_of(code, language)
    if found is not None and code.startswith(STATUS):
        after = (_sentence(values.get(name)) for name in ("cause", "asks"))
        return " ".join(filter(None, (_fill(found.message, values, language), *after)))
    if found is None:
        listed = ", ".join(f"{name}={value}" for name, value in values.items())
        return f"{code} ({listed})" if listed else code
    return _fill(found.message, values, language)


def remedy_of(code: str, values: Mapping[str, Any], language: str = MASTER) -> str:
    """What a person does next; empty where there is nothing to do."""
    found = _text_of(code, language)
    if found is None or (code.startswith(STATUS) and not values.get("command")):
        return ""
    text = read_problems(_known(language)).remedies[found.then] if found.then else found.remedy
    return _fill(text, values, language)


@cache
def read_problems(language: str) -> ProblemTexts:
    """The file of one of ``LANGUAGES``. Raises msgspec.MsgspecError for one that is wrong."""
    content = (Path(__file__).parent / language / "problems.toml").read_bytes()
    tables: dict[str, Any] = msgspec.toml.decode(content)
    remedies = msgspec.convert(tables.pop("remedies"), dict[str, Text])
    codes = {
        f"{subject}.{name}": msgspec.convert(text, ProblemText)
        for subject, named in tables.items()
        for name, text in named.items()
    }
    return ProblemTexts(remedies, codes)


def _known(language: str) -> str:
    return language if language in LANGUAGES else MASTER


def _text_of(code: str, language: str) -> ProblemText | None:
    if code.startswith(STATUS):
        return _status_text(code, language)
    for one in (_known(language), MASTER):
        found = read_problems(one).codes.get(code) or _others_text(code, one)
        if found is not None:
            return found
    return None


def _others_text(code: str, language: str) -> ProblemText | None:
    """The text of another package."""
    found = _others.get(language, {}).get(code)
    subject, _, name = code.partition(".")
    if found is not None or subject not in _files:
        return found
    return _texts_in(_files[subject]).get(language, {}).get(name)


@cache
def _texts_in(path: Path) -> dict[str, dict[str, ProblemText]]:
    tables: dict[str, dict[str, Any]] = msgspec.toml.decode(path.read_bytes())
    of_codes = dict[str, ProblemText]
    return {
        one: msgspec.convert(texts.get("problems", {}), of_codes) for one, texts in tables.items()
    }


def _status_text(code: str, language: str) -> ProblemText | None:
    said = texts(language)
    try:
        return ProblemText(said.forms(code), remedy=said.forms(f"{STATUS}run"))
    except KeyError:  # a newer version stored it
        return None


def _sentence(text: object) -> str:
    """A text as a sentence among others; one of another program may lack its end."""
    said = str(text or "").strip()
    return f"{said}." if said and not said.endswith((".", "!", "?", "…")) else said


def _fill(text: Text, values: Mapping[str, Any], language: str) -> str:
    said = texts(language)
    chosen = text if isinstance(text, str) else said.form(text, values.get("count"))
    return chosen.format_map(_Gaps(said.written(values)))


class _Gaps(dict[str, Any]):
    """A value that an older or newer version did not store leaves a gap, never an error."""

    def __missing__(self, name: str) -> str:
        return "…"
