"""Where everything is published at the broker, and how a person is named there. Pure.

Topics hold the base topic and the Withings user id, never a person's name. Retained:
``bridge_state``, ``bridge_info``, each person's ``state`` and the two discovery topics. Not
retained: events, requests and responses.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

BASE = "weighbridge"
DISCOVERY_PREFIX = "homeassistant"
BRIDGE_ID = "weighbridge_bridge"
"""The id of the device for Weighbridge itself."""

_LONGEST = 200
_ALLOWED_IN_DISCOVERY = re.compile(r"[A-Za-z0-9_-]+")


class Topics(msgspec.Struct, frozen=True):
    """All topics of one installation. Raises ValueError when made of impossible ones."""

    base: str = BASE
    prefix: str = DISCOVERY_PREFIX

    def __post_init__(self) -> None:
        check_topic(self.base, "base_topic")
        check_topic(self.prefix, "discovery_prefix")

    @property
    def bridge_state(self) -> str:
        """``online`` or ``offline``; also the topic of the will."""
        return f"{self.base}/bridge/state"

    @property
    def bridge_info(self) -> str:
        return f"{self.base}/bridge/info"

    @property
    def sync_request(self) -> str:
        """Any payload asks for a sync. Heed no retained one."""
        return f"{self.base}/bridge/request/sync"

    @property
    def sync_response(self) -> str:
        return f"{self.base}/bridge/response/sync"

    @property
    def birth(self) -> str:
        """Where Home Assistant says ``online`` after its start."""
        return f"{self.prefix}/status"

    @property
    def bridge_discovery(self) -> str:
        return f"{self.prefix}/device/{BRIDGE_ID}/config"

    def state(self, userid: str) -> str:
        """The newest value of each measure of one account."""
        return f"{self.base}/{_checked(userid)}/state"

    def event(self, userid: str) -> str:
        """One new measurement of one account."""
        return f"{self.base}/{_checked(userid)}/event"

    def discovery(self, userid: str) -> str:
        return f"{self.prefix}/device/{device_id(userid)}/config"


def device_id(userid: str) -> str:
    """The id of a person's device, and the beginning of the ids of its entities."""
    return f"weighbridge_{_checked(userid)}"


def check_topic(topic: str, option: str) -> None:
    """Raises ValueError when ``topic`` cannot be the beginning of topics.

    Source: docs/reference/home-assistant.md#topic-names.
    """
    reason = _wrong_with(topic)
    if reason:
        raise ValueError(f"{option} must be words with slashes between them: {reason}")


def _wrong_with(topic: str) -> str:
    refused = {
        "it is empty": not topic,
        f"it is longer than {_LONGEST} letters": len(topic) > _LONGEST,
        "+ and # stand for other topics": "+" in topic or "#" in topic,
        "it holds a character that cannot be printed": not topic.isprintable(),
        "what begins with $ belongs to the broker": topic.startswith("$"),
        "no slash may stand at the beginning, at the end or beside another": "" in topic.split("/"),
    }
    return next((reason for reason, is_so in refused.items() if is_so), "")


def _checked(userid: str) -> str:
    """Anything else would be illegal (docs/reference/home-assistant.md#discovery-topics)."""
    if not _ALLOWED_IN_DISCOVERY.fullmatch(userid):
        raise ValueError("a Withings user id is made of digits")
    return userid


# ruff: noqa: RUF001  these letters are meant
_ONE_FOR_ONE = zip(
    "øłđðħıабвгдезийклмнопрстуфыэіїјћђґўαβγδεζηικλμνξοπρσςτυω",
    "olddhiabvgdeziiklmnoprstufyeiijcdguavgdeziiklmnxoprsstyo",
    strict=True,
)
_LETTERS = str.maketrans(
    {
        **dict(_ONE_FOR_ONE),
        **{"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ŋ": "ng"},
        **{"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ё": "yo"},
        **{"ю": "yu", "я": "ya", "є": "ye", "ъ": "", "ь": "", "љ": "lj", "њ": "nj", "џ": "dz"},
        **{"θ": "th", "φ": "f", "χ": "ch", "ψ": "ps"},
    }
)


class MqttPerson(msgspec.Struct, frozen=True):
    """Whose measurements these are: the Withings user id and the configured name."""

    userid: str
    name: str

    @property
    def slug(self) -> str:
        """The name as the beginning of entity ids."""
        return slug(self.name, self.userid)

    @property
    def display_name(self) -> str:
        """The name for eyes and ears: ``anna`` is Anna, and DJ Anna stays as it is."""
        return display_name(self.name)


def slug(name: str, userid: str) -> str:
    """The name in small Latin letters, digits and ``_``; the user id when nothing is left of it.

    Marks on letters are dropped, Cyrillic and Greek letters are written in Latin ones. Two people
    may get the same: Home Assistant then adds ``_2`` to the ids of one
    (docs/reference/home-assistant.md#names-and-ids).
    """
    known = unicodedata.normalize("NFC", name.casefold()).translate(_LETTERS)
    bare = unicodedata.normalize("NFKD", known).translate(_LETTERS)
    latin = "".join(letter for letter in bare if not unicodedata.combining(letter))
    return "_".join(re.findall("[a-z0-9]+", latin)) or userid


def display_name(person: str) -> str:
    """What has a capital letter anywhere is written as its owner wrote it."""
    if not person.islower():
        return person
    return " ".join(word[:1].upper() + word[1:] for word in person.split(" "))
