import asyncio
import base64
import dataclasses
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import markupsafe
import pytest

from reference_impl import instants
from reference_impl.app import build_app
from reference_impl.pruning import Pruning
from reference_impl.settings import BadSettingsError
from reference_impl.upkeep import DoneAlreadyError, Upkeep
from tests.unit.reference_impl.bodies import FixedClock, a_body

DATABASES = ("sqlite", "postgresql")

PASSWORD = "a-password-of-the-unit-tests"
HOME = "/admin/webhooks"


def basic(password, user="admin", scheme="Basic"):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"{scheme} {pair}".encode()


ADMIN = basic(PASSWORD)


class Browser:
    """Asks an application for pages."""

    def __init__(self, application):
        self.application = application
        self.machine = application.state.machine

    def __call__(self, path, form=None, authorization=ADMIN, method=None):
        """The status, the headers and the text of an answer; with *form* to a POST."""
        path, _, query = path.partition("?")
        headers = [] if authorization is None else [(b"authorization", authorization)]
        scope = {
            "type": "http",
            "method": method or ("GET" if form is None else "POST"),
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "client": ("192.0.2.7", 50_000),
        }
        sent = []

        async def receive():
            return {"type": "http.request", "body": (form or "").encode()}

        async def send(message):
            sent.append(message)

        asyncio.run(self.application(scope, receive, send))
        headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], headers, sent[1].get("body", b"").decode()


@pytest.fixture
def browse(settings):
    changed = dataclasses.replace(settings, admin_password=PASSWORD)
    application = build_app(changed, working=False, clock=FixedClock)
    application.state.machine.store.create()
    yield Browser(application)
    application.state.machine.store.close()


def done(machine, *args, **kwargs):
    body = a_body(*args, **kwargs)
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    while machine.worker.step():
        pass


def form(page):
    """The form on a page that asks, as it is sent."""
    return "&".join(
        f"{name}={value}" for name, value in re.findall(r'name="(\w+)" value="(\w+)"', page)
    )


def state(browse, number=1):
    return re.search(r'class="state (\w+)"', browse(f"{HOME}/{number}")[2])[1]


# --- who may ----------------------------------------------------------------------------------


def test_without_a_password_there_is_none(settings):
    application = build_app(settings, working=False)
    assert not [route for route in application.routes if route.path.startswith("/admin")]
    application.state.machine.store.close()


@pytest.mark.parametrize(
    "shown",
    [
        None,
        b"",
        b"Basic",
        b"Basic ???",
        b"Basic \xff",
        basic(""),
        basic("wrong"),
        basic(PASSWORD[:-1]),
        basic(f"x:{PASSWORD}"),
        basic(PASSWORD, scheme="Bearer"),
        PASSWORD.encode(),
    ],
)
@pytest.mark.parametrize(
    "path", [HOME, f"{HOME}/style.css", f"{HOME}/1", f"{HOME}/1/replay", f"{HOME}/x", f"{HOME}/"]
)
def test_nobody_else_sees_anything(browse, path, shown):
    done(browse.machine)
    status, headers, text = browse(path, authorization=shown)
    assert (status, text) == (401, "Unauthorized")
    assert headers["www-authenticate"].startswith("Basic realm=")
    assert browse(f"{HOME}/1/replay", "token=x", shown)[0] == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_nobody_elses_either(browse, method):
    for path in (HOME, f"{HOME}/x", f"{HOME}/1"):
        assert browse(path, authorization=None, method=method)[::2] == (401, "Unauthorized")
        assert browse(path, method=method)[0] == 404


def test_guesses_are_logged_without_what_was_guessed(browse, log_lines):
    browse(HOME, authorization=None)
    browse(HOME)
    assert "Dashboard refused" not in log_lines.getvalue()
    guess = basic("a-guess")
    browse(HOME, authorization=guess)
    assert log_lines.getvalue().count("Dashboard refused") == 1
    assert guess.decode().removeprefix("Basic ") not in log_lines.getvalue()
    # Whoever keeps guesses out has to know where they come from.
    assert '"client":"192.0.2.7","event":"Dashboard refused"' in log_lines.getvalue()


def test_a_password_that_can_be_guessed_is_refused(settings):
    with pytest.raises(BadSettingsError, match="16 characters or more") as problem:
        dataclasses.replace(settings, admin_password="hunter2").check()
    assert "hunter2" not in str(problem.value)


# --- pages ------------------------------------------------------------------------------------


def test_every_page_allows_nothing_from_elsewhere_and_no_script(browse):
    done(browse.machine, startTime="soon")
    paths = ("", "?live", "?booking=uid-1", "/1", "/1/replay", "/1/discard", "/7", "/1/nonsense")
    for path in (*paths, "/style.css"):
        _, headers, text = browse(HOME + path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        for word in ("<script", "javascript:", " style=", "http://", "https://", "@import"):
            assert word not in text
        assert re.search(r"<[^>]*\son\w+=", text) is None


def test_the_overview_counts(browse):
    done(browse.machine)
    done(browse.machine, "BOOKING_CANCELLED", "uid-2", startTime="soon")
    body = a_body("BOOKING_REQUESTED", "uid-3")
    machine = browse.machine
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    machine.clock.advance(75)
    status, _, text = browse(HOME)
    assert status == 200
    figures = dict(re.findall(r"<dt>([\w, ]+)</dt><dd>(\d+)</dd>", text))
    assert figures == {
        "waiting, high": "0",
        "waiting, medium": "1",
        "waiting, low": "0",
        "processing": "0",
        "oldest due, seconds": "75",
        "dead letters": "1",
    }
    for trigger in ("BOOKING_CREATED", "BOOKING_CANCELLED", "BOOKING_REQUESTED"):
        assert f'<th scope="row">{trigger}</th>' in text


def test_an_empty_store_has_an_overview(browse):
    status, _, text = browse(HOME)
    assert status == 200
    assert "Nothing has come yet." in text
    assert "refresh" in text
    assert 'http-equiv="refresh"' not in text
    assert 'http-equiv="refresh"' in browse(f"{HOME}?live")[2]


def test_a_booking_is_found_by_its_uid_and_its_number(browse):
    done(browse.machine)
    done(browse.machine, "BOOKING_CANCELLED", minute=1)
    done(browse.machine, uid="another")
    text = browse(f"{HOME}?booking=uid-1")[2]
    assert text.count(f'href="{HOME}/') == 3  # its two deliveries, and the style sheet
    done(browse.machine, uid="uid-4", bookingId=4711)
    # What comes without the number is found by it all the same.
    done(browse.machine, "BOOKING_CANCELLED", uid="uid-4", minute=1, bookingId=...)
    assert browse(f"{HOME}?booking=4711")[2].count('data-name="Trigger"') == 2
    assert "No delivery is about this booking." in browse(f"{HOME}?booking=nobody")[2]


def test_an_event_is_shown_with_its_history(browse):
    done(browse.machine, oneTimePassword="opens-a-door")
    status, _, text = browse(f"{HOME}/1")
    assert status == 200
    for words in ("BOOKING_CREATED", "effect on the booking: created", "guest@client.example"):
        assert words in text
    assert "opens-a-door" not in text


def test_a_dead_letter_says_why_and_who_was_told(browse):
    done(browse.machine, startTime="soon")
    assert "dead letter: payload.startTime" in browse(f"{HOME}/1")[2]
    assert "administrators told" not in browse(f"{HOME}/1")[2]
    browse.machine.notifier.deliver = lambda *_: True
    browse.machine.notifier.send()
    assert "administrators told" in browse(f"{HOME}/1")[2]


@pytest.mark.parametrize(
    "path",
    ["/2", f"/{'9' * 40}", "/1/nonsense", "/1/find", "/x", "/", "//", "/x/y/z", "/1/replay/2"],
)
def test_what_is_not_there_is_not_found(browse, path):
    done(browse.machine)
    status, headers, text = browse(HOME + path)
    assert status == 404
    assert headers["content-type"].startswith("text/html")
    assert f'href="{HOME}">Back to the overview</a>' in text
    assert "<h1>Not found</h1>" in text


@pytest.mark.parametrize(
    "nasty", ["<script>alert(1)</script>", '"><img src=x onerror=y>', "{{7*7}}"]
)
def test_what_a_sender_chose_is_text(browse, nasty):
    done(browse.machine, nasty, nasty, title=nasty)
    from urllib.parse import quote

    for path in (HOME, f"{HOME}/1", f"{HOME}?booking={quote(nasty)}"):
        status, _, text = browse(path)
        assert status == 200
        assert "<script" not in text
        assert "<img" not in text
        assert str(markupsafe.escape(nasty)) in text


# --- actions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "after"), [("replay", "waiting"), ("discard", "discarded")])
def test_a_dead_letter_is_handled_after_asking(browse, log_lines, action, after):
    done(browse.machine, startTime="soon")
    asked = browse(f"{HOME}/1/{action}")
    assert asked[0] == 200
    assert state(browse) == "dead"
    status, headers, _ = browse(f"{HOME}/1/{action}", form(asked[2]))
    assert (status, headers["location"]) == (303, f"{HOME}/1")
    assert state(browse) == after
    assert f"Delivery {action}ed by hand" in log_lines.getvalue()


def test_a_form_without_its_own_token_does_nothing(browse):
    done(browse.machine, startTime="soon")
    done(browse.machine, uid="b", startTime="soon")
    mine = form(browse(f"{HOME}/1/discard")[2])
    token = mine.partition("token=")[2]
    for path, sent in (
        ("/1/discard", ""),
        ("/1/discard", "token="),
        ("/1/discard", "seen=0&token=zo\xeb"),
        ("/1/discard", f"token={token}"),
        ("/1/discard", f"{mine}x"),
        *(("/1/discard", f"seen={seen}&token={token}") for seen in ("1", "-0", "x", "9" * 19)),
        ("/1/replay", mine),
        ("/2/discard", mine),
    ):
        assert browse(HOME + path, sent)[0] == 403
    browse.machine.clock.advance(2 * 86_400)
    assert browse(f"{HOME}/1/discard", mine)[0] == 403
    assert (state(browse, 1), state(browse, 2)) == ("dead", "dead")


def test_a_form_far_too_large_is_not_read(browse):
    done(browse.machine)
    assert browse(f"{HOME}/1/replay", "token=" + "x" * 5000)[0] == 413


def test_what_makes_no_sense_is_not_offered(browse):
    done(browse.machine)
    assert "discard" not in browse(f"{HOME}/1")[2]
    asked = browse(f"{HOME}/1/discard")
    assert asked[0] == 409
    assert "is not to be discarded" in asked[2]


def work_off(machine):
    machine.clock.advance(1)
    while machine.worker.step():
        pass


def test_what_changed_meanwhile_is_said(browse):
    done(browse.machine, startTime="soon")
    replay, discard = (form(browse(f"{HOME}/1/{action}")[2]) for action in ("replay", "discard"))
    assert browse(f"{HOME}/1/replay", replay)[0] == 303
    # Dead once more, of which the other form knows nothing.
    work_off(browse.machine)
    status, _, text = browse(f"{HOME}/1/discard", discard)
    assert status == 409
    assert "was replayed meanwhile" in text
    assert state(browse) == "dead"


@pytest.mark.parametrize(("action", "after"), [("replay", "done"), ("discard", "discarded")])
def test_a_form_that_is_sent_twice_does_it_once(browse, log_lines, action, after):
    done(browse.machine, **({} if action == "replay" else {"startTime": "soon"}))
    sent = form(browse(f"{HOME}/1/{action}")[2])
    for _ in range(3):
        status, headers, _ = browse(f"{HOME}/1/{action}", sent)
        assert (status, headers["location"]) == (303, f"{HOME}/1")
        work_off(browse.machine)
        assert state(browse) == after
    assert browse(f"{HOME}/1")[2].count(f"</time> {action}ed") == 1
    assert log_lines.getvalue().count(f"Delivery {action}ed by hand") == 1
    # Whoever asks again is asked again.
    again = form(browse(f"{HOME}/1/replay")[2])
    assert browse(f"{HOME}/1/replay", again)[0] == 303
    assert state(browse) == "waiting"


def test_of_a_form_that_is_sent_twice_at_once_one_does_it(browse):
    done(browse.machine)
    settings, store = browse.machine.settings, browse.machine.store
    barrier = threading.Barrier(4)

    def replay(_):
        upkeep = Upkeep(settings, store, browse.machine.clock.now())
        barrier.wait(10)
        try:
            upkeep.replay("1", seen=0)
        except DoneAlreadyError:
            return "already"
        return "done"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(replay, range(4))) == ["already"] * 3 + ["done"]
    assert browse(f"{HOME}/1")[2].count("</time> replayed") == 1


def test_a_pruned_delivery_says_so_and_is_not_replayed(browse):
    done(browse.machine)
    day = f"{instants.to_datetime(browse.machine.clock.now()):%Y-%m-%d}"
    made = form(browse(f"{HOME}/1/replay")[2])
    far = browse.machine.clock.now() + 1
    Pruning(browse.machine.store, pause=lambda _: None).prune(before=far)
    why = f"delivery 1 was over on {day} and its payload was pruned since, so it cannot be replayed"
    assert f"There is none: {why}." in browse(f"{HOME}/1")[2]
    # Asked for by a bookmark, and by a form that was made before.
    for sent in ((), (made,)):
        status, _, text = browse(f"{HOME}/1/replay", *sent)
        assert (status, f"Not replayed: {why}." in text) == (409, True)


def test_the_webhook_id_of_a_log_line_leads_to_its_delivery(browse, log_lines):
    done(browse.machine, "PING")
    lines = map(json.loads, log_lines.getvalue().splitlines())
    (id_,) = [line["webhookId"] for line in lines if line["event"] == "Cal.com ping received"]
    status, headers, _ = browse(f"{HOME}?booking={id_}")
    assert (status, headers["location"]) == (303, f"{HOME}/1")


@pytest.mark.parametrize("name", ["%00", "a%00b", "%ff%fe"])
def test_a_name_that_no_store_takes_is_nobodys(browse, name):
    done(browse.machine)
    status, _, text = browse(f"{HOME}?booking={name}")
    assert status == 200
    assert "uid-1" not in text


def test_a_store_in_trouble_is_a_page_that_says_so(browse, monkeypatch, log_lines):
    from sqlalchemy.exc import OperationalError

    def fail():
        raise OperationalError("SELECT", None, Exception("hunter2"))

    monkeypatch.setattr(browse.machine.store, "read", fail)
    for path in (HOME, f"{HOME}/1", f"{HOME}?booking=x"):
        status, headers, text = browse(path)
        assert status == 503
        assert "The store cannot be used now" in text
        assert "default-src 'none'" in headers["content-security-policy"]
    assert "Dashboard without the store" in log_lines.getvalue()
    assert "hunter2" not in log_lines.getvalue()


@pytest.mark.parametrize("notify", [(), ("json://127.0.0.1:1",)])
def test_untold_letters_are_shown_where_somebody_is_to_be_told(settings, notify):
    changed = dataclasses.replace(settings, admin_password=PASSWORD, notify=notify)
    application = build_app(changed, working=False, clock=FixedClock)
    machine = application.state.machine
    machine.store.create()
    machine.notifier.tell = lambda: None
    body = a_body(startTime="soon")
    machine.inbox.write([machine.receiver.entry(machine.receiver.read(body), body)])
    assert machine.worker.step()
    text = Browser(application)(HOME)[2]
    assert ("notices not sent" in text) == bool(notify)
    machine.store.close()
