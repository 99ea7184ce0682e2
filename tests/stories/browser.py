"""What a person does in a browser, as functions; as a script it follows the link it is given.

    python browser.py PROFILE LINK

The script opens the consent page of the sandbox, chooses a profile and follows where that leads.
"""

from __future__ import annotations

import html
import re
import sys
import urllib.request
from http.cookiejar import CookieJar
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin


class Browser:
    """Keeps cookies and follows redirects, except out of reach."""

    def __init__(self) -> None:
        self._open = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(CookieJar()),
        ).open

    def get(self, url: str, form: dict[str, str] | None = None) -> tuple[str, str]:
        """Where it ended, and the page. An error page is a page as well."""
        data = urlencode(form).encode() if form else None
        try:
            with self._open(url, data, timeout=20) as answer:
                return answer.url, answer.read().decode()
        except HTTPError as answer:
            return answer.url, answer.read().decode()

    def choose(self, link: str, profile: str) -> str:
        """Open the consent page and choose somebody; the page that follows."""
        _, page = self.get(link)
        return self.get(urljoin(link, choice(page, profile)))[1]

    def sign_in_at_garmin(self, link: str, email: str, password: str) -> str:
        """Fill in the form; the address at which it ends, with the ticket."""
        _, page = self.get(link)
        token = re.findall(r'name="_csrf" value="(\w+)"', page)[0]
        form = {"username": email, "password": password, "embed": "true", "_csrf": token}
        _, page = self.get(link, form)
        return self.get(urljoin(link, re.findall(r'href="([^"]+)"', page)[0]))[0]


def choice(page: str, profile: str) -> str:
    """The link behind a name on the consent page."""
    return html.unescape(re.findall(rf'href="([^"]+)">{profile}', page)[0])


if __name__ == "__main__":
    Browser().choose(sys.argv[2], sys.argv[1])
