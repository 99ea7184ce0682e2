"""Forms by the client of the HTTP library, which knows proxies of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import httpx2

from weighbridge.core.form_client import (
    AnswerLate,
    AnswerLost,
    FormResponse,
    NotConnected,
    NotConnectedInTime,
)


class ProxiedForms:
    """A ``FormClient`` that closes ``client`` with itself."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> FormResponse:
        """Post a form once. Raises CallFailed."""
        try:
            answer = self._client.post(url, data=form, headers=headers)
        except (httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise NotConnectedInTime.because(error) from error
        except httpx2.TimeoutException as error:
            raise AnswerLate.because(error) from error
        except (httpx2.ConnectError, httpx2.ProxyError, httpx2.UnsupportedProtocol) as error:
            raise NotConnected.because(error) from error
        except httpx2.RequestError as error:
            raise AnswerLost.because(error) from error
        return FormResponse(answer.status_code, dict(answer.headers), answer.content)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
