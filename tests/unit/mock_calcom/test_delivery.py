import dataclasses
import datetime as dt
import json

import pytest

from mock_calcom import delivery, headers, triggers
from mock_calcom.delivery import Delivery, Subscription
from mock_calcom.profiles import PROFILES
from mock_calcom.signature import HEADER, UNSIGNED, sign
from mock_calcom.templates import TemplateError

SECRET = "whsec_not_to_be_shown"
URL = "https://receiver.example/api/webhooks/calcom?x=1"
SUBSCRIPTION = Subscription(URL, SECRET)


@pytest.fixture
def created(calendar, at):
    return calendar.any_of("BOOKING_CREATED", at)


def test_a_delivery_carries_three_headers_in_order(created):
    made = delivery.compose(created, SUBSCRIPTION)
    assert made.headers == (
        ("Content-Type", "application/json"),
        (HEADER, sign(made.body, SECRET)),
        ("X-Cal-Webhook-Version", "2021-10-20"),
    )
    assert (made.url, made.trigger, made.uid) == (URL, "BOOKING_CREATED", created.uid)


@pytest.mark.parametrize(
    ("profile", "version"), [("direct-2025", None), ("v2026-07-27", "2026-07-27"), ("guide", None)]
)
def test_the_version_header_follows_the_sender(created, profile, version):
    subscription = dataclasses.replace(SUBSCRIPTION, profile=PROFILES[profile])
    made = delivery.compose(created, subscription)
    assert made.header("x-cal-webhook-version") == version


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_the_literal_is_sent(created, secret):
    made = delivery.compose(created, dataclasses.replace(SUBSCRIPTION, secret=secret))
    assert made.header(HEADER) == UNSIGNED


def test_a_secret_is_shown_nowhere(created):
    made = delivery.compose(created, SUBSCRIPTION)
    assert SECRET not in repr(SUBSCRIPTION) + str(SUBSCRIPTION) + repr(made)


def test_created_at_is_the_occurrences_unless_told_otherwise(created, at):
    later = at + dt.timedelta(milliseconds=7)
    first = json.loads(delivery.compose(created, SUBSCRIPTION).body)
    other = json.loads(delivery.compose(created, SUBSCRIPTION, created_at=later).body)
    assert first.pop("createdAt") == "2026-07-07T09:15:42.318Z"
    assert other.pop("createdAt") == "2026-07-07T09:15:42.325Z"
    assert first == other


def test_given_bytes_are_signed_as_they_are():
    made = delivery.from_body(b'{ "a": 1.0 }\r\n', SUBSCRIPTION, trigger="X", uid="u")
    assert made.body == b'{ "a": 1.0 }\r\n'
    assert made.header(HEADER) == sign(b'{ "a": 1.0 }\r\n', SECRET)
    assert (made.trigger, made.uid) == ("X", "u")


def test_each_subscription_gets_its_own_delivery(created):
    other = Subscription(URL, "another secret")
    deaf = Subscription(URL, triggers=("BOOKING_CANCELLED",))
    off = Subscription(URL, active=False)
    made = delivery.fan_out(created, [SUBSCRIPTION, other, deaf, off])
    assert [each.header(HEADER) for each in made] == [
        sign(made[0].body, SECRET),
        sign(made[0].body, "another secret"),
    ]


def test_the_test_button_asks_no_subscription():
    assert Subscription(URL, triggers=(), active=False).wants(triggers.PING)


def test_gone_switches_a_subscription_off_on_the_task_path_only():
    tasked = dataclasses.replace(SUBSCRIPTION, profile=PROFILES["task-2026"])
    assert not tasked.after(410).active
    assert tasked.after(404).active
    assert tasked.after(None).active
    assert SUBSCRIPTION.after(410).active


# --- templates -----------------------------------------------------------------------------------


def templated(occurrence, template, profile="direct-2026"):
    subscription = Subscription(URL, SECRET, template=template, profile=PROFILES[profile])
    return delivery.compose(occurrence, subscription)


def test_a_template_is_the_whole_body_and_is_signed(created):
    made = templated(created, '{"what":"{{triggerEvent}}","who":"{{attendees.0.email}}"}')
    expected = {"what": "BOOKING_CREATED", "who": created.booking.booker.email}
    assert json.loads(made.body) == expected
    assert made.header(HEADER) == sign(made.body, SECRET)
    assert made.uid == created.uid


def test_a_template_that_is_no_json_is_sent_as_a_form(created):
    made = templated(created, "id={{bookingId}}")
    assert made.header("content-type") == "application/x-www-form-urlencoded"
    assert made.body == f"id={created.booking.id}".encode()


def test_a_template_that_renders_to_no_json_is_sent_as_false(calendar, at):
    noted = calendar.book(at, notes='a "b"')[0]
    made = templated(noted, '{"n":"{{additionalNotes}}"}')
    assert made.body == b"false"
    assert made.header("content-type") == "application/json"
    assert made.header(HEADER) == sign(b"false", SECRET)


def test_a_broken_template_sends_nothing(created):
    with pytest.raises(TemplateError):
        templated(created, '{"a":{{bookingId}}}')


def test_the_generic_sender_keeps_its_payload_apart(calendar, at):
    form = calendar.submit_form(at)[0]
    made = templated(form, '{"a":"{{payload.formName}}","b":"{{formName}}","c":"{{seats}}"}')
    seats = str(form.root["seats"])
    assert json.loads(made.body) == {"a": "Sales intake", "b": "", "c": seats}


def test_meetings_and_old_forms_ignore_templates(calendar, at):
    meeting, form = calendar.any_of("MEETING_ENDED", at), calendar.submit_form(at)[0]
    assert b"idempotencyKey" in templated(meeting, '{"t":"{{title}}"}').body
    assert b"formId" in templated(form, '{"t":1}', "direct-2025").body
    assert templated(form, '{"t":1}').body == b'{"t":1}'


def test_an_empty_template_is_none(created):
    assert b"triggerEvent" in templated(created, "").body


def test_a_no_show_detection_repeats_its_subscription(calendar, at):
    occurrence = calendar.any_of("AFTER_HOSTS_CAL_VIDEO_NO_SHOW", at)
    payload = json.loads(delivery.compose(occurrence, SUBSCRIPTION).body)["payload"]
    assert payload["webhook"]["subscriberUrl"] == URL


# --- headers -------------------------------------------------------------------------------------

BARE = Delivery("http://r.example:8000/hook?x=1", (("Content-Type", "application/json"),), b"{}")


def test_a_header_is_replaced_in_its_place_whatever_its_case():
    changed = BARE.with_header("X-A", "1").with_header("content-type", "text/plain")
    assert changed.headers == (("content-type", "text/plain"), ("X-A", "1"))


def test_a_header_may_be_repeated_and_removed():
    twice = BARE.with_repeated_header("Content-Type", "b")
    assert [value for _, value in twice.headers] == ["application/json", "b"]
    assert twice.header("content-type") == "application/json"
    assert twice.with_header("Content-Type", "c").headers == (("Content-Type", "c"),)
    assert twice.without_header("CONTENT-TYPE").headers == ()


def test_another_body_keeps_the_headers():
    assert BARE.with_body(b"x") == dataclasses.replace(BARE, body=b"x")


def test_the_block_is_undicis():
    made = delivery.from_body(b"{}", Subscription("http://127.0.0.1:8000/hook?x=1", SECRET))
    assert [name for name, _ in headers.block(made)] == [
        "host",
        "connection",
        "Content-Type",
        "X-Cal-Signature-256",
        "X-Cal-Webhook-Version",
        "accept",
        "accept-language",
        "sec-fetch-mode",
        "user-agent",
        "accept-encoding",
        "content-length",
    ]
    block = dict(headers.block(made))
    assert block["host"] == "127.0.0.1:8000"
    assert block["user-agent"] == "node"
    assert block["content-length"] == "2"


def test_a_header_of_the_delivery_replaces_undicis():
    block = headers.block(BARE.with_header("User-Agent", "x").with_header("Content-Length", "9"))
    names = [name.lower() for name, _ in block]
    assert names.count("user-agent") == names.count("content-length") == 1
    assert dict(block)["Content-Length"] == "9"


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://r.example", "r.example", "/"),
        ("http://r.example:80/a", "r.example", "/a"),
        ("https://r.example:443/a?b=c#d", "r.example", "/a?b=c"),
        ("http://[::1]:8000/?q", "[::1]:8000", "/?q"),
    ],
)
def test_host_and_target_come_from_the_url(url, host, target):
    parts = headers.split(url)
    assert (headers.host(parts), headers.target(parts)) == (host, target)


@pytest.mark.parametrize("url", ["", "ftp://r.example/", "r.example/x", "http://", "http://r:x/"])
def test_what_cannot_be_posted_to_is_refused(url):
    with pytest.raises(ValueError, match=r"URL|Port"):
        headers.split(url)


def test_a_url_with_a_login_is_refused_without_repeating_it():
    with pytest.raises(ValueError, match="login") as refusal:
        headers.split("https://user:hunter2@r.example/x")
    assert "hunter2" not in str(refusal.value)


def test_odd_headers_are_told_from_ordinary_ones():
    assert headers.is_ordinary(BARE)
    assert not headers.is_ordinary(BARE.with_repeated_header("content-type", "x"))
    assert not headers.is_ordinary(BARE.with_header("X-A", "é"))
    assert not headers.is_ordinary(BARE.with_header("X-A", " padded"))


def test_header_bytes_are_sent_as_they_are():
    head = headers.head(BARE, [("a", "é"), (b"b", b"\xff\x00"), ("c", "日")], method="PUT")
    assert head == b"PUT /hook?x=1 HTTP/1.1\r\na: \xe9\r\nb: \xff\x00\r\nc: \xe6\x97\xa5\r\n\r\n"
