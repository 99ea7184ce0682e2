"""What an encrypted connection to a broker trusts, and what it shows."""

from __future__ import annotations

import ssl

from weighbridge.core.errors import ConfigProblem
from weighbridge.targets.mqtt.broker_access import Access


def tls_context(access: Access) -> ssl.SSLContext:
    """With the system's authorities, or those of ``ca_file``.

    Raises ConfigProblem for files that cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=access.ca_file)
    except OSError as error:  # an ssl.SSLError is one, too
        raise ConfigProblem(code="mqtt.authority", path=str(access.ca_file)) from error
    if access.client_certificate is not None:
        _show_certificate(context, access)
    context.sslsocket_class = _Socket
    return context


class _Socket(ssl.SSLSocket):
    """paho forgets a socket whose handshake failed and leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _show_certificate(context: ssl.SSLContext, access: Access) -> None:
    assert access.client_certificate is not None
    try:
        # Without a password given here, OpenSSL would ask for one at the terminal.
        context.load_cert_chain(access.client_certificate, access.client_key, password="")
    except OSError as error:
        names = " and ".join(
            str(file) for file in (access.client_certificate, access.client_key) if file
        )
        raise ConfigProblem(code="mqtt.certificate", path=names) from error
