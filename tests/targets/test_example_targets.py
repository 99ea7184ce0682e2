"""The two example targets keep the contract: a day record with a key, and one value with OAuth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from weighbridge_examples import daybook, scaleboard
from weighbridge_examples.clouds import DaybookCloud, ScaleboardCloud

from weighbridge.core.errors import LoginNeeded, OutcomeUnknown, RetryLater
from weighbridge.core.secret import Secret
from weighbridge.targets.base import Context
from weighbridge.testing.builders import NOON, MemorySession, context, owe, weigh_in
from weighbridge.testing.targets import TargetContract
from weighbridge_sandbox.faults import Fault
from weighbridge_sandbox.http import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    clock = lambda: float(NOON)  # noqa: E731
    with Sandbox([DaybookCloud(clock=clock), ScaleboardCloud(clock=clock)]) as made:
        yield made


class TestDaybook(TargetContract):
    kind = daybook.KIND

    @pytest.fixture(autouse=True)
    def _sandbox(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def make(self, context: Context) -> daybook.DaybookTarget:
        key = Secret.of_value("key-of-anna")
        options = daybook.DaybookOptions(athlete="anna", api_key=key, url=self.sandbox.url)
        return daybook.DaybookTarget(options, context)

    def instants(self, payload: daybook.Records) -> list[int]:
        return [one.taken_at for one in payload.records]

    def standing(self, context: Context) -> Sequence[Any]:
        [cloud, _] = self.sandbox.clouds
        assert isinstance(cloud, DaybookCloud)
        return sorted(cloud.days.items())

    def test_the_newest_reading_of_a_day_stands_there(self, tmp_path: Path) -> None:
        target = self.make(self.context(tmp_path))
        readings = [weigh_in(kg, taken_at=NOON + at) for at, kg in ((60, "71"), (0, "70"))]
        target.send(target.render([owe(one) for one in readings]))
        assert self.standing(self.context(tmp_path)) == [(("anna", "2025-10-09"), {"weight": 71.0})]

    @pytest.mark.parametrize(
        ("status", "decision"),
        [(401, LoginNeeded), (429, RetryLater), (500, OutcomeUnknown)],
    )
    def test_a_status_is_a_decision(
        self, tmp_path: Path, status: int, decision: type[Exception]
    ) -> None:
        self.sandbox.faults.add(Fault("http", path="/daybook/*", status=status))
        target = self.make(self.context(tmp_path))
        with pytest.raises(decision):
            target.send(target.render([owe(self.good(NOON))]))


class TestScaleboard(TargetContract):
    kind = scaleboard.KIND

    @pytest.fixture(autouse=True)
    def _sandbox(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    @property
    def cloud(self) -> ScaleboardCloud:
        [_, cloud] = self.sandbox.clouds
        assert isinstance(cloud, ScaleboardCloud)
        return cloud

    def context(self, home: Path) -> Context:
        tokens = {"access_token": "access-0", "refresh_token": "refresh-0"}
        session = MemorySession({**tokens, "expires_at": NOON + 9000}, account="4711")
        return context(home, session=session)

    def make(self, context: Context) -> scaleboard.ScaleboardTarget:
        return scaleboard.ScaleboardTarget(self.options(), context)

    def options(self, secret: str = "hush-hush") -> scaleboard.ScaleboardOptions:
        return scaleboard.ScaleboardOptions(
            client_id="us", client_secret=Secret.of_value(secret), url=self.sandbox.url
        )

    def instants(self, payload: scaleboard.Weights) -> list[int]:
        return [one.taken_at for one in payload.weights]

    def standing(self, context: Context) -> Sequence[Any]:
        return self.cloud.weights

    def good(self, taken_at: int) -> Any:
        return weigh_in("70.5", taken_at=taken_at)

    def bad(self) -> Any:
        return weigh_in("1000", taken_at=NOON + 1)

    def test_sending_again_leaves_one_when_the_target_says_so(self, tmp_path: Path) -> None:
        """One value stands there, however often it is written."""
        context = self.context(tmp_path)
        target = self.make(context)
        for _ in range(2):
            target.send(target.render([owe(self.good(NOON))]))
        assert set(self.standing(context)) == {70.5}

    def test_old_tokens_are_refreshed_and_stored_before_they_are_used(self, tmp_path: Path) -> None:
        context = self.context(tmp_path)
        stale = {"access_token": "access-0", "refresh_token": "refresh-0", "expires_at": NOON}
        context.session.store(stale, account="4711")
        self.sandbox.faults.add(Fault("http", path="/scaleboard/weight", status=503))
        with pytest.raises(RetryLater):
            self.make(context).send(self.make(context).render([owe(self.good(NOON))]))
        assert context.session.load()["refresh_token"] == "refresh-1"
        assert context.session.account() == "4711"
        self.make(context).send(self.make(context).render([owe(self.good(NOON))]))
        assert (self.cloud.refreshes, self.cloud.weights) == (1, [70.5])

    def test_a_token_that_is_refused_is_refreshed_once(self, tmp_path: Path) -> None:
        context = self.context(tmp_path)
        self.cloud.access = "another one"
        self.make(context).send(self.make(context).render([owe(self.good(NOON))]))
        assert self.cloud.weights == [70.5]

    def test_a_login_that_has_ended_names_the_command(self, tmp_path: Path) -> None:
        context = msgspec.structs.replace(self.context(tmp_path), person="Anna Maria")
        self.cloud.access = self.cloud.refresh = "another-9"
        with pytest.raises(LoginNeeded, match="login has ended") as caught:
            self.make(context).send(self.make(context).render([owe(self.good(NOON))]))
        assert "weighbridge login target --person 'Anna Maria'" in str(caught.value)
        nobody = msgspec.structs.replace(context, session=MemorySession())
        with pytest.raises(LoginNeeded, match="Nobody is logged in to Scaleboard"):
            self.make(nobody).check()

    def test_what_is_refused_leaves_the_others(self, tmp_path: Path) -> None:
        self.sandbox.faults.add(Fault("http", path="/scaleboard/weight", status=422))
        target = self.make(self.context(tmp_path))
        receipt = target.send(target.render([owe(self.good(NOON))]))
        assert list(receipt.refused) == [self.good(NOON).reading_id]
        assert "status 422" in str(next(iter(receipt.refused.values())))
