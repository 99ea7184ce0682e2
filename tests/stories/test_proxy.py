"""Behind a proxy, with the real names of both clouds: the standard environment is honoured."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from fixtures.house import ACCOUNTS, LONG_AGO, House, days_ago, pressure, weight
from fixtures.proxy import Proxy

pytestmark = pytest.mark.story

GARMIN = ("sso.garmin.com", "mobile.integration.garmin.com", "diauth.garmin.com")
HOSTS = ("wbsapi.withings.net", "account.withings.com", *GARMIN, "connectapi.garmin.com")


class Office:
    """A house whose clouds speak TLS under their real names, and the only way to them."""

    def __init__(self, home: Path, proxy: Proxy, house: House, authority: Path) -> None:
        self.home = home
        self.proxy = proxy
        self.house = house
        self.environment = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(authority)}

    def write_configuration(self, url: str = "") -> None:
        """As a person does who has never heard of a sandbox: no address of any cloud in it."""
        tokens = self.house.withings.tokens
        line = f'url = "{url}"\n' if url else ""
        path = self.home / "weighbridge.toml"
        path.write_text(
            f'[withings]\n{line}client_id = "{tokens.client_id}"\n'
            f'client_secret = "{tokens.client_secret}"\n\n[[person]]\nname = "anna"\n\n'
            f'[[person.target]]\nkind = "garmin"\n{line}{LONG_AGO}\n',
            "utf-8",
        )
        path.chmod(0o600)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS, "localhost", "127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    house = House(home, server_tls=server, client_tls=client)
    with Proxy(house.sandbox.url) as proxy:
        yield Office(home, proxy, house, pem)
    house.close()


def test_both_clouds_are_reached_through_the_proxy_under_their_own_names(office: Office) -> None:
    house, env = office.house, office.environment
    house.withings.household.add_profile(
        "anna", groups=[weight(1, days_ago(2), "61.2"), pressure(2, days_ago(2))]
    )
    office.write_configuration()
    code = house.admin.code("anna", house.callback_url)
    house.run("login", "withings", "--code", code, env=env, expect=0)
    assert set(office.proxy.hosts) == {"wbsapi.withings.net:443"}

    email, password, _ = ACCOUNTS["anna"]
    arguments = ["login", "garmin", "--username", email, "--password-stdin"]
    house.run(*arguments, input=f"{password}\n", env=env, expect=0)
    house.sync(env=env)
    assert [row["weight_kg"] for row in house.weigh_ins("anna")] == ["61.2"]
    assert len(house.pressures("anna")) == 1
    asked = {host.removesuffix(":443") for host in office.proxy.hosts}
    assert asked >= {
        "wbsapi.withings.net",
        "sso.garmin.com",
        "diauth.garmin.com",
        "connectapi.garmin.com",
    }
    named = {request["host"] for request in house.requests()}
    assert named == asked


def test_no_proxy_is_honoured_on_every_connection(office: Office) -> None:
    house, port = office.house, office.house.sandbox.url.rpartition(":")[2]
    house.withings.household.add_profile("anna", groups=[weight(1, days_ago(2), "61.2")])
    office.write_configuration(f"https://localhost:{port}")
    for excepted, hosts in ({"NO_PROXY": "localhost"}, set()), ({}, {f"localhost:{port}"}):
        env = {**office.environment, **excepted}
        code = house.admin.code("anna", house.callback_url)
        house.run("login", "withings", "--code", code, env=env, expect=0)
        email, password, _ = ACCOUNTS["anna"]
        arguments = ["login", "garmin", "--username", email, "--password-stdin"]
        house.run(*arguments, input=f"{password}\n", env=env, expect=0)
        house.sync(env=env)
        assert set(office.proxy.hosts) == hosts
    assert [row["weight_kg"] for row in house.weigh_ins("anna")] == ["61.2"]


def test_a_dead_proxy_is_only_a_delay(office: Office) -> None:
    house, env = office.house, office.environment
    house.withings.household.add_profile("anna", groups=[weight(1, days_ago(2), "61.2")])
    office.write_configuration()
    code = house.admin.code("anna", house.callback_url)
    house.run("login", "withings", "--code", code, env=env, expect=0)
    dead = {**env, "HTTPS_PROXY": "http://127.0.0.1:9"}
    assert "Withings" in house.sync(env=dead, expect=4).err
    house.sync(env=env, expect=3)  # back again: only Garmin still wants its login


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(office: Office) -> None:
    house = office.house
    house.withings.household.add_profile("anna")
    office.write_configuration()
    code = house.admin.code("anna", house.callback_url)
    refused = house.run(
        "login", "withings", "--code", code, env={"HTTPS_PROXY": office.proxy.url}, expect=4
    )
    assert "certificate" in refused.err.lower()
    assert house.requests() == []
