"""The application as ASGI, without a socket."""

import asyncio
import dataclasses
import json

import pytest

from reference_impl.app import build_app
from reference_impl.settings import BadSettingsError, Settings
from tests.unit.reference_impl.bodies import a_body, signed

PATH = "/api/webhooks/calcom"


class Running:
    """An application whose inbox writes and whose deliveries wait."""

    def __init__(self, settings, **options):
        self.app = build_app(settings, working=False, **options)
        self.machine = self.app.state.machine
        #: How often the application has read of the attempt before.
        self.reads = 0

    def call(self, messages, headers=(), method="POST", path=PATH, client=("127.0.0.1", 5)):
        """What the application sends: status, headers, body; `None` when it sends nothing."""
        return asyncio.run(self._call(messages, headers, method, path, client))

    async def _call(self, messages, headers, method, path, client):
        self.machine.start(worker=False)
        sent, waiting = [], list(messages)
        self.reads = 0

        async def receive():
            self.reads += 1
            if not waiting:
                await asyncio.sleep(60)
            return waiting.pop(0)

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": list(headers),
            "client": client,
        }
        try:
            await self.app(scope, receive, send)
        finally:
            self.machine.inbox.stop()
        if not sent:
            return None
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    def post(self, body, headers=None, **options):
        messages = [{"type": "http.request", "body": body}]
        return self.call(messages, signed(body) if headers is None else headers, **options)

    def stored(self):
        with self.machine.store.read() as connection:
            query = "SELECT count(*) FROM webhook_events"
            return connection.exec_driver_sql(query).scalar()


@pytest.fixture
def run(settings):
    running = []

    def start(options=None, **changes):
        app = Running(dataclasses.replace(settings, **changes), **(options or {}))
        running.append(app)
        return app

    yield start
    for app in running:
        app.machine.store.close()


def test_a_signed_delivery_is_accepted_in_the_guides_words(run):
    app = run()
    status, headers, body = app.post(a_body())
    assert (status, body) == (202, b'{"status":"accepted"}')
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert app.stored() == 1


def test_a_redelivery_is_accepted_and_stored_once(run):
    app = run()
    assert [app.post(a_body())[0] for _ in range(3)] == [202, 202, 202]
    assert app.stored() == 1


@pytest.mark.parametrize(
    ("headers", "text"),
    [([], b"Missing signature"), ([(b"x-cal-signature-256", b"\xe9")], b"Invalid signature")],
)
def test_what_is_not_authentic_is_refused_in_the_guides_words(run, headers, text):
    app = run()
    status, answered, body = app.post(a_body(), headers)
    assert (status, body) == (401, text)
    assert answered[b"content-type"].startswith(b"text/plain")
    assert app.stored() == 0


@pytest.mark.parametrize("headers", [[], [(b"x-cal-signature-256", b"no-secret-provided")]])
def test_where_verification_is_switched_off_nothing_is_asked_of_a_signature(
    run, log_lines, headers
):
    rotating = {"secret": "", "previous_secret": "the-old-one"}
    app = run(verify_signature=False, environment="local", **rotating)
    assert app.post(a_body(), headers)[0] == 202
    # Nor is it said that one of the two secrets had signed.
    assert "Cal.com webhook secret" not in log_lines.getvalue()


@pytest.mark.parametrize("body", [b"", b"false", b"{", b'{"triggerEvent":"X","payload":{}}'])
def test_an_invalid_payload_is_refused_only_once_it_is_authentic(run, body):
    app = run()
    assert app.post(body)[::2] == (400, b'{"error":"Invalid payload"}')
    assert app.post(body, [])[0] == 401
    assert app.stored() == 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(run, method):
    status, headers, _ = run().post(a_body(), method=method)
    assert (status, headers[b"allow"]) == (405, b"POST")


def test_a_body_in_pieces_cut_inside_a_character_is_whole(run):
    body = a_body(title="Zoë 😀").replace(b"\\u00eb", "ë".encode())
    messages = [
        {"type": "http.request", "body": body[n : n + 1], "more_body": n + 1 < len(body)}
        for n in range(len(body))
    ]
    assert run().call(messages, signed(body))[0] == 202


def test_a_body_up_to_the_limit_is_taken_and_one_beyond_is_not(run):
    body = a_body()
    app = run(body_limit=len(body) - 1)
    assert app.post(body)[0] == 413
    assert app.stored() == 0
    app = run(body_limit=len(body))
    assert app.post(body)[0] == 202
    assert app.post(body, [*signed(body), (b"content-length", b"%d" % len(body))])[0] == 202


def test_a_declared_length_beyond_the_limit_is_refused_before_it_is_read(run):
    headers = [(b"content-length", b"11"), (b"expect", b"100-continue")]
    app = run(body_limit=10)
    assert app.call([{"type": "http.request", "body": b"x" * 11}], headers)[0] == 413
    # To read would be to tell the client to go ahead.
    assert app.reads == 0


@pytest.mark.parametrize(
    "field", [(b"x-number", b"999999"), (b"content-length", b"ten"), (b"content-length", b"")]
)
def test_what_declares_no_length_is_measured(run, field):
    body = a_body()
    app = run(body_limit=len(body))
    assert app.post(body, [*signed(body), field])[0] == 202


PIECE = {"type": "http.request", "body": b"x" * 20, "more_body": True}
END = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"60")]])
@pytest.mark.parametrize(
    ("messages", "reads"),
    [([PIECE, PIECE, PIECE, END, PIECE], 4), ([PIECE, PIECE, GONE, PIECE], 3)],
    ids=["whole", "broken off"],
)
def test_a_refused_body_is_read_to_its_end_so_that_the_answer_can_be(run, headers, messages, reads):
    app = run(body_limit=30)
    assert app.call(messages, headers)[0] == 413
    assert app.reads == reads


def test_a_body_that_is_too_large_at_its_end_has_nothing_more_to_be_read(run):
    app = run(body_limit=30)
    assert app.call([PIECE, {**PIECE, "more_body": False}])[0] == 413
    assert app.reads == 2


def test_a_refused_body_is_read_for_so_long_and_no_longer(run, monkeypatch):
    app = run(body_limit=30)
    monkeypatch.setattr("reference_impl.door._DRAIN_BYTES", 60)
    assert app.call([PIECE] * 10)[0] == 413
    assert app.reads == 5
    monkeypatch.setattr("reference_impl.door._DRAIN_SECONDS", 0.01)
    assert app.call([PIECE] * 3)[0] == 413


def test_a_client_that_goes_away_leaves_nothing(run):
    app = run()
    body = a_body()
    messages = [
        {"type": "http.request", "body": body[:50], "more_body": True},
        {"type": "http.disconnect"},
    ]
    assert app.call(messages, signed(body)) is None
    assert app.stored() == 0


def test_a_body_that_takes_too_long_is_given_up(run):
    app = run(body_seconds=0.01)
    messages = [{"type": "http.request", "body": b"{", "more_body": True}]
    assert app.call(messages)[0] == 408


def test_one_attempt_too_many_has_to_wait(run):
    app = run(throttle=2)
    assert [app.post(a_body())[0] for _ in range(2)] == [202, 202]
    status, headers, _ = app.post(a_body())
    assert status == 429
    assert 1 <= int(headers[b"retry-after"]) <= 60


def test_each_client_has_attempts_of_its_own_and_so_have_all_without_an_address(run):
    app = run(throttle=1)
    clients = [("192.0.2.1", 5), ("192.0.2.2", 5), None, ("192.0.2.1", 6), None]
    statuses = [app.post(a_body(), client=client)[0] for client in clients]
    assert statuses == [202, 202, 202, 429, 429]


def test_a_store_that_cannot_write_is_unavailable(run, tmp_path):
    import sqlite3

    app = run(store_seconds=0.1)
    app.machine.store.create()
    other = sqlite3.connect(tmp_path / "receiver.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    app.machine.start = lambda worker: app.machine.inbox.start()
    status, headers, _ = app.post(a_body())
    other.execute("ROLLBACK")
    other.close()
    assert (status, headers[b"retry-after"]) == (503, b"5")
    assert app.post(a_body())[0] == 202


def test_an_error_of_ours_is_answered_and_not_quoted(run, log_lines):
    app = run()
    app.machine.receiver.read = lambda body: 1 / 0
    status, _, body = app.post(a_body())
    assert (status, body) == (500, b'{"error":"Server error"}')
    assert "ZeroDivisionError" in log_lines.getvalue()


def test_any_content_type_will_do(run):
    body = a_body()
    headers = [*signed(body), (b"content-type", b"application/x-www-form-urlencoded")]
    assert run().post(body, headers)[0] == 202


@pytest.mark.parametrize("path", ["/", PATH + "/", "/_testing/probe", "/_testing/states"])
def test_no_other_path_exists(run, path):
    assert run().post(a_body(), path=path)[0] == 404


def test_the_testing_paths_exist_only_when_asked_for(run):
    app = run(options={"testing": True})
    assert app.call([], method="GET", path="/_testing/probe")[0] == 200
    assert app.post(b'{"state":"reset"}', path="/_testing/states")[0] == 200


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"state":"reset","params":[1]}', 400),
        (b'{"state":"no such state"}', 404),
        (b'{"state":5}', 404),
        (b'{"state":"appointment exists","params":{}}', 400),
        (b'{"state":"appointment exists","params":{"id":"1","startTime":"soon"}}', 400),
        (b'{"state":"processing fails","params":{"uid":"u","times":"two"}}', 400),
        (b'{"state":"processing is slow","params":{"uid":"u","seconds":-1}}', 400),
        (b'{"state":"clock advances","params":{"seconds":"60"}}', 400),
        (b'{"state":"clock advances","params":{"seconds":60}}', 200),
        (b'{"state":"processing is slow","params":{"uid":"u","seconds":0}}', 200),
        (b'{"state":"processing fails","params":{"uid":"u","times":-1}}', 200),
        (b'{"state":"worker pauses","params":{}}', 200),
        (b'{"state":"worker resumes"}', 200),
        (b'{"state":"appointment exists","params":{"id":"12345"}}', 200),
    ],
)
def test_provider_states_say_what_is_wrong_with_them(run, document, status):
    app = run(options={"testing": True})
    app.machine.store.create()
    answered, _, body = app.post(document, path="/_testing/states")
    assert answered == status
    assert ("error" in json.loads(body)) == (status != 200)


def test_unsafe_settings_serve_nothing():
    with pytest.raises(BadSettingsError):
        build_app(Settings())


def test_bodies_that_never_end_do_not_fill_the_memory(settings, monkeypatch):
    monkeypatch.setattr("reference_impl.door._HELD_BYTES", 1000)
    running = Running(settings)
    begun = {"type": "http.request", "body": b"x" * 600, "more_body": True}
    status, headers, _ = running.call([begun, begun, begun])
    assert (status, b"retry-after" in headers) == (503, True)
    # What was held is let go of: the next one is taken, and so is a whole body of that size.
    assert running.post(a_body()[:-1] + b" " * 2000 + b"}")[0] == 202
