"""A measurement as a sentence that a speech engine can read aloud. Pure, in six languages.

``sentences.py`` decides what is said, ``amounts.py`` converts and rounds, and ``catalogue.py``
reads the words from ``weighbridge.catalogue``: one folder per language.
"""

from __future__ import annotations

from weighbridge.speech.amounts import UNITS
from weighbridge.speech.catalogue import LANGUAGES
from weighbridge.speech.sentences import MANNERS, Spoken, sentence

__all__ = ["LANGUAGES", "MANNERS", "UNITS", "Spoken", "sentence"]
