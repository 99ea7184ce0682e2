"""What may be asked of a stand-in under ``/sandbox/<cloud>/<action>``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "do_"


class CloudActions:
    """The base of a cloud that can be administered: its methods ``do_<action>`` are its actions."""

    def admin(self, action: str, content: Mapping[str, Any] | None) -> Any:
        """Carry out one action with the fields of ``content``.

        Raises ValueError, KeyError or TypeError when it makes no sense.
        """
        do = getattr(self, PREFIX + action, None)
        if do is None:
            names = (name.removeprefix(PREFIX) for name in dir(self) if name.startswith(PREFIX))
            raise ValueError(f"There is no action {action!r}. There are: {', '.join(names)}.")
        try:
            return do(**(content or {}))
        except (ArithmeticError, AttributeError) as problem:
            raise ValueError(f"{action}: {problem}") from problem
