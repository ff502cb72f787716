"""What is secret is hidden in every spelling, and nothing else is."""

import base64
import html
import json
import shlex
from urllib.parse import quote, quote_plus

import pytest

from mock_calcom.secrecy import Mask

SECRET = """s3cret & "zebra's" /+=9"""


@pytest.fixture
def mask():
    return Mask()


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps({"key": SECRET}),
        repr(SECRET),
        html.escape(SECRET),
        shlex.quote(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_secret_is_hidden_however_it_is_spelt(mask, spelling):
    mask.learn(SECRET)
    said = mask.hidden(f"before {spelling} after")
    assert "zebra" not in said
    assert "***" in said
    assert said.startswith("before ")
    assert said.endswith(" after")


def test_a_secret_is_hidden_without_the_white_space_around_it(mask):
    mask.learn(" correct-horse\n")
    assert mask.hidden("read: 'correct-horse'") == "read: '***'"


def test_of_two_secrets_the_longer_one_is_hidden_whole(mask):
    mask.learn("correct-horse")
    mask.learn("correct-horse-battery")
    assert mask.hidden("correct-horse-battery correct-horse") == "*** ***"


@pytest.mark.parametrize("short", ["", "a", "sig-010", "secret", None])
def test_a_short_secret_leaves_the_words_of_a_text_alone(mask, short):
    mask.learn(short)
    text = "sig-010  a receiver with a secret"
    assert mask.hidden(text) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://u:p4ssw0rd@host/x", "http://u:***@host/x"),
        ("http://u:pw@host/x", "http://u:***@host/x"),
        ("http://u:p/w@host/x", "http://u:***@host/x"),
        ("postgresql://calcom:pw@db:5432/x", "postgresql://calcom:***@db:5432/x"),
    ],
)
def test_the_password_of_any_url_is_hidden(mask, url, shown):
    assert mask.hidden(f"at {url} it") == f"at {shown} it"


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8000/@zoe",
        "http://[::1]:8000/hook?to=zoe@guests.example",
        'at "http://host:80" it says "zoe@guests.example"',
        "http://host:8000 and zoe@guests.example",
    ],
)
def test_what_is_no_password_is_left_alone(mask, text):
    assert mask.hidden(text) == text


def test_a_password_is_hidden_by_itself_too(mask):
    mask.learn_url("http://u:p4ss%20w0rd@host/probe")
    assert mask.hidden("login 'p4ss w0rd' or p4ss%20w0rd") == "login '***' or ***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host/hook?a=1&key=abc", "http://host/hook?a=1&key=***"),
        ("http://host/hook?x=pin&b=2", "http://host/hook?x=***&b=2"),
        ("http://host/hook?access_token=ab%2Fc", "http://host/hook?access_token=***"),
        ("http://host/hook?keys=abc", "http://host/hook?keys=abc"),
    ],
)
def test_the_query_shows_no_secret_however_short(mask, url, shown):
    mask.learn("pin")
    mask.learn_url(url)
    assert mask.hidden(url) == shown


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("env MINE=abc serve --port 1", "env MINE=*** serve --port 1"),
        ("env API_KEY='abc' serve", "env API_KEY='***' serve"),
        ("serve --token=abc", "serve --token=***"),
        ("serve --ssl-key=/etc/key.pem", "serve --ssl-key=/etc/key.pem"),
        ('sh -c "MINE=$S serve"', 'sh -c "MINE=$S serve"'),
        ("env DATABASE_URL=mysql://u:pw@h/d serve", "env DATABASE_URL=mysql://u:***@h/d serve"),
        ("env WORKERS=4 serve", "env WORKERS=4 serve"),
    ],
)
def test_a_command_shows_no_secret_that_it_gives(mask, command, shown):
    mask.learn_command(command, ["MINE"])
    assert mask.hidden(command) == shown


def test_a_body_keeps_every_other_byte(mask):
    mask.learn(SECRET)
    body = b"\xff\x00http://u:p@x/ " + SECRET.encode()
    assert mask.without_known_bytes(body) == b"\xff\x00http://u:p@x/ ***"
