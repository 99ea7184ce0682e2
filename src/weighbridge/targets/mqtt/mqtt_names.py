"""A person's name as a part of an entity id: ``zoe_muller`` for Zoë Müller. Pure."""

from __future__ import annotations

import re
import unicodedata

import msgspec

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
