"""
Show the present weight at Scaleboard.

Example configuration::

    [[person.target]]
    kind = "scaleboard"
    client_id = "weighbridge-at-home"
    client_secret = { file = "scaleboard-client-secret" }

Register an application at Scaleboard once, then sign in with ``weighbridge login scaleboard``.
Scaleboard shows one weight and no date, so only the newest one is sent.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from weighbridge.core.measures import Measurement, MeasureType, Reading
from weighbridge.core.secret import Secret
from weighbridge.targets.base import Context, Owed, Receipt, SignedIn, SignInAnswers
from weighbridge.targets.http import HttpCalls, http_calls, trouble_of
from weighbridge.targets.kind import OAuthLogin, TargetKind, WizardField
from weighbridge.targets.oauth_login import OAuthApp, OAuthLife, sign_in
from weighbridge.targets.receipt_builder import send_each

SERVICE = "Scaleboard"
HEAVIEST_KG = 500


class ScaleboardOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for this target."""

    client_id: str
    """Of your application."""
    client_secret: Secret
    """Of your application."""
    url: str = "https://scaleboard.example.org"
    """The address of the service."""

    @property
    def app(self) -> OAuthApp:
        """The application as Scaleboard knows it."""
        return OAuthApp(
            service=SERVICE,
            authorize_url=f"{self.url}/scaleboard/authorize",
            token_url=f"{self.url}/scaleboard/token",
            client_id=self.client_id,
            client_secret=self.client_secret,
            redirect_url="http://localhost/scaleboard",
            scope="weight",
        )


class Weight(msgspec.Struct, frozen=True):
    """One weight as it is sent."""

    reading_id: str
    taken_at: int
    kg: float


class Weights(msgspec.Struct, frozen=True):
    """Weights, oldest first: the last one stays."""

    weights: tuple[Weight, ...]
    refused: dict[str, str]


class ScaleboardTarget:
    """Writing a weight again changes nothing."""

    batch_size: ClassVar[int] = 1
    idempotent: ClassVar[bool] = True
    oldest: ClassVar[float] = 14 * 86_400.0

    def __init__(self, options: ScaleboardOptions, context: Context) -> None:
        self._options = options
        self._context = context
        self._login = OAuthLife(options.app, context)

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """The weight."""
        return [one for one in reading.measurements if one.type_code == MeasureType.WEIGHT]

    def render(self, owed: Sequence[Owed]) -> Weights:
        """One weight a reading, oldest first."""
        weights, refused = [], {}
        for reading in sorted((one.reading for one in owed), key=lambda one: one.taken_at):
            kg = reading.get(MeasureType.WEIGHT)
            if kg is None or not 0 < kg < HEAVIEST_KG:
                refused[reading.reading_id] = f"Scaleboard takes no {kg} kg."
            else:
                weights.append(Weight(reading.reading_id, reading.taken_at, float(kg)))
        return Weights(tuple(weights), refused)

    def preview(self, payload: Weights) -> Iterator[str]:
        """One line a weight."""
        for one in payload.weights:
            yield f"{one.kg} kg"
        for reading_id, reason in payload.refused.items():
            yield f"cannot be sent: {reading_id}: {reason}"

    def send(self, payload: Weights) -> Receipt:
        """Write one weight after the other, until one meets trouble."""
        with http_calls(SERVICE, self._options.url) as calls:
            steps = (
                ([one.reading_id], lambda one=one: self._write(calls, one))
                for one in payload.weights
            )
            return send_each(steps, payload.refused)

    def check(self) -> str:
        """Who is signed in. Raises like ``send``."""
        with http_calls(SERVICE, self._options.url) as calls:
            token = self._login.current().access_token
            answer = calls.call("GET", "/scaleboard/me", headers=_bearer(token))
        if problem := trouble_of(answer, SERVICE, self._context.login_command, writes=False):
            raise problem
        return f"Signed in at Scaleboard as {answer.json()['name']}."

    def _write(self, calls: HttpCalls, one: Weight) -> str:
        """A token that is refused before its time is refreshed once."""
        tokens = self._login.current()
        answer = _put(calls, tokens.access_token, one)
        if answer.status == 401:
            answer = _put(calls, self._login.renew(tokens).access_token, one)
        if problem := trouble_of(answer, SERVICE, self._context.login_command, writes=True):
            raise problem
        return "shown"


def _put(calls: HttpCalls, token: str, one: Weight) -> Any:
    content = msgspec.json.encode({"kg": one.kg})
    return calls.call(
        "PUT", "/scaleboard/weight", headers=_bearer(token), content=content, writes=True
    )


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _sign_in(options: ScaleboardOptions, answers: SignInAnswers) -> SignedIn:
    def account(token: str) -> tuple[str, str]:
        with http_calls(SERVICE, options.url) as calls:
            answer = calls.call("GET", "/scaleboard/me", headers=_bearer(token))
        if problem := trouble_of(answer, SERVICE, "", writes=False):
            raise problem
        return answer.json()["id"], answer.json()["name"]

    return sign_in(options.app, answers, account, time.time)


KIND = TargetKind(
    name="scaleboard",
    service=SERVICE,
    options=ScaleboardOptions,
    create=ScaleboardTarget,
    takes="The present weight at Scaleboard.",
    page=__doc__,
    holds="latest only",
    login=OAuthLogin(sign_in=_sign_in),
    wizard=(
        WizardField(
            option="client_id",
            example='"weighbridge-at-home"',
            label="Scaleboard client id",
            metavar="ID",
        ),
        WizardField(
            option="client_secret",
            shape="secret",
            example='{ file = "scaleboard-client-secret" }',
            label="Scaleboard client secret",
        ),
    ),
    environment={
        "client_id": "WEIGHBRIDGE_SCALEBOARD_CLIENT_ID",
        "client_secret": "WEIGHBRIDGE_SCALEBOARD_CLIENT_SECRET",
        "url": "WEIGHBRIDGE_SCALEBOARD_URL",
    },
)
