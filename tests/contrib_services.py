"""What ``contrib/compose.yaml`` and the files for Kubernetes start, and with what around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from contrib_image import CONTRIB, Work, image

COMPOSE = CONTRIB / "compose.yaml"
KUBERNETES = sorted(CONTRIB.glob("k8s-*.yaml"))


def compose(variables: Mapping[str, str] = {}) -> dict[str, Any]:
    """The compose file; ``${NAME:-default}`` is replaced as compose does it."""

    def replaced(written: Any) -> Any:
        if isinstance(written, dict):
            return {key: replaced(value) for key, value in written.items()}
        if isinstance(written, list):
            return [replaced(value) for value in written]
        if isinstance(written, str):
            return re.sub(
                r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], written
            )
        return written

    content: dict[str, Any] = replaced(yaml.safe_load(COMPOSE.read_text("utf-8")))
    return content


def ours(content: Mapping[str, Any]) -> dict[str, Any]:
    """The services that run Weighbridge."""
    return {name: one for name, one in content["services"].items() if "build" in one}


def service(
    name: str, *command: str, check: bool = False, variables: Mapping[str, str] = {}
) -> Work:
    """What a service starts; ``command`` is what stands after ``docker compose run NAME``.

    Or what its own health check starts.
    """
    content = compose(variables)
    written, base = content["services"][name], image()
    (volume,) = written["volumes"]
    # Its own entry point makes compose forget the command of the image.
    begin = written.get("entrypoint", base.entrypoint)
    own = written.get("command", [] if "entrypoint" in written else base.command)
    argv = written["healthcheck"]["test"][1:] if check else [*begin, *(command or own)]
    return Work(
        argv=tuple(argv),
        env={**base.env, **written["environment"]},
        user=written["user"],
        read_only=written["read_only"],
        writable=tuple(written["tmpfs"]),
        volume=volume.partition(":")[2],
        secrets=tuple(f"/run/secrets/{secret}" for secret in written["secrets"]),
    )


def manifest(name: str) -> dict[str, Any]:
    """One file of Kubernetes."""
    content: dict[str, Any] = yaml.safe_load((CONTRIB / f"k8s-{name}.yaml").read_text("utf-8"))
    return content


def pod(name: str) -> dict[str, Any]:
    """The description of the pod in a CronJob or a Deployment."""
    spec = manifest(name)["spec"]
    if "jobTemplate" in spec:
        spec = spec["jobTemplate"]["spec"]
    found: dict[str, Any] = spec["template"]["spec"]
    return found


def container(name: str, *, command: list[str] | None = None) -> Work:
    """What the container of a pod starts, or a command of ``kubectl exec``."""
    described, base = pod(name), image()
    (only,) = described["containers"]
    account, walls = described["securityContext"], only["securityContext"]
    begin = only.get("command", base.entrypoint)
    argv = command or [*begin, *only.get("args", [] if "command" in only else base.command)]
    mounts = {mount["name"]: mount["mountPath"] for mount in only["volumeMounts"]}
    kinds = {volume["name"]: volume for volume in described["volumes"]}
    keys = manifest("secret")["stringData"]
    return Work(
        argv=tuple(argv),
        env={**base.env, **{one["name"]: one["value"] for one in only.get("env", [])}},
        user=f"{account['runAsUser']}:{account['runAsGroup']}",
        read_only=walls["readOnlyRootFilesystem"],
        writable=tuple(path for name, path in mounts.items() if "emptyDir" in kinds[name]),
        volume=next(
            path for name, path in mounts.items() if "persistentVolumeClaim" in kinds[name]
        ),
        secrets=tuple(
            f"{path}/{key}"
            for name, path in mounts.items()
            if "secret" in kinds[name]
            for key in keys
        ),
    )
