"""The file target: lines and FIT rows that are appended, replaced and never repeated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from weighbridge.fit.reader import read_pressures, read_weights
from weighbridge.measures import Reading
from weighbridge.targets import file
from weighbridge.targets.base import Checks, Context, Looks
from weighbridge.testing.builders import UNTHINKABLE, weigh_in
from weighbridge.testing.targets import TargetContract


class FileContract(TargetContract):
    module = file
    options: ClassVar[dict[str, Any]]

    def make(self, context: Context) -> file.FileTarget:
        return file.create(file.Options(**self.options), context)

    def instants(self, payload: Any) -> list[int]:
        return [entry.taken_at for entry in payload.entries]


class TestJsonLines(FileContract):
    options: ClassVar = {"path": "anna.json"}

    def standing(self, context: Context) -> Sequence[Any]:
        path = context.home / "anna.json"
        return path.read_bytes().splitlines() if path.exists() else []


class TestCsv(FileContract):
    options: ClassVar = {"path": "anna.csv", "format": "csv"}

    def standing(self, context: Context) -> Sequence[Any]:
        path = context.home / "anna.csv"
        return path.read_bytes().splitlines()[1:] if path.exists() else []


class TestFit(FileContract):
    options: ClassVar = {"path": "anna.fit", "format": "fit"}

    def standing(self, context: Context) -> Sequence[Any]:
        path = context.home / "anna.fit"
        return read_weights(path.read_bytes()) if path.exists() else []


class InAFolder(FileContract):
    def standing(self, context: Context) -> Sequence[Any]:
        return [*(context.home / "anna").glob("*")]


class TestJsonPerReading(InAFolder):
    options: ClassVar = {"path": "anna", "per": "reading"}


class TestCsvPerReading(InAFolder):
    options: ClassVar = {"path": "anna", "format": "csv", "per": "reading"}


class TestFitPerReading(InAFolder):
    options: ClassVar = {"path": "anna", "format": "fit", "per": "reading"}
