"""Words that read wrong to native speakers stay out of the texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from weighbridge import i18n

FOLDER = Path(i18n.__file__).parent
WRONG = {
    "en": r"for ever|bring back|shall|\ban own |lives \d",
    "de": r"ausgelassen|Sternen|an der Arbeit|mitgebracht|nicht mehr unsicher",
    "fr": r"\bde \{(?:person|owner)\}|\{person\} (?:n.)?est |Vous êtes|étoiles|échouée? ici\b",
    "es": r"tensión|Aparato|La orden|estrellas|para siempre|Sin orden",
    "pl": r"prowadzonych|ciasteczk|niepewnym właścicielu|na zawsze|nienależna|ramię",
    "nl": r"(?<!hem of )\b[Hh]aar\b|\b[Aa]annemen|\b[Aa]angenomen|toepassing|eigenaar onzeker",
}


@pytest.mark.parametrize("language", WRONG)
def test_no_text_has_a_word_that_reads_wrong(language: str) -> None:
    found = [
        f"{path.name}: {line}"
        for path in sorted((FOLDER / language).glob("*.toml"))
        for line in path.read_text("utf-8").splitlines()
        if re.search(WRONG[language], line) and not line.startswith("#")
    ]
    assert found == []
