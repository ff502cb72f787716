"""
Receivers of raw connections on the loopback, which play whatever a test tells them to.
"""

import contextlib
import socket
import threading


class Receiver:
    """A receiver of raw connections: each gets *play*, and what it read is kept."""

    def __init__(self, play):
        self._play = play
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._threads = []
        self.received = []
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/hook?x=1"
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            self._play(connection, self)

    def close(self):
        # shutdown, because closing alone leaves the accepting thread in its call.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._acceptor.join(5)
        for thread in self._threads:
            thread.join(5)


def read_request(connection):
    """The head and the body of one request, however it is cut."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return data, b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
    if b"transfer-encoding" in lines:
        while not body.endswith(b"0\r\n\r\n"):
            body += connection.recv(65536)
    while len(body) < int(lines.get(b"content-length", 0)):
        if not (piece := connection.recv(65536)):
            break
        body += piece
    return head, body


def answers(status=b"202 Accepted", body=b'{"status":"accepted"}', headers=()):
    """A play: read one whole request and answer it."""

    def play(connection, receiver):
        receiver.received.append(read_request(connection))
        lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *headers]
        connection.sendall(b"\r\n".join([*lines, b"", b""]) + body)

    return play
