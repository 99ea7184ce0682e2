"""
Write weight, body composition and blood pressure into Garmin Connect.

Example configuration::

    [[person.target]]
    kind = "garmin"
    username = "anna@example.org"   # whom ``weighbridge login garmin`` signs in
    muscle_mass = true              # false: Garmin calls it skeletal muscle, Withings means all

Log in once with ``weighbridge login garmin``. Weigh-ins travel as one FIT file (at most 200 rows,
the same readings give the same bytes), blood pressure as JSON, one by one. Garmin keeps no natural
key for either, so the span is read before and after writing, and a changed reading replaces the old
one (docs/reference/garmin.md#duplicates).
"""

from __future__ import annotations

from pathlib import Path

from weighbridge.targets.base import Context, SignedIn, SignInAnswers, Target
from weighbridge.targets.garmin.garmin_options import GarminOptions
from weighbridge.targets.kind import PasswordLogin, StandIn, TargetKind, WizardField


def _create(options: GarminOptions, context: Context) -> Target:
    from weighbridge.targets.garmin.garmin_target import GarminTarget

    return GarminTarget(options, context)


def _sign_in(options: GarminOptions, answers: SignInAnswers) -> SignedIn:
    """With a browser's ticket when there is one, else with the password."""
    from weighbridge.targets.garmin import garmin_account as garmin

    place = options.place()
    if answers.ticket is not None:
        return garmin.sign_in_with_ticket(place, answers.ticket(garmin.browser_url(place)))
    return garmin.sign_in(place, answers.username(), answers.password(), ask_mfa=answers.code)


KIND = TargetKind(
    name="garmin",
    service="Garmin",
    options=GarminOptions,
    create=_create,
    takes="Weight, body composition and blood pressure in Garmin Connect.",
    page=__doc__,
    login=PasswordLogin(sign_in=_sign_in, mfa=True, ticket=True),
    requires=("garminconnect",),
    place=10,
    wizard=(
        WizardField(
            option="username",
            example='"anna@example.org"',
            label="Garmin e-mail",
            metavar="USERNAME",
            help="Send to this account at Garmin Connect.",
        ),
    ),
    also='since = 2024-01-01  # older readings are not sent; "all" sends everything',
    environment={"username": "GARMIN_USERNAME", "url": "GARMIN_URL"},
    stand_in=StandIn(
        cloud="weighbridge_sandbox.garmin:GarminCloud",
        options={"url": "{url}", "username": "{person}@example.test"},
        remark="Sign in at its Garmin as anna@example.test with the password anna-walks-home, or "
        "as ben@example.test with ben-rides-uphill and the code 123456.",
    ),
    texts=Path(__file__).with_name("texts.toml"),
)
