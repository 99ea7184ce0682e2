"""A CONNECT proxy that leads every host to the sandbox, whatever its name."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from contextlib import closing


class Proxy(socketserver.ThreadingTCPServer):
    """Remembers which hosts were asked for. Also a context manager."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, sandbox: str) -> None:
        host, _, port = sandbox.rpartition("/")[2].rpartition(":")
        self.sandbox = (host, int(port))
        self.hosts: list[str] = []
        super().__init__(("127.0.0.1", 0), Tunnel)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no error."""


class Tunnel(socketserver.StreamRequestHandler):
    """One CONNECT, and then bytes in both directions until a side closes."""

    server: Proxy
    timeout = 60

    def handle(self) -> None:
        method, target, _ = self.rfile.readline().decode("latin-1").split()
        while self.rfile.readline().strip():
            pass
        self.server.hosts.append(target)
        if method != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        with closing(socket.create_connection(self.server.sandbox, timeout=10)) as inside:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _carry(self.connection, inside)


def _carry(outside: socket.socket, inside: socket.socket) -> None:
    other = {outside: inside, inside: outside}
    while True:
        ready, _, _ = select.select([outside, inside], [], [], 60)
        for side in ready:
            piece = side.recv(65536)
            if not piece:
                return
            other[side].sendall(piece)
        if not ready:
            return
