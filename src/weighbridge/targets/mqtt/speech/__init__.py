"""A measurement as a sentence that a speech engine can read aloud. Pure, in six languages.

``sentences.py`` decides what is said, ``amounts.py`` converts and rounds, and ``catalogue.py``
reads the words from ``weighbridge.i18n``: one folder per language.
"""

from __future__ import annotations

from weighbridge.targets.mqtt.speech.sentences import MANNERS, Spoken, sentence
from weighbridge.targets.mqtt.speech.speech_texts import LANGUAGES
from weighbridge.targets.mqtt.speech.spoken_amounts import UNITS

__all__ = ["LANGUAGES", "MANNERS", "UNITS", "Spoken", "sentence"]
