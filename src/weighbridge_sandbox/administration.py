"""The sandbox's own routes, under ``/sandbox``. The client for them is ``admin.py``.

GET    /sandbox                      where everything is
GET    /sandbox/requests             what was asked, with counts   DELETE clears
GET    /sandbox/faults               the faults that are set       DELETE clears
POST   /sandbox/faults               set one (JSON, see faults.py)
POST   /sandbox/release              let held requests go on
POST   /sandbox/clock                {"offset": seconds} or {"advance": seconds}
POST   /sandbox/<cloud>/<action>     what that cloud offers; JSON in, JSON out
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from weighbridge_sandbox.faults import Fault
from weighbridge_sandbox.messages import Request, Response
from weighbridge_sandbox.state import SandboxState


def administer(sandbox: SandboxState, request: Request) -> Response:
    """Carry out one administration call. Mistakes are answered with 400 and a sentence."""
    try:
        content = request.json() if request.body else {}
        if not isinstance(content, dict):
            raise ValueError("Send a JSON object.")
        answer = _carry_out(sandbox, request, content)
    except (KeyError, TypeError, ValueError) as problem:  # those of msgspec are ValueErrors
        return Response.of_json({"error": f"{type(problem).__name__}: {problem}"}, 400)
    return Response.of_json(answer)


def _carry_out(sandbox: SandboxState, request: Request, content: dict[str, Any]) -> Any:
    route = request.path.removeprefix("/sandbox").strip("/")
    do = _ROUTES.get(f"{request.method} {route}")
    if do is not None:
        return do(sandbox, content)
    cloud, _, action = route.partition("/")
    if request.method == "POST" and action:
        return ask_cloud(sandbox, cloud, action, content)
    raise ValueError(f"There is no {request.method} {request.path}. GET /sandbox lists all.")


def describe(sandbox: SandboxState) -> dict[str, Any]:
    """What runs here, for people and for scripts that wait until it does."""
    return {
        "url": sandbox.url,
        "clouds": [cloud.name for cloud in sandbox.clouds],
        "time": sandbox.clock(),
        "routes": (__doc__ or "").partition("\n\n")[2].splitlines(),
    }


def set_clock(sandbox: SandboxState, content: dict[str, Any]) -> dict[str, float]:
    """Turn the clock of all clouds. Both values are seconds."""
    clock = sandbox.clock
    clock.offset = float(content.get("offset", clock.offset)) + float(content.get("advance", 0))
    return {"offset": clock.offset, "time": clock()}


def ask_cloud(sandbox: SandboxState, name: str, action: str, content: dict[str, Any]) -> Any:
    """Hand a call over to the cloud of that name."""
    for cloud in sandbox.clouds:
        if cloud.name == name and hasattr(cloud, "admin"):
            with sandbox.lock:
                return cloud.admin(action, content)
    raise ValueError(f"There is no cloud {name!r} here to be administered.")


def list_requests(sandbox: SandboxState, _: dict[str, Any]) -> dict[str, Any]:
    """Every request so far, oldest first, and how often each was made."""
    return {"requests": sandbox.requests.entries(), "counts": sandbox.requests.counts()}


def list_faults(sandbox: SandboxState, _: dict[str, Any]) -> dict[str, Any]:
    """The faults that may still strike and the number of requests held right now."""
    return {"faults": sandbox.faults.active(), "holding": sandbox.faults.holding}


def set_fault(sandbox: SandboxState, content: dict[str, Any]) -> None:
    """Set one fault; its fields are those of ``Fault``."""
    sandbox.faults.add(msgspec.convert(content, Fault))


_ROUTES: dict[str, Callable[[SandboxState, dict[str, Any]], Any]] = {
    "GET ": lambda sandbox, _: describe(sandbox),
    "GET requests": list_requests,
    "DELETE requests": lambda sandbox, _: sandbox.requests.clear(),
    "GET faults": list_faults,
    "DELETE faults": lambda sandbox, _: sandbox.faults.clear(),
    "POST faults": set_fault,
    "POST release": lambda sandbox, _: {"released": sandbox.faults.release()},
    "POST clock": set_clock,
}
