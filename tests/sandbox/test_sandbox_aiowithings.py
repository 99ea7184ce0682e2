"""The real aiowithings client (the one inside Home Assistant) finds nothing odd in the sandbox."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import aiohttp.abc
import aiowithings
import pytest
import trustme

from fixtures.sandbox import NOW, REDIRECT, Life, Listener, pressure, weight


def test_the_real_aiowithings_client_reads_and_subscribes(listener: Listener) -> None:
    authority = trustme.CA()
    server, client = (
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
        ssl.create_default_context(),
    )
    authority.issue_cert("wbsapi.withings.net", "127.0.0.1").configure_cert(server)
    authority.configure_trust(client)
    life = Life(server)
    life.sandbox.start()
    life.household.add_group("anna", weight(1, date=NOW - 90, grams=71_350))
    life.household.add_group("anna", pressure(2, date=NOW - 50))
    code = life.cloud.tokens.issue_code(101, "user.info,user.metrics", REDIRECT)
    exchanged = life.cloud.tokens.exchange({"code": code, "redirect_uri": REDIRECT})

    class ToTheSandbox(aiohttp.abc.AbstractResolver):
        """Every name is this machine, and the standard port is ours."""

        async def resolve(
            self, host: str, port: int = 0, family: int = socket.AF_INET
        ) -> list[Any]:
            found = aiohttp.abc.ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=urlsplit(life.sandbox.url).port,
                family=socket.AF_INET,
                proto=0,
                flags=0,
            )
            return [found]

        async def close(self) -> None:
            pass

    async def use_the_client() -> None:
        connector = aiohttp.TCPConnector(resolver=ToTheSandbox(), ssl=client)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            aiowithings.WithingsClient(session=session) as withings,
        ):
            withings.authenticate(exchanged["access_token"])
            since = datetime.fromtimestamp(NOW - 3600, UTC)
            groups = await withings.get_measurement_since(since)
            assert [g.group_id for g in groups] == [1, 2]
            values = {m.measurement_type: m.value for g in groups for m in g.measurements}
            assert values[aiowithings.MeasurementType.WEIGHT] == pytest.approx(71.35)
            assert values[aiowithings.MeasurementType.SYSTOLIC_BLOOD_PRESSURE] == 121
            only = [aiowithings.MeasurementType.WEIGHT]
            until = datetime.fromtimestamp(NOW, UTC)
            window = await withings.get_measurement_in_period(since, until, only)
            assert [len(g.measurements) for g in window] == [1]
            devices = await withings.get_devices()
            assert devices[0].model is aiowithings.DeviceModel.BODY_PLUS
            assert (await withings.get_goals()).steps == 10_000

            category = aiowithings.NotificationCategory.WEIGHT
            await withings.subscribe_notification(listener.url, category)
            configurations = await withings.list_notification_configurations()
            assert [c.callback_url for c in configurations] == [listener.url]
            await withings.revoke_notification_configurations(listener.url, category)
            assert await withings.list_notification_configurations() == []
            with pytest.raises(aiowithings.WithingsInvalidParamsError):
                await withings.subscribe_notification("http://example.com/", category)
            withings.authenticate("nonsense")
            with pytest.raises(aiowithings.WithingsAuthenticationFailedError):
                await withings.get_goals()

    try:
        asyncio.run(use_the_client())
        entry = life.sandbox.requests.entries()[0]
        assert (entry.host, entry.path) == ("wbsapi.withings.net", "/measure")
    finally:
        life.sandbox.close()
