"""
Publish readings at an MQTT broker, for Home Assistant and whatever else listens there.

Example configuration::

    [[person.target]]
    kind = "mqtt"
    url = "mqtt://weighbridge@homeassistant.local:1883"
    # password = { file = "mqtt-password" }
    language = "en"

``url``                 ``mqtt://user@host:1883``, or ``mqtts://host`` for TLS (port 8883).
``password``            of the user. It does not belong into the url.
``base_topic``          where everything is published (``weighbridge``). People with the same broker
                        and the same base topic share one connection.
``discovery_prefix``    where Home Assistant looks for devices (``homeassistant``); ``""`` for none.
``language``            of the sentence in each event: ``en``, ``de``, ``fr``, ``es``, ``pl`` or
                        ``nl``.
``units``               ``metric`` or ``imperial``: of the sentence and of the event's own numbers.
``says``                what the sentence tells of a weight: ``value_and_change`` (the default),
                        ``value``, ``change`` for people who do not want the number said aloud, or
                        ``nothing`` for an empty sentence.
``plain_topic``         here each new weight is published bare, like ``75.2``.
``ca_file``             the authority of the broker's certificate, unless the system knows it.
``client_certificate``  and ``client_key``: files in PEM format, for brokers that ask for them.
``protocol``            ``3.1.1`` (the default) or ``5``.

Two topics belong to each person; the number is the Withings user id. ``weighbridge/<number>/state``
holds the newest values and is retained. ``weighbridge/<number>/event`` gets one message for each
new reading, with its values, what changed, and a sentence in ``text``; it is not retained.
Readings that were in the cloud before this target was first connected only count for the state.

A message may arrive twice after trouble; its ``id`` tells. While the broker is away, everything
waits and is published when it is back.
"""

from __future__ import annotations

from pathlib import Path

from weighbridge.i18n import LANGUAGES
from weighbridge.targets.base import Context, Target
from weighbridge.targets.kind import TargetKind, WizardField
from weighbridge.targets.mqtt.mqtt_options import (
    MqttOptions,
    from_environment,
    read_form,
    show_form,
)


def _create(options: MqttOptions, context: Context) -> Target:
    from weighbridge.targets.mqtt.mqtt_target import MqttTarget

    return MqttTarget(options, context)


KIND = TargetKind(
    name="mqtt",
    service="MQTT",
    options=MqttOptions,
    create=_create,
    takes="Home Assistant and whatever else listens to an MQTT broker.",
    page=__doc__,
    connected=True,
    settle=0.0,  # a reading is announced at once; what is added to it later updates the state
    requires=("paho",),
    place=40,
    wizard=(
        WizardField(
            option="url",
            example='"mqtt://weighbridge@homeassistant.local:1883"',
            label="MQTT broker",
            longest=500,
            suggests=True,
            metavar="URL",
            help="Publish at this MQTT broker, like mqtt://user@host:1883; no password here.",
        ),
        WizardField(option="user"),
        WizardField(option="password", shape="secret", example='{ file = "mqtt-password" }'),
        WizardField(
            option="language",
            shape="choice",
            spoken=True,
            choices=LANGUAGES,
            example='"en"',
        ),
        WizardField(
            option="units",
            shape="choice",
            choices=("metric", "imperial"),
            example='"metric"',
        ),
    ),
    remark="A user's password does not belong into the url: put it into a file that only you may "
    "read.",
    secret_is_needed=lambda options: "@" in options["url"],
    read_form=read_form,
    show_form=show_form,
    environment={"url": "MQTT_URL", "plain_topic": "MQTT_CHANNEL"},
    from_environment=from_environment,
    texts=Path(__file__).with_name("texts.toml"),
)
