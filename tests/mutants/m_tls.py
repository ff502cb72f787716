"""Receivers that speak https, and something else beside it."""

from __future__ import annotations

import dataclasses
import socket
import socketserver
import ssl
import threading

from gallery import breaks

from reference_impl import serving
from reference_impl.listening import listen
from reference_impl.settings import Settings

#: The first byte of a TLS connection (RFC 8446 section 5.1: a record of type handshake).
_HANDSHAKE = b"\x16"

_CHUNK = 65536


def _pour(source, sink):
    """Copy what *source* says to *sink* until one of them has had enough."""
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class _Inner(socket.socket):
    """A socket behind another one, which is the one to be told of."""

    def getsockname(self):
        return self.shown


def _in_front(host, port):
    """What the server listens on behind a front that lets plain http in as well."""
    inner = listen(host, 0)
    address = inner.getsockname()

    class Front(socketserver.BaseRequestHandler):
        def handle(self):
            behind = socket.create_connection(address)
            if self.request.recv(1, socket.MSG_PEEK) != _HANDSHAKE:
                trusting = ssl.create_default_context()
                trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
                behind = trusting.wrap_socket(behind)
            with behind:
                back = threading.Thread(target=_pour, args=(behind, self.request), daemon=True)
                back.start()
                _pour(self.request, behind)
                back.join()

    class Fronts(socketserver.ThreadingTCPServer):
        allow_reuse_address = daemon_threads = True
        request_queue_size = 128

    fronts = Fronts((host, port), Front)
    threading.Thread(target=fronts.serve_forever, daemon=True).start()
    shown = _Inner(fileno=inner.detach())
    shown.shown = fronts.server_address
    return shown


@breaks(
    "net-016",
    part="settings",
    reasons={"status-202"},
    tls="trusted",
    arguments=("-m", "net-015 or net-016 or ack-001"),
)
@dataclasses.dataclass(frozen=True)
class TakesPlainHttpAsWell(Settings):
    """Lets plain http in at the port of its https."""

    def check(self):
        serving.listen = _in_front
        return super().check()
