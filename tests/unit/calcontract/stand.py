"""A receiver that answers whatever a test tells it to, over real connections."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from calcontract import settings
from calcontract.target import Target
from tests.unit.calcontract.makers import SECRET

EMPTY = {
    "appointments": [],
    "deliveries": [],
    "effects": [],
    "notices": [],
    "pending": 0,
    "totals": {"appointments": 0, "deliveries": 0, "effects": 0, "notices": 0},
}

_UNKNOWN = (404, b'{"error":"no state of that name"}')


def rightly_signed(headers, body, secret=SECRET):
    right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return headers.get("X-Cal-Signature-256") == right


def sound(headers, body):
    """What a sound receiver answers."""
    return 202 if rightly_signed(headers, body) else 401


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        stand = self.server.stand
        if self.path == "/states":
            told = json.loads(body)
            stand.states.append(told)
            unknown = told["state"] in stand.unknown_states
            self._send(*(_UNKNOWN if unknown else stand.states_answer))
            return
        stand.received.append((self.headers, body))
        found = stand.answer(self.headers, body)
        if found is None:
            # It hangs up without a word.
            self.close_connection = True
            return
        status, headers = found if isinstance(found, tuple) else (found, {})
        self._send(status, b'{"status":"accepted"}', headers)

    def do_GET(self):
        self.server.stand.looks.append(self.path)
        self._send(*self.server.stand.probe_answer)

    def _send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Stand:
    def __init__(self, answer=sound):
        self.answer = answer
        self.received = []
        self.looks = []
        self.states = []
        self.probe_answer = (200, json.dumps(EMPTY).encode())
        self.states_answer = (200, b'{"ok":true}')
        self.unknown_states = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.stand = self
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.origin}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self):
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def show(self, **document):
        self.probe_answer = (200, json.dumps({**EMPTY, **document}).encode())

    def target(self, *, capabilities=(), seed=1, **options):
        places = {name: f"{self.origin}/{name}" for name in capabilities}
        told = {"target": self.url, "secret": SECRET, **places, **options}
        return Target(settings.load(**told), seed=seed)


@contextlib.contextmanager
def stand(answer=sound):
    with contextlib.closing(Stand(answer)) as made:
        yield made
