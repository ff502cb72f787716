"""
Small receivers on the loopback, sound or wrong in one way.

`answer` is what makes each of them: from (signed, body) to a status and perhaps a delay.
"""

import contextlib
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "a shared secret"
HEADER = "X-Cal-Signature-256"


def sound(signed, body):
    """The guide's judgement: signature first, then the envelope."""
    if not signed:
        return 401
    try:
        envelope = json.loads(body)
    except (ValueError, RecursionError):
        return 400
    if not isinstance(envelope, dict) or not envelope.get("triggerEvent"):
        return 400
    return 202 if isinstance(envelope.get("payload"), dict) else 400


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        right = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        signed = self.headers.get(HEADER, "").encode() == right.encode()
        self.server.bodies.append(body)
        answer = self.server.answer(signed, body)
        status, delay = answer if isinstance(answer, tuple) else (answer, 0)
        time.sleep(delay)
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "1")
        if 300 <= status < 400:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        """The probe: nothing but how many appointments there are."""
        totals = {"appointments": len(self.server.appointments), "effects": 0}
        empty = {"appointments": [], "deliveries": [], "effects": [], "notices": [], "pending": 0}
        body = json.dumps({**empty, "totals": totals}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silence: the test speaks for itself."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A hanging answer must not hold the test's end.
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, *_):
        """Silence: clients that go away are part of the tests."""


@contextlib.contextmanager
def receiver(answer=sound):
    """A receiver that answers as told; gives its URL, and the bodies it got as `.bodies`."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer = answer
    server.bodies = []
    server.appointments = []
    server.url = f"http://127.0.0.1:{server.server_port}/api/webhooks/calcom"
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    ).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
