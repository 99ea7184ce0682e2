"""What is wrong in a configuration: each mistake with its place, and all of them as one problem."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from weighbridge.core.errors import ConfigProblem


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong in the configuration."""

    where: str
    """The file or the environment variable."""
    line: int | None
    key: str
    """The dotted key, as far as it is known."""
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        return f"{place}: {self.message} {self.remedy}".rstrip()


class ConfigProblems(ConfigProblem):
    """Everything that is wrong in the configuration, at once."""

    def __init__(self, mistakes: Iterable[Mistake], *, path: Path) -> None:
        self.mistakes = tuple(mistakes)
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        lines = "".join(f"\n  {mistake}" for mistake in self.mistakes)
        super().__init__(
            f"The configuration has {count}:{lines}",
            remedy=f"Correct {path} or the environment, then run: weighbridge config check",
        )

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}"
