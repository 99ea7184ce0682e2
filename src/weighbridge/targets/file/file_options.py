"""The options of the kind."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec


class FileOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for a target of this kind."""

    path: Annotated[str, msgspec.Meta(min_length=1)]
    format: Literal["json", "csv", "fit"] | None = None
    per: Literal["person", "reading"] = "person"

    @property
    def shape(self) -> str:
        """The format, or what the ending of the path says."""
        ending = self.path.rpartition(".")[2].lower()
        return self.format or (ending if ending in {"csv", "fit"} else "json")
