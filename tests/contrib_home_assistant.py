"""The blueprint, as Home Assistant reads it: inputs filled in, templates rendered in a sandbox."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

FOLDER = Path(__file__).resolve().parents[1] / "contrib" / "home-assistant"
BLUEPRINT = FOLDER / "announce_measurement.yaml"
AUTOMATIONS = FOLDER / "automations.yaml"
ADDON = FOLDER / "addon"

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


class Input(str):
    """``!input name``: what somebody fills in."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """Reads YAML with the tag of blueprints."""


Loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))


def read(path: Path) -> Any:
    return yaml.load(path.read_text("utf-8"), Loader)


def sections(blueprint: Any) -> Iterator[dict[str, Any]]:
    """The inputs outside of sections, then those of each section (they may not nest)."""
    top = blueprint["blueprint"]["input"]
    yield {name: one for name, one in top.items() if "input" not in one}
    yield from (one["input"] for one in top.values() if "input" in one)


def everything_in(content: Any) -> Iterator[Any]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield key
            yield from everything_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from everything_in(value)
    else:
        yield content


class Announcer:
    """One automation made of the blueprint: what does it say about an event?"""

    def __init__(self, now: datetime = NOON, **filled_in: Any) -> None:
        self._blueprint = read(BLUEPRINT)
        self._now = now
        inputs = {name: one for part in sections(self._blueprint) for name, one in part.items()}
        defaults = {name: one["default"] for name, one in inputs.items() if "default" in one}
        self._inputs = {**defaults, **filled_in}
        self._environment = ImmutableSandboxedEnvironment()
        self._environment.globals |= {"now": lambda: self._now, "as_timestamp": _as_timestamp}

    def says(self, event: dict[str, Any], before: dict[str, Any] | None = None) -> str | None:
        """The message, None when it is silent. ``before``: attributes of the previous state."""
        known: dict[str, Any] = {"trigger": _trigger(event, before)}
        for name, value in self._blueprint["variables"].items():
            known[name] = self._rendered(value, known)
        for condition in self._blueprint["conditions"]:
            assert condition["condition"] == "template"
            if self._rendered(condition["value_template"], known) is not True:
                return None
        (action,) = self._blueprint["actions"]
        return str(self._rendered(action["data"]["message"], known))

    def _rendered(self, value: Any, known: dict[str, Any]) -> Any:
        if isinstance(value, Input):
            value = self._inputs[value]
        if not isinstance(value, str) or "{" not in value:
            return value
        text = self._environment.from_string(value).render(known).strip()
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text


def _trigger(event: dict[str, Any], before: dict[str, Any] | None) -> SimpleNamespace:
    from_state = None if before is None else SimpleNamespace(attributes=before)
    return SimpleNamespace(from_state=from_state, to_state=SimpleNamespace(attributes=event))


def _as_timestamp(value: Any, default: float | None = None) -> float | None:
    try:
        return (value if isinstance(value, datetime) else datetime.fromisoformat(value)).timestamp()
    except (TypeError, ValueError):
        return default
