"""The consent page: who of the household lets the application read.

Source: docs/reference/withings-api.md#consent.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode, urlsplit

from weighbridge_sandbox.messages import Response
from weighbridge_sandbox.withings.household import Profile
from weighbridge_sandbox.withings.notify import is_allowed
from weighbridge_sandbox.withings.tokens import Tokens

SCOPES = frozenset({"user.info", "user.metrics", "user.activity", "user.sleepevents"})


def ask_consent(params: dict[str, str], profiles: Iterable[Profile], tokens: Tokens) -> Response:
    """A page with a link for each person. ``profile=NAME`` chooses at once, ``refuse=1`` refuses:
    both redirect back, as following a link does."""
    complaint = find_mistake(params, tokens.client_id)
    if complaint:
        return Response.of_html(f"<!doctype html><h1>Error</h1><p>{escape(complaint)}</p>", 400)
    redirect_uri, state = params["redirect_uri"], params["state"]
    if params.get("refuse"):
        return _redirect(redirect_uri, error="access_denied", state=state)
    people = {profile.name: profile for profile in profiles}
    if "profile" not in params:
        return Response.of_html(_page(params, people))
    person = people.get(params["profile"])
    if person is None:
        return Response.of_html(
            f"<!doctype html><p>Nobody here is {escape(params['profile'])}.", 404
        )
    code = tokens.issue_code(person.userid, params["scope"], redirect_uri)
    return _redirect(redirect_uri, code=code, state=state)


def find_mistake(params: dict[str, str], client_id: str) -> str:
    """What is wrong with the request, as a sentence; empty when all is well."""
    scopes = set(params.get("scope", "").split(","))
    allowed = is_allowed(params.get("redirect_uri", ""))
    wrong = {
        "response_type must be code.": params.get("response_type") != "code",
        "client_id is unknown here.": params.get("client_id") != client_id,
        f"scope must be a comma-separated list of {', '.join(sorted(SCOPES))}.": scopes - SCOPES,
        "state is missing.": not params.get("state"),
        "redirect_uri must be https, or http on this machine.": not allowed,
    }
    return " ".join(sentence for sentence, is_so in wrong.items() if is_so)


def _page(params: dict[str, str], people: Iterable[str]) -> str:
    def link(text: str, **choice: str) -> str:
        return f'<li><a href="?{escape(urlencode({**params, **choice}))}">{escape(text)}</a></li>'

    rows = "".join(link(name, profile=name) for name in people)
    return (
        '<!doctype html><html lang="en"><title>Sandbox: who are you?</title>'
        "<h1>Whose measurements may be read?</h1>"
        "<p>This is the sandbox. Nobody here is real.</p>"
        f"<ul>{rows}{link('Nobody: refuse', refuse='1')}</ul></html>"
    )


def _redirect(uri: str, **fields: str) -> Response:
    joint = "&" if urlsplit(uri).query else "?"
    return Response(302, {"Location": f"{uri}{joint}{urlencode(fields)}"})
