"""The Dockerfile, the compose file, the files for Kubernetes: correct, and as closed as can be."""

from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import kubernetes_validate
import pytest
import yaml

from fixtures.contrib_image import CONTRIB, DOCKERFILE, ROOT, copied, image, lint, steps
from fixtures.contrib_services import (
    COMPOSE,
    KUBERNETES,
    compose,
    container,
    manifest,
    ours,
    pod,
    service,
)
from weighbridge.config import CONFIG_FILE, ServerSettings, Settings, home_folder, load
from weighbridge.config.loader import read_settings
from weighbridge.web.security import NOTIFY_PATH
from weighbridge.web.urls import CALLBACK_PATH, callback_address

SCRIPTS = [CONTRIB / "weighbridge-loop", CONTRIB / "weighbridge-healthy"]
VERSIONS = ["1.27", kubernetes_validate.latest_version().rpartition(".")[0]]
PODS = ["cronjob", "deployment"]
SECRET_WORDS = re.compile(r"secret|token|passw|key", re.IGNORECASE)


# --- Dockerfile ------------------------------------------------------------------------------


def test_the_linter_has_nothing_to_say_about_the_dockerfile() -> None:
    done = lint("hadolint", "--failure-threshold", "style", str(DOCKERFILE))
    assert done.returncode == 0, done.stdout


def test_the_linter_would_say_something(tmp_path: Path) -> None:
    bad = tmp_path / "Dockerfile"
    bad.write_text(DOCKERFILE.read_text("utf-8").replace("python:3.13-slim", "python"), "utf-8")
    assert "DL3006" in lint("hadolint", str(bad)).stdout


def test_the_scripts_are_clean_and_can_be_run() -> None:
    for script in SCRIPTS:
        assert script.read_text("utf-8").startswith("#!/bin/sh\n")
        if os.name == "posix":
            assert script.stat().st_mode & stat.S_IXUSR
    done = lint("shellcheck", *map(str, SCRIPTS))
    assert done.returncode == 0, done.stdout


def test_everything_that_is_copied_exists_and_may_be_seen_by_the_build() -> None:
    found = [copied(value) for name, value in steps() if name == "COPY"]
    sources = [source for copy in found if copy for source in copy[0]]
    assert {"src", "constraints.txt", "contrib/weighbridge-loop"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists()
        assert visible(source), source
    assert visible("src/weighbridge/sync/pipeline.py")


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "contrib/.env",
        "contrib/secrets/withings_client_secret",
        "weighbridge-demo/weighbridge.db",
        "src/weighbridge/__pycache__/pipeline.cpython-313.pyc",
        "tests/targets/test_fit.py",
        "weighbridge.toml",
    ],
)
def test_nothing_else_gets_into_the_build(path: str) -> None:
    assert not visible(path)


def visible(path: str) -> bool:
    """True when the ignore file lets a path of the checkout into the build: the last line wins."""
    seen = True
    written = (CONTRIB / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    for line in written:
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!")
            if any(
                covers(pattern, part) for part in (path, *map(str, PurePosixPath(path).parents))
            ):
                seen = line.startswith("!")
    return seen


def covers(pattern: str, path: str) -> bool:
    """``*`` stays within one folder, ``**/`` is any number of them."""
    if pattern.startswith("**/"):
        return fnmatchcase(PurePosixPath(path).name, pattern[3:])
    return pattern.count("/") == path.count("/") and path != "." and fnmatchcase(path, pattern)


def test_the_image_runs_as_a_numbered_account_that_is_not_root() -> None:
    user, _, group = image().user.partition(":")
    assert int(user) > 999
    assert int(group) > 999
    owner = re.findall(
        r"--owner=(\d+) --group=(\d+) --mode=0700 (\S+)", DOCKERFILE.read_text("utf-8")
    )
    assert owner == [(user, group, image().volume)]


def test_the_only_volume_is_the_home_folder() -> None:
    assert [name for name, _ in steps()].count("VOLUME") == 1
    assert home_folder(None, image().env).as_posix().endswith(image().volume)


def test_no_secret_is_given_to_the_build() -> None:
    names = [name for name, _ in steps()]
    assert "ADD" not in names, "it would fetch and unpack"
    given = " ".join(value for name, value in steps() if name in {"ENV", "ARG"})
    assert "WEIGHBRIDGE_HOME" in given
    assert not SECRET_WORDS.search(given)


def test_packages_are_installed_in_the_versions_that_are_tested() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    installs = list(pip_installs())
    assert len(installs) == 2
    for words in installs:
        assert words[words.index("--constraint") + 1] == "constraints.txt"
    chosen = installs[-1][-1].removeprefix(".[").removesuffix("]").split(",")
    assert chosen == ["garmin", "mqtt", "alerts", "metrics"]
    assert extras["all"] == [f"weighbridge[{','.join([*chosen, 'sandbox'])}]"]


def test_the_image_serves_all_addresses_of_its_container_on_the_port_that_it_exposes() -> None:
    assert image().command == ["serve", "--host", "0.0.0.0", "--port", str(image().port)]
    assert image().port == ServerSettings().port
    assert f"('127.0.0.1', {image().port}" in image().check[-1]


def pip_installs() -> Iterator[list[str]]:
    """The words of every ``pip install`` in the Dockerfile."""
    for name, value in steps():
        if name == "RUN":
            for command in value.split("&&"):
                words = shlex.split(command)
                if "pip" in words and "install" in words:
                    yield words


# --- Compose ---------------------------------------------------------------------------------


def check_compose(path: Path) -> subprocess.CompletedProcess[str]:
    return lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))


def test_the_compose_file_follows_the_specification() -> None:
    done = check_compose(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_a_mistake_in_the_compose_file_would_be_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "compose.yaml"
    bad.write_text(COMPOSE.read_text("utf-8").replace("read_only", "readonly"), "utf-8")
    done = check_compose(bad)
    assert done.returncode == 1
    assert "readonly" in done.stdout


def test_compose_builds_with_the_dockerfile_in_the_root_of_the_checkout() -> None:
    for said in ours(compose()).values():
        build = said["build"]
        context = (CONTRIB / build["context"]).resolve()
        assert context == ROOT
        assert context / build["dockerfile"] == DOCKERFILE


def test_only_the_server_comes_up_by_itself() -> None:
    services = compose()["services"]
    assert [name for name, said in services.items() if not said.get("profiles")] == ["server"]
    for name, said in services.items():
        assert said.get("restart") == (None if name == "weighbridge" else "unless-stopped")
    assert services["schedule"]["stop_grace_period"] == "2m"


def test_the_server_of_compose_is_that_of_the_image_and_shown_to_this_machine_only() -> None:
    assert service("server").argv == image().work().argv
    services = compose()["services"]
    assert services["server"]["ports"] == ["127.0.0.1:9474:9474"]
    assert services["mosquitto"]["ports"] == ["127.0.0.1:1883:1883"]
    opened = compose({"WEIGHBRIDGE_ADDRESS": "0.0.0.0"})["services"]["server"]
    assert opened["ports"] == ["0.0.0.0:9474:9474"]


def test_only_the_server_is_asked_whether_it_is_alive() -> None:
    services = compose()["services"]
    assert "healthcheck" not in services["server"], "the image's own"
    assert services["weighbridge"]["healthcheck"] == {"disable": True}
    assert service("schedule", check=True).argv == ("weighbridge-healthy",)


def test_services_may_do_nothing_but_their_work() -> None:
    content = compose()
    for name, said in content["services"].items():
        assert said["cap_drop"] == ["ALL"], name
        assert said["security_opt"] == ["no-new-privileges:true"], name
        assert said["read_only"], name
        assert not said.keys() & {"privileged", "network_mode", "pid", "devices"}, name
        assert ("cap_add" in said) == (name == "caddy"), name
        assert said.get("ports", []) == [] or name in {"server", "mosquitto", "caddy"}, name
    for name in ours(content):
        assert service(name).user == image().user
        assert service(name).volume == image().volume


def test_what_compose_mounts_is_there_and_cannot_be_changed_from_inside() -> None:
    content = compose()
    for name, said in content["services"].items():
        for place, *rest in (volume.split(":") for volume in said["volumes"]):
            if place.startswith("./"):
                assert (CONTRIB / place).is_file(), place
                assert rest[-1] == "ro", name
            else:
                assert place in content["volumes"], name
    mounted = ours(compose({"WEIGHBRIDGE_FOLDER": "/srv/weighbridge"}))["server"]["volumes"]
    assert mounted == [f"/srv/weighbridge:{image().volume}"]


def test_the_broker_of_compose_finds_its_files_where_they_are_mounted() -> None:
    said = compose()["services"]["mosquitto"]
    places = {volume.split(":")[1] for volume in said["volumes"]}
    places |= {secret["target"] for secret in said["secrets"]}
    written = (CONTRIB / "mosquitto.conf").read_text("utf-8")
    assert set(re.findall(r"^\w+_file (\S+)", written, re.M)) <= places
    assert said["working_dir"] in places, "mosquitto keeps its messages where it is started"


def test_caddy_of_compose_asks_the_server_from_the_network_that_the_server_believes() -> None:
    said = compose()
    caddy = said["services"]["caddy"]["environment"]
    assert caddy["WEIGHBRIDGE_SERVER"] == f"server:{image().port}"
    written = (CONTRIB / "Caddyfile").read_text("utf-8")
    assert set(re.findall(r"\{\$(\w+):", written)) == set(caddy)
    (network,) = said["networks"]["default"]["ipam"]["config"]
    assert network["subnet"] in example().server.proxies


def test_every_secret_of_compose_is_a_file_that_git_and_the_build_leave_alone() -> None:
    said = compose()
    ignored = (CONTRIB / ".gitignore").read_text("utf-8").splitlines()
    assert {"secrets/", ".env"} <= set(ignored)
    for name, secret in said["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
    for name, one in ours(said).items():
        assert set(one["secrets"]) == set(said["secrets"]) - {"mosquitto_passwords"}, name
        assert not [key for key in one["environment"] if SECRET_WORDS.search(key)], name


# --- Kubernetes ------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_files_follow_the_schema(path: Path, version: str) -> None:
    (content,) = yaml.safe_load_all(path.read_text("utf-8"))
    assert kubernetes_validate.validate(content, version, strict=True) == version


def test_all_files_for_kubernetes_are_there() -> None:
    kinds = {path.name: manifest(path.stem.removeprefix("k8s-"))["kind"] for path in KUBERNETES}
    assert kinds == {
        "k8s-configmap.yaml": "ConfigMap",
        "k8s-cronjob.yaml": "CronJob",
        "k8s-deployment.yaml": "Deployment",
        "k8s-ingress.yaml": "Ingress",
        "k8s-pvc.yaml": "PersistentVolumeClaim",
        "k8s-secret.yaml": "Secret",
        "k8s-service.yaml": "Service",
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_a_mistake_in_a_kubernetes_file_would_be_noticed(version: str) -> None:
    content = deepcopy(manifest("cronjob"))
    content["spec"]["concurencyPolicy"] = content["spec"].pop("concurrencyPolicy")
    with pytest.raises(kubernetes_validate.ValidationError, match="concurencyPolicy"):
        kubernetes_validate.validate(content, version, strict=True)


def test_two_runs_of_the_cronjob_never_overlap() -> None:
    spec = manifest("cronjob")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert pod("cronjob")["restartPolicy"] == "Never"


def test_two_pods_of_the_deployment_never_share_the_volume() -> None:
    spec = manifest("deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert manifest("pvc")["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_the_deployment_finds_its_own_pods_and_not_those_of_the_cronjob() -> None:
    spec = manifest("deployment")["spec"]
    wanted = spec["selector"]["matchLabels"].items()
    jobs = manifest("cronjob")["spec"]["jobTemplate"]["spec"]["template"]
    assert wanted <= spec["template"]["metadata"]["labels"].items()
    assert not wanted <= jobs["metadata"]["labels"].items()


def test_the_pod_of_the_deployment_serves_and_is_only_asked_whether_it_is_alive() -> None:
    """What ``/readyz`` would say is no reason to keep notifications away."""
    (only,) = pod("deployment")["containers"]
    assert container("deployment").argv == image().work().argv
    (port,) = only["ports"]
    assert port["containerPort"] == image().port
    for probe in ("livenessProbe", "readinessProbe"):
        assert only[probe]["httpGet"] == {"path": "/healthz", "port": port["name"]}
    assert "command" not in only, "the image's own first process hears the signals"
    assert pod("deployment")["terminationGracePeriodSeconds"] > 5


def test_the_service_finds_the_pod_of_the_deployment_and_its_port() -> None:
    said = manifest("service")["spec"]
    assert said["selector"] == manifest("deployment")["spec"]["selector"]["matchLabels"]
    (port,) = said["ports"]
    (only,) = pod("deployment")["containers"]
    assert (port["port"], port["targetPort"]) == (image().port, only["ports"][0]["name"])


def test_the_ingress_shows_the_world_what_withings_needs_and_nothing_else() -> None:
    spec = manifest("ingress")["spec"]
    (rule,) = spec["rules"]
    shown = {(one["path"], one["pathType"]) for one in rule["http"]["paths"]}
    assert shown == {(NOTIFY_PATH, "Prefix"), (CALLBACK_PATH, "Exact")}
    for one in rule["http"]["paths"]:
        backend = one["backend"]["service"]
        assert backend["name"] == manifest("service")["metadata"]["name"]
        assert backend["port"]["name"] == manifest("service")["spec"]["ports"][0]["name"]
    assert spec["tls"][0]["hosts"] == [rule["host"]]
    assert f"https://{rule['host']}" == from_map().server.url


def test_the_configuration_in_the_map_is_understood_and_lies_in_the_home_folder() -> None:
    settings = from_map()
    assert [person.name for person in settings.people] == ["anna"]
    assert callback_address(settings) == settings.withings.callback_url
    assert manifest("service")["metadata"]["name"] in settings.server.hosts
    for name in PODS:
        mounts = {one["name"]: one for one in pod(name)["containers"][0]["volumeMounts"]}
        assert mounts["configuration"]["mountPath"] == f"{image().volume}/{CONFIG_FILE}"
        assert mounts["configuration"]["subPath"] in manifest("configmap")["data"]
        volumes = {volume["name"]: volume for volume in pod(name)["volumes"]}
        assert volumes["configuration"]["configMap"]["name"] == "weighbridge"


def from_map() -> Settings:
    """What is configured in Kubernetes."""
    return settings_of(manifest("configmap")["data"][CONFIG_FILE])


def example() -> Settings:
    """What ``server.toml`` configures."""
    return settings_of((CONTRIB / "server.toml").read_text("utf-8"))


def settings_of(text: str) -> Settings:
    nowhere = Path("nowhere")
    return read_settings(text, home=nowhere, environ={}, secret_folder=nowhere)


def test_the_example_of_a_configuration_is_understood() -> None:
    settings = example()
    (anna,) = settings.people
    assert [target.kind for target in anna.targets] == ["mqtt", "garmin"]
    assert settings.warnings == ()
    assert settings.server.url == "https://scale.example.org"


@pytest.mark.parametrize("name", PODS)
def test_pods_keep_the_restricted_standard(name: str) -> None:
    """Kubernetes, Pod Security Standards, profile "restricted"; and a read-only file system."""
    described = pod(name)
    account = described["securityContext"]
    user, _, group = image().user.partition(":")
    assert account["runAsNonRoot"] is True
    assert account["runAsUser"] == int(user)
    assert account["runAsGroup"] == account["fsGroup"] == int(group)
    assert account["seccompProfile"] == {"type": "RuntimeDefault"}
    assert described["automountServiceAccountToken"] is False
    assert not described.keys() & {"hostNetwork", "hostPID", "hostIPC"}
    for one in described["containers"]:
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("name", PODS)
def test_pods_ask_for_little_and_get_no_more_than_a_little(name: str) -> None:
    for one in pod(name)["containers"]:
        for part in ("requests", "limits"):
            assert one["resources"][part].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", PODS)
def test_pods_use_the_volume_and_the_secret_of_the_other_files(name: str) -> None:
    volumes: dict[str, Any] = {volume["name"]: volume for volume in pod(name)["volumes"]}
    assert (
        volumes["home"]["persistentVolumeClaim"]["claimName"] == manifest("pvc")["metadata"]["name"]
    )
    assert volumes["secrets"]["secret"]["secretName"] == manifest("secret")["metadata"]["name"]
    assert volumes["secrets"]["secret"]["defaultMode"] == 0o440
    work = container(name)
    assert work.volume == image().volume
    assert work.writable == ("/tmp",)
    assert "env" not in pod(name)["containers"][0], "secrets are files, the rest is in the map"


def test_the_secret_holds_placeholders_only() -> None:
    assert set(manifest("secret")["stringData"].values()) == {"replace-me"}
    assert "data" not in manifest("secret")


# --- Both ------------------------------------------------------------------------------------


@pytest.mark.parametrize("secrets", [service("server").secrets, container("cronjob").secrets])
def test_secrets_have_the_names_under_which_weighbridge_looks_for_them(
    tmp_path: Path, secrets: tuple[str, ...]
) -> None:
    for name in secrets:
        assert name.startswith("/run/secrets/")
        (tmp_path / Path(name).name).write_text(f"content of {Path(name).name}")
    found = load(tmp_path, {}, secret_folder=tmp_path).withings
    assert found.client_id == "content of withings_client_id"
    assert found.client_secret is not None
    assert found.client_secret.reveal() == "content of withings_client_secret"
