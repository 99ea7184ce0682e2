"""What a person types about a broker, and what the environment says. Pure.

The url holds the user and never a password; a form has a field for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote

from weighbridge.core.secret import Secret
from weighbridge.targets.kind import FormAnswer, FormFault, TargetKind
from weighbridge.targets.mqtt.broker_address import read_address, with_our_words, without_password

_CHOICES = {"language": "en", "units": "metric"}
"""Option → what is meant when nothing is written."""


def from_environment(found: Mapping[str, str]) -> dict[str, str]:
    """Options as ``MQTT_URL`` and ``MQTT_CHANNEL`` give them; a password leaves the url."""
    url, password = without_password(with_our_words(found["url"]))
    return {**found, "url": url, **({"password": password} if password else {})}


def read_form(kind: TargetKind, typed: Mapping[str, str]) -> FormAnswer:
    """The user goes into the url, and a password leaves it, as it does in the environment."""
    text, user, password = (typed.get(name, "") for name in ("url", "user", "password"))
    text, user = text.strip(), user.strip()
    if not text:
        is_alone = bool(user or password)
        return FormAnswer(faults=(FormFault("url", "url_missing"),) if is_alone else ())
    found = from_environment({"url": text})
    password = password or found.get("password", "")
    place, in_url = _without_user(found["url"])
    user = user or in_url
    shown = {"url": place, "user": user}
    url = _with_user(place, user)
    try:
        read_address(url)
    except ValueError:
        return FormAnswer(shown=shown, faults=(FormFault("url", "url"),))
    if password and not user:
        return FormAnswer(shown=shown, faults=(FormFault("user", "user_missing"),))
    choices = {name: typed[name] for name, usual in _CHOICES.items() if typed.get(name) != usual}
    return FormAnswer(
        options={"url": url, **choices},
        secrets={"password": Secret.of_value(password)} if password else {},
        shown=shown,
    )


def show_form(options: Mapping[str, str]) -> dict[str, str]:
    """The fields; nothing before an ``@`` is shown as a part of the url."""
    place, user = _without_user(options.get("url", ""))
    return {**options, "url": place, "user": user}


def _without_user(url: str) -> tuple[str, str]:
    scheme, sign, rest = url.partition("://")
    user, _, place = rest.rpartition("@")
    return f"{scheme}{sign}{place}", unquote(user)


def _with_user(url: str, user: str) -> str:
    scheme, sign, rest = url.partition("://")
    return f"{scheme}{sign}{quote(user, safe='')}@{rest}" if user else url
