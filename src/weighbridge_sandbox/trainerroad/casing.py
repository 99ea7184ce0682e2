"""PascalCase or camelCase: how the keys of an object are written. Pure.

Answers are PascalCase unless the request carries ``trainerroad-jsonformat: camel-case``
(docs/reference/trainerroad.md#key-casing). Only the outermost keys change.
"""

from __future__ import annotations

from typing import Any

HEADER = "trainerroad-jsonformat"
CAMEL = "camel-case"


def camel(content: dict[str, Any]) -> dict[str, Any]:
    """The same object with keys like ``weightKg``."""
    return {key[:1].lower() + key[1:]: value for key, value in content.items()}


def pascal(content: dict[str, Any]) -> dict[str, Any]:
    """The same object with keys like ``WeightKg``."""
    return {key[:1].upper() + key[1:]: value for key, value in content.items()}
