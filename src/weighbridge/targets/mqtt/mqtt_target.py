"""The target: the newest values as a retained state, each new reading as an event."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from weighbridge.core.commands import login_command
from weighbridge.core.errors import LoginNeeded, Problem, Refused
from weighbridge.core.measures import Measurement, Reading
from weighbridge.core.reason import plain
from weighbridge.targets.base import (
    Context,
    Newest,
    Owed,
    Receipt,
    ServerHandle,
    ServerStatus,
    oldest_first,
)
from weighbridge.targets.mqtt.mqtt_options import MqttOptions
from weighbridge.targets.mqtt.topics import DISCOVERY_PREFIX, Topics

if TYPE_CHECKING:
    from weighbridge.targets.mqtt.broker import Broker
    from weighbridge.targets.mqtt.broker_messages import MqttMessage, PublishResult
    from weighbridge.targets.mqtt.mqtt_event import Announcement, Announcer
    from weighbridge.targets.mqtt.topics import MqttPerson


class MqttPayload(msgspec.Struct, frozen=True):
    """The state, then what is published about each reading, oldest first."""

    state: MqttMessage
    newest: tuple[Newest, ...]
    """What the state was made of."""
    announcements: tuple[Announcement, ...]
    refused: dict[str, Problem | str]
    """Reading id → why it cannot be published."""


class MqttTarget:
    """The state can be published again without harm, and events carry an id."""

    batch_size: ClassVar[int] = 500
    idempotent: ClassVar[bool] = True

    def __init__(self, options: MqttOptions, context: Context) -> None:
        self._options = options
        self._context = context
        self._discovers = bool(options.discovery_prefix)
        self._topics = Topics(options.base_topic, options.discovery_prefix or DISCOVERY_PREFIX)

    def __repr__(self) -> str:
        return f"MqttTarget({self._options.url!r}, {self._options.base_topic!r})"

    def takes(self, reading: Reading) -> Sequence[Measurement]:
        """Everything."""
        return (*reading.measurements, *reading.segments)

    def render(self, owed: Sequence[Owed]) -> MqttPayload:
        """The newest state of the archive and the events of these readings, oldest first.

        Raises LoginNeeded before an account is connected.
        """
        person = self._person()
        announcer = self._announcer(person)
        announcements: list[Announcement] = []
        refused: dict[str, Problem | str] = {}
        for one in oldest_first(owed):
            try:
                announcements.append(announcer.announce(one))
            except Refused as problem:
                refused[one.reading_id] = problem
        newest = tuple(self._context.body.newest())
        return MqttPayload(self._state(person, newest), newest, tuple(announcements), refused)

    def preview(self, payload: MqttPayload) -> Iterator[str]:
        """Topic and message, one line each."""
        yield f"{payload.state.topic} {payload.state.payload.decode()}"
        for one in payload.announcements:
            if not one.messages:
                yield f"no event: {one.reading_id} only counts for the state"
            for message in one.messages:
                yield f"{message.topic} {message.payload.decode()}"
        for reading_id, reason in payload.refused.items():
            yield f"not published: {reading_id}: {reason}"

    def send(self, payload: MqttPayload) -> Receipt:
        """Publish. Raises RetryLater, LoginNeeded or ConfigProblem when nothing was announced.

        The events follow when the broker has acknowledged the state. A broker that was frozen
        all along never receives them, so it will not pass them on twice.
        """
        if not payload.announcements:
            return Receipt(refused=payload.refused)
        self._publish_state(payload.state, payload.newest)
        messages = [message for one in payload.announcements for message in one.messages]
        answer = self._broker().send(messages)
        return Receipt(_delivered(payload, answer), payload.refused, problem=answer.problem)

    def check(self) -> str:
        """Connect. Raises like ``send``."""
        self._broker().connect()
        options = self._options
        address = options.access.address
        whom = f" as {address.user}" if address.user else ""
        return f"Connected to the MQTT broker {address}{whom} (MQTT {options.protocol})."

    # while the server runs

    def start(self, server: ServerHandle) -> None:
        """Connect in the background and stay connected."""
        context = self._context
        self._broker().stay_connected(
            server, context.person, context.target, context.installation()
        )

    def republish(self) -> None:
        """Publish the retained device and state again. Raises like ``send``."""
        newest = tuple(self._context.body.newest())
        self._publish_state(self._state(self._person(), newest), newest, again=True)

    def publish_status(self, status: ServerStatus) -> None:
        """Say how the server is doing, in the language of this target."""
        if status.problem is not None:
            text = f"{status.about}: {status.problem.sentences(self._options.language)}"
            status = msgspec.structs.replace(status, problem=plain(text), about="")
        self._broker().publish_status(self._context.person, status)

    # what is published

    def _publish_state(
        self, state: MqttMessage, newest: Sequence[Newest], *, again: bool = False
    ) -> None:
        from weighbridge.targets.mqtt.broker_messages import MqttMessage

        broker, person = self._broker(), self._person()
        if not self._discovers:
            broker.publish([state])
            return
        topic, device = self._topics.discovery(person.userid), self._device(person, newest, b"")
        if not again and broker.remembers(topic, device):
            broker.publish([state])
            return
        complete = self._device(person, newest, broker.retained(topic))
        broker.publish([MqttMessage(topic, complete, retain=True), state])
        broker.remember(topic, device)

    def _device(self, person: MqttPerson, newest: Sequence[Newest], retained: bytes) -> bytes:
        from weighbridge.targets.mqtt.discovery import components_of, person_device

        height, earlier = self._context.height(), components_of(retained)
        device = person_device(self._topics, person, newest, height=height, earlier=earlier)
        return msgspec.json.encode(device)

    def _state(self, person: MqttPerson, newest: Sequence[Newest]) -> MqttMessage:
        from weighbridge.targets.mqtt.broker_messages import MqttMessage
        from weighbridge.targets.mqtt.sensors import person_state

        state = person_state(newest, height=self._context.height())
        return MqttMessage(
            self._topics.state(person.userid), msgspec.json.encode(state), retain=True
        )

    def _announcer(self, person: MqttPerson) -> Announcer:
        from weighbridge.targets.mqtt.mqtt_event import Announcer, Wording

        options, context = self._options, self._context
        return Announcer(
            person=context.person,
            topic=self._topics.event(person.userid),
            wording=Wording(options.language, options.units, options.says),
            plain_topic=options.plain_topic,
            before=context.body.before,
            since=context.connected_at(),
            now=context.clock(),
        )

    def _person(self) -> MqttPerson:
        from weighbridge.targets.mqtt.topics import MqttPerson

        userid = self._context.body.userid()
        if userid is None:
            name = self._context.person
            raise LoginNeeded(
                code="mqtt.not_connected", person=name, login=login_command("withings", name)
            )
        return MqttPerson(userid, self._context.person)

    def _broker(self) -> Broker:
        """One for all who have the same broker, login and topics."""
        from weighbridge.targets.mqtt.bridge import Bridge
        from weighbridge.targets.mqtt.broker import Broker

        access = self._options.access
        key = access.key(self._options.base_topic, self._options.discovery_prefix)
        bridge = Bridge(self._topics, self._discovers)
        return self._context.connections.get(f"mqtt:{key}", lambda: Broker(access, bridge))


def _delivered(payload: MqttPayload, answer: PublishResult) -> dict[str, str]:
    """Reading id → reference, of those whose messages were all acknowledged."""
    delivered: dict[str, str] = {}
    place = 0
    for one in payload.announcements:
        places = range(place, place + len(one.messages))
        place = places.stop
        if answer.acknowledged.issuperset(places):
            delivered[one.reading_id] = one.reference
    return delivered
