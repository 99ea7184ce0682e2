"""
Keep the weight of a TrainerRoad profile up to date.

Example configuration::

    [[person.target]]
    kind = "trainerroad"
    username = "anna-rides"         # whom ``weighbridge login trainerroad`` signs in
    max_age_days = 14               # an older weight is not sent any more

Log in once with ``weighbridge login trainerroad``. A profile has one weight and no date, so only
the newest one is sent, and never an older one after a newer one. It is written in kilograms with
one decimal, whatever unit the rider sees. Everything else in the profile is left as it is.

TrainerRoad offers no public interface: this is what its own web page does, and it may change
(docs/reference/trainerroad.md#changes).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from weighbridge.targets.base import Context, SignedIn, SignInAnswers, Target
from weighbridge.targets.http import check_url
from weighbridge.targets.kind import PasswordLogin, StandIn, TargetKind, WizardField


class TrainerRoadOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may write for this target."""

    username: str = ""
    """User name or e-mail. Only ``weighbridge login trainerroad`` uses it."""
    url: str = ""
    """The address of a stand-in for TrainerRoad; ``http`` only on this machine."""
    max_age_days: Annotated[int, msgspec.Meta(ge=1)] = 14
    """A weight that was taken longer ago is not sent any more."""

    def __post_init__(self) -> None:
        check_url(self.url)


def _create(options: TrainerRoadOptions, context: Context) -> Target:
    from weighbridge.targets.trainerroad.trainerroad_target import TrainerRoadTarget

    return TrainerRoadTarget(options.url, options.max_age_days, context)


def _sign_in(options: TrainerRoadOptions, answers: SignInAnswers) -> SignedIn:
    """With a browser's cookie when there is one, else with the password."""
    from weighbridge.targets.trainerroad import trainerroad_account as trainerroad

    if answers.ticket is not None:
        pasted = answers.ticket(trainerroad.browser_url(options.url))
        return trainerroad.sign_in_with_cookie(options.url, pasted)
    return trainerroad.sign_in(options.url, answers.username(), answers.password())


KIND = TargetKind(
    name="trainerroad",
    service="TrainerRoad",
    options=TrainerRoadOptions,
    create=_create,
    takes="The weight in TrainerRoad: always the newest one.",
    page=__doc__,
    holds="latest only",
    login=PasswordLogin(sign_in=_sign_in, ticket=True),
    place=20,
    wizard=(
        WizardField(
            option="username",
            example='"anna-rides"',
            label="TrainerRoad user name",
            metavar="USERNAME",
            help="Keep the weight of this account at TrainerRoad up to date.",
        ),
    ),
    environment={"username": "TRAINERROAD_USERNAME", "url": "TRAINERROAD_URL"},
    stand_in=StandIn(
        cloud="weighbridge_sandbox.trainerroad:TrainerRoadCloud",
        options={"url": "{url}", "username": "{person}@example.test"},
        chosen=False,
        remark="Its TrainerRoad knows them with the passwords anna-climbs-hills and "
        "ben-likes-the-flat.",
    ),
    texts=Path(__file__).with_name("texts.toml"),
)
