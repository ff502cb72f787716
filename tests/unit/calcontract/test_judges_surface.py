"""What an answer may look like, and what a throttle may do."""

from __future__ import annotations

import pytest

from calcontract.errors import Inconclusive, NotApplicable, Violation
from calcontract.judges import effects, surface, throttling
from tests.unit.calcontract.makers import a_look, an_appointment, an_attempt, reason
from tests.unit.calcontract.makers import effects as told


def said(body, kind="application/json", **headers):
    return an_attempt(400, body, headers={"content-type": kind, **headers})


@pytest.mark.parametrize("status", [202, 302, 400, 401, 413, 499, 501])
def test_whatever_is_definite_gets_over_it(status):
    assert reason(surface.gets_over, an_attempt(status), 30) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failure_does_not_get_over_it(status):
    assert reason(surface.gets_over, an_attempt(status), 30) == f"status-{status}"


def test_a_closed_connection_gets_over_it_and_silence_does_not():
    assert reason(surface.gets_over, an_attempt(None, problem="reset"), 30) is None
    assert reason(surface.gets_over, an_attempt(None, problem="timeout"), 30) == "no-answer-timeout"
    assert reason(surface.gets_over, an_attempt(202, seconds=30), 30) is None
    for late in (an_attempt(202, seconds=31), an_attempt(None, problem="reset", seconds=31)):
        assert reason(surface.gets_over, late, 30) == "too-late"


def test_a_refusal_and_a_closed_connection_turn_away():
    assert reason(surface.turned_away, an_attempt(431)) is None
    assert reason(surface.turned_away, an_attempt(None, problem="reset")) is None
    assert reason(surface.turned_away, an_attempt(202)) == "status-202"
    assert reason(surface.turned_away, an_attempt(500)) == "status-500"


@pytest.mark.parametrize(
    ("attempt", "found"),
    [
        (an_attempt(202), "status-202"),
        (an_attempt(200), "status-200"),
        (an_attempt(302), None),
        (an_attempt(401), None),
        (an_attempt(500), None),
        (an_attempt(None), None),
    ],
)
def test_only_a_2xx_is_an_acknowledgement(attempt, found):
    assert reason(surface.not_acknowledged, attempt) == found


def test_one_refusal_says_how_to_send_it_instead():
    assert reason(surface.taken_or, an_attempt(411), 411) is None
    assert reason(surface.taken_or, an_attempt(202), 411) is None
    assert reason(surface.taken_or, an_attempt(401), 411) == "status-401"


@pytest.mark.parametrize(
    ("elsewhere", "at_home", "found"),
    [
        (404, 400, None),
        (202, 202, None),
        (202, 400, "status-202"),
        (200, 422, "status-200"),
        (202, 499, "status-202"),
        # Who fails at it has not refused it, and is told so by another clause.
        (202, 500, None),
    ],
)
def test_what_is_acknowledged_elsewhere_is_not_refused_at_home(elsewhere, at_home, found):
    judged = reason(surface.acknowledged_alike, an_attempt(elsewhere), an_attempt(at_home))
    assert judged == found


@pytest.mark.parametrize("silent", [an_attempt(None), an_attempt(429)])
def test_who_says_nothing_at_home_is_not_compared(silent):
    with pytest.raises(Inconclusive):
        surface.acknowledged_alike(an_attempt(202), silent)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"status":"accepted"}', None),
        (b"OK", None),
        (b"<p>accepted</p>", None),
        (b"<!DOCTYPE html><title>Sign in</title>", "page"),
        (b"\n<HTML lang=en>", "page"),
        (b"<form action=/login>", "page"),
    ],
)
def test_a_page_is_told_from_a_few_words(body, found):
    assert reason(surface.no_page, said(body, "text/html")) == found


INSIDES = [
    b'Traceback (most recent call last):\n  File "x.py", line 3, in f',
    b'{"stack":"TypeError: x\n    at handler (webpack:///route.js:10:5)"}',
    b"#0 [internal function]: handle()\n#1 Kernel.php(12): go()",
    b"SQLSTATE[23000]: Integrity constraint violation",
    b"in /var/www/html/vendor/laravel/framework/src/Kernel.php:20",
    b"/home/deploy/app/server.js is not a function",
    b"INSERT INTO appointments (uid) VALUES (?)",
    b"goroutine 7 [running]:",
    b"<b>Warning</b>: x in index.php on line 12 of z",
    b"sqlalchemy.exc.OperationalError",
    b"C:\\inetpub\\site\\Hook.cs",
    b'x\n  File "hook.py", line 3',
    b"Error: x\n    at Hook.handle (hook.js:12:34)",
    b"main.handle(0x1)\n\thook.go:12 +0x1d",
    b"hook.rb:12:in `handle'",
    b"Stack trace:\nfirst",
    b"Caused by:\nsecond",
    b"Hook.handle(Hook.java:12)",
    b"./node_modules/express",
    b"lib/site-packages/flask",
    b"vendor/laravel",
    b"unexpected token on line 12 of the template",
    b"hook.php on line <b>12</b>",
    b'ERROR: syntax error at or near "FROM"',
    b"sqlite3.OperationalError: database is locked",
    b"psycopg2.errors.UniqueViolation",
    b"PG::UniqueViolation: ERROR",
    b"PG::ConnectionBad",
    b"(PG::Error)",
    b"SELECT id FROM appointments",
    b"UPDATE appointments SET status = ?",
    b"PrismaClientKnownRequestError",
    b"MongoServerError: E11000",
    b"\xff\xfe Traceback (most recent call last)",
]


@pytest.mark.parametrize("body", INSIDES, ids=range(len(INSIDES)))
def test_insides_are_seen(body):
    assert reason(surface.undisclosed, said(body, "text/plain")) == "insides"


PLAIN = [
    b'{"error":"Invalid payload"}',
    b"Invalid signature",
    b'{"error":"startTime must be an RFC 3339 date-time","at":"2026-11-23T22:00:00Z"}',
    b'{"detail":[{"loc":["body","payload","startTime"],"msg":"invalid"}]}',
    b"<html><body><h1>405 Method Not Allowed</h1><hr>nginx</body></html>",
    b'{"path":"/api/webhooks/calcom","message":"Cannot PUT /api/webhooks/calcom"}',
    b"Please select a payload from the list and update it.",
    b"\xff\xfe",
]


@pytest.mark.parametrize("body", PLAIN, ids=range(len(PLAIN)))
def test_ordinary_refusals_show_no_insides(body):
    assert reason(surface.undisclosed, said(body, "text/html")) is None


def test_the_same_words_with_other_ids_are_the_same():
    one = said(b'{"error":"Invalid signature","request":"0f8fad5b-d9cb-469f-a165-70867728950e"}')
    two = said(b'{"error":"Invalid signature","request":"7c9e6679-7425-40de-944b-e07fc1f90ae7"}')
    three = said(b'{"error":"Wrong length"}')
    assert reason(surface.word_for_word, one, two) is None
    assert reason(surface.word_for_word, three, two) == "body"
    assert reason(surface.word_for_word, an_attempt(403), two) == "status-403"


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("text/html; charset=utf-8", "reflected"),
        ("", "reflected"),
        ("image/svg+xml", "reflected"),
        ("application/json", None),
        ("text/plain", None),
    ],
)
def test_markup_counts_where_a_browser_would_run_it(kind, found):
    assert reason(surface.unreflected, said(b"no <svg x> here", kind), "<svg x>") == found
    assert reason(surface.unreflected, said(b"no &lt;svg x&gt; here", kind), "<svg x>") is None


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"server": "nginx"}, None),
        ({"server": "cloudflare"}, None),
        ({"server": "nginx/1.18.0"}, "version"),
        ({"x-powered-by": "PHP/8.1.2"}, "version"),
        ({"x-powered-by": "Express"}, None),
        ({"x-aspnet-version": "4.0.30319"}, "version"),
        ({"x-aspnetmvc-version": "5.2"}, "version"),
        ({"x-version-of-the-api": "1.0"}, None),
    ],
)
def test_a_version_is_told_from_a_name(headers, found):
    assert reason(surface.versionless, said(b"", **headers)) == found


def test_a_cookie_is_named_without_its_value():
    attempt = said(b"", **{"set-cookie": "session=s3cret; path=/"})
    with pytest.raises(Exception, match="'session'") as caught:
        surface.cookieless(attempt)
    assert "s3cret" not in str(caught.value)
    assert reason(surface.cookieless, said(b"")) is None


# --- throttling -----------------------------------------------------------------------------------


def told_to_wait(value=None, status=429):
    return an_attempt(status, headers={} if value is None else {"retry-after": value})


def test_a_wait_is_read_in_seconds_or_as_a_date():
    assert throttling.wait_of(told_to_wait("30")) == 30
    assert throttling.wait_of(told_to_wait("Wed, 21 Oct 2015 07:28:00 GMT")) == 0
    # Without a zone, or with one that says nothing, it is Greenwich's.
    for zone in (" GMT", " -0000", ""):
        assert 10**9 < throttling.wait_of(told_to_wait(f"Wed, 21 Oct 2199 07:28:00{zone}")) < 10**10
    assert throttling.wait_of(told_to_wait("9" * 5000)) < 10**9
    for value in ("soon", "-5", "1.5", "\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT FIVE}"):
        assert throttling.wait_of(told_to_wait(value)) is None
    assert throttling.wait_of(told_to_wait()) is None
    assert throttling.wait_of(an_attempt(None)) is None


def test_a_503_throttles_only_if_it_says_until_when():
    assert throttling.throttled(told_to_wait("1", 503))
    assert not throttling.throttled(told_to_wait(None, 503))
    assert throttling.throttled(told_to_wait())
    # What is lost and what is taken is no throttle, whatever else it says.
    for status in (202, 403, 500):
        assert not throttling.throttled(told_to_wait("1", status))


def test_what_comes_again_and_is_taken_has_got_through():
    assert reason(throttling.got_through, [told_to_wait("1"), an_attempt(202)]) is None
    assert reason(throttling.got_through, [an_attempt(202)]) is None


@pytest.mark.parametrize(
    ("attempts", "found"),
    [
        ([told_to_wait("3600")], "locked-out"),
        ([told_to_wait(), told_to_wait()], "locked-out"),
        ([an_attempt(403)], "status-403"),
        ([an_attempt(500), an_attempt(202)], "status-500"),
        ([an_attempt(503), an_attempt(202)], "status-503"),
        ([an_attempt(None, problem="reset")], "no-answer-reset"),
    ],
)
def test_what_is_lost_or_failed_has_not_got_through(attempts, found):
    assert reason(throttling.got_through, attempts) == found


@pytest.mark.parametrize(
    ("value", "words"), [("3600", "for 3600 s more"), (None, "without saying until when")]
)
def test_who_is_kept_out_is_said_to_be_so_and_for_how_long(value, words):
    with pytest.raises(Violation) as caught:
        throttling.got_through([told_to_wait(value), told_to_wait(value)])
    assert caught.value.sentence == f"after 2 attempts it is still kept out, {words}"


@pytest.mark.parametrize(
    ("judge", "arguments"),
    [
        (surface.no_page, ()),
        (surface.undisclosed, ()),
        (surface.unreflected, ("<b>ours</b>",)),
        (surface.versionless, ()),
        (surface.cookieless, ()),
        (surface.word_for_word, (an_attempt(401),)),
    ],
)
def test_an_answer_that_never_came_shows_nothing(judge, arguments):
    with pytest.raises(Inconclusive) as caught:
        judge(an_attempt(None, problem="reset"), *arguments)
    assert caught.value.reason == "no-answer-reset"


def test_a_429_has_to_say_when():
    assert reason(throttling.says_when, told_to_wait()) == "no-retry-after"
    assert reason(throttling.says_when, told_to_wait("5")) is None
    assert reason(throttling.says_when, an_attempt(202)) is None


def test_strangers_may_be_refused_and_throttled_and_not_failed_at():
    for attempt in (an_attempt(401), told_to_wait(), an_attempt(None, problem="reset")):
        assert reason(throttling.unfailed, attempt) is None
    for sound in (an_attempt(499), told_to_wait("1", 503)):
        assert reason(throttling.unfailed, sound) is None
    assert reason(throttling.unfailed, an_attempt(500)) == "status-500"
    assert reason(throttling.unfailed, an_attempt(503)) == "status-503"


def test_an_ordinary_pace_is_not_throttled():
    assert reason(throttling.unthrottled, told_to_wait("1")) == "status-429"
    assert reason(throttling.unthrottled, an_attempt(202)) is None


# --- effects --------------------------------------------------------------------------------------


def test_one_effect_at_the_most_counts_every_kind():
    uid = an_appointment().uid
    assert reason(effects.at_most_one, a_look(), uid) is None
    others = a_look(effects=(*told("created"), *told("created", uid="anotherUid")))
    assert reason(effects.at_most_one, others, uid) is None
    twice = a_look(effects=told("created", "cancelled"))
    assert reason(effects.at_most_one, twice, uid) == "effect-repeated"
    doubled = a_look(appointments=(an_appointment(), an_appointment(id="2")))
    assert reason(effects.at_most_one, doubled, uid) == "effect-repeated"


def test_a_title_is_kept_altered_or_not_shown():
    def shown(title):
        return a_look(appointments=(an_appointment(title=title),))

    title = "MarkX <b> MarkX"
    assert reason(effects.entitled, shown(title), title, mark="MarkX") is None
    assert reason(effects.entitled, shown(f"Call: {title}"), title, mark="MarkX") is None
    assert reason(effects.entitled, shown("MarkX  MarkX"), title, mark="MarkX") == "altered"
    with pytest.raises(NotApplicable):
        effects.entitled(shown("Intro call"), title, mark="MarkX")


def test_a_sum_in_a_title_stays_text():
    shown = a_look(appointments=(an_appointment(title="MarkX 42 MarkX"),))
    assert reason(effects.unevaluated, shown, result="42", mark="MarkX") == "evaluated"
    assert reason(effects.unevaluated, shown, result="43", mark="MarkX") is None


@pytest.mark.parametrize("look", [a_look(appointments=(an_appointment(title=None),)), a_look()])
def test_where_no_title_is_shown_nothing_is_said_of_it(look):
    with pytest.raises(NotApplicable):
        effects.unevaluated(look, result="42", mark="MarkX")
