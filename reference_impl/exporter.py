"""
The exporter: `/metrics` on an address of its own, for Prometheus, and the process's health there.

On a thread beside the server of deliveries, so that a scrape holds no attempt up.  Whoever reads
metrics shows the bearer token, if the operator set one; health says yes or no, to anybody.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, cast
from wsgiref.simple_server import ServerHandler, WSGIRequestHandler, WSGIServer

from prometheus_client import make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from reference_impl.health import HEADERS, LIVE_PATH, LIVES, MEDIA_TYPE, READY_PATH
from reference_impl.listening import listen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client import CollectorRegistry

    from reference_impl.health import Health, Said

_Start = Callable[..., Any]
_Page = Callable[[dict[str, Any], _Start], Iterable[bytes]]

METRICS_PATH = "/metrics"

#: The longest request line that is read, in bytes.
_LONGEST_LINE = 65536

#: Seconds a reader has to say what it wants and to take it.
_READER_SECONDS = 10


class Exporter:
    """Serves the metrics in *registry*, and *health*, on *host* and *port*."""

    def __init__(
        self, registry: CollectorRegistry, host: str, port: int, token: str, health: Health
    ) -> None:
        metrics = _guarded(make_wsgi_app(registry), token.strip())
        self._application = _routed(
            {
                METRICS_PATH: metrics,
                LIVE_PATH: _saying(lambda: LIVES),
                READY_PATH: _saying(health.readiness),
            }
        )
        self._host = host
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; 0 while it does not."""
        return 0 if self._server is None else int(self._server.server_port)

    def open(self) -> None:
        """
        Listen, if it does not yet.

        Raises:
            CannotListenError: if the address is in use or not ours.
        """
        if self._server is None:
            self._server = _Server(self._host, self._port)
            self._server.set_app(self._application)

    def start(self) -> None:
        """
        Listen and answer.

        Raises:
            CannotListenError: if the address is in use or not ours.
        """
        self.open()
        assert self._server is not None
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="metrics", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer no more."""
        if self._server is None:
            return
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._server = None


class _Answers(ServerHandler):
    #: Nobody needs to know which server this is, and in which version.
    server_software = cast("str", None)
    request_handler: WSGIRequestHandler


class _Handler(WSGIRequestHandler):
    timeout = _READER_SECONDS
    server: WSGIServer

    def handle(self) -> None:
        """Answer one request, as the library does but for what it tells of itself."""
        self.raw_requestline = self.rfile.readline(_LONGEST_LINE + 1)
        if len(self.raw_requestline) > _LONGEST_LINE:
            # What it would repeat of the request had it been read.
            self.requestline = self.request_version = self.command = ""
            self.send_error(HTTPStatus.REQUEST_URI_TOO_LONG)
            return
        if not self.parse_request():
            return
        environ, errors = self.get_environ(), self.get_stderr()
        answers = _Answers(self.rfile, cast("IO[bytes]", self.wfile), errors, environ)
        answers.request_handler = self
        answers.run(cast("Any", self.server.get_app()))

    def send_header(self, keyword: str, value: str) -> None:
        """Send a header, of an error that the library answers by itself, but for its own name."""
        if keyword != "Server":
            super().send_header(keyword, value)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it overrides
        """Log nothing: a scrape every few seconds is no news, and a stranger's line is worse."""


class _Server(ThreadingWSGIServer):
    def __init__(self, host: str, port: int) -> None:
        super().__init__((host, port), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listen(host, port)
        # `server_bind` would ask a name server for what is not needed.
        self.server_name, self.server_port = host, self.socket.getsockname()[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that went away is no trouble of ours, and is not printed."""


def _routed(pages: Mapping[str, _Page]) -> _Page:
    """Each of *pages* at its path, and nothing elsewhere."""

    def route(environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        page = pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            start("404 Not Found", [("Content-Length", "0")])
            return [b""]
        return page(environ, start)

    return route


def _guarded(page: Any, token: str) -> _Page:
    """*page* for those who show *token* only."""
    wanted = f"Bearer {token}".encode("utf-8", "surrogateescape")

    def guard(environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if token and not hmac.compare_digest(given, wanted):
            start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Length", "0")])
            return [b""]
        return cast("Iterable[bytes]", page(environ, start))

    return guard


def _saying(look: Callable[[], Said]) -> _Page:
    """A page that says what *look* finds."""

    def say(_environ: dict[str, Any], start: _Start) -> Iterable[bytes]:
        said = look()
        status = HTTPStatus(said.status)
        length = str(len(said.body))
        fields = [("Content-Type", MEDIA_TYPE), ("Content-Length", length), *HEADERS]
        start(f"{status.value} {status.phrase}", fields)
        return [said.body]

    return say
