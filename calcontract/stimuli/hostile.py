"""
Text that wants to be more than text, and markup of strangers.

Pure.  Each text stands between two marks of its own delivery, so that what a receiver made of it
can be found again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from calcontract.stimuli import bodies, named
from calcontract.stimuli.envelopes import TEXTS
from mock_calcom.delivery import Delivery
from mock_calcom.signature import HEADER

#: A sum that nobody writes by accident, and what it comes to.
_SUM = "(48271*6007)"
RESULT = str(48271 * 6007)

#: What people's names hold, and titles may as well.
_FROM_NAMES = ("emoji", "combining accents", "right-to-left marks", "text beyond the BMP")

#: Never shown to anybody: `.invalid` names no host (RFC 2606).
_TEXTS: Mapping[str, str] = {
    "a sum in double braces": f"{{{{{_SUM}}}}}",
    "a sum after a dollar": f"${{{_SUM}}}",
    "a sum in a server tag": f"<%= {_SUM} %>",
    "a sum after a hash": f"#{{{_SUM}}}",
    "a sum as a query": f"' || {_SUM} || '",
    "a sum for a shell": "$((48271*6007)) `expr 48271 \\* 6007`",
    "markup": "<img src=x onerror=alert(1)><b>bold</b>",
    "entities": "&lt;b&gt; &amp; &#60;",
    "quotes of SQL": "O'Neill\"; DELETE FROM appointments; --",
    "a formula": '=HYPERLINK("https://sheet.invalid","+1")',
    "a shell command": "$(id) `id` ; id | cat > x && id",
    "escape codes": "\x1b[2J\x1b]0;title\x07\x1b[31mred",
    "a path out of the folder": "../../../../etc/passwd%00.png",
    "a placeholder of a logger": "${jndi:ldap://logger.invalid/a} %s %n %(asctime)s {0}",
    "letters of many scripts": "Žižek Łódź Ελένη Наталья 東京 서울 ไทย",
    **{name: TEXTS[name] for name in _FROM_NAMES},
}


def mark(delivery: Delivery) -> str:
    """The mark of *delivery* around its text: letters that stand in no other delivery."""
    return f"Mark{(delivery.uid or '')[:10]}"


def text(word: str, delivery: Delivery) -> str:
    """The text that a feature file calls *word*, between the marks of *delivery*."""
    return f"{mark(delivery)} {named(_TEXTS, word, 'hostile text')} {mark(delivery)}"


def markup(delivery: Delivery) -> str:
    """Markup that stands in no other delivery."""
    return f"<svg onload=alert('{mark(delivery)}')>"


def _in_query(delivery: Delivery) -> Delivery:
    parts = urlsplit(delivery.url)
    more = f"{parts.query}&" if parts.query else ""
    query = f"{more}from={quote(markup(delivery), safe='<>')}"
    return dataclasses.replace(delivery, url=parts._replace(query=query).geturl())


def _in_trigger(delivery: Delivery) -> Delivery:
    wanted = bodies.compact(markup(delivery))
    return delivery.with_body(delivery.body.replace(b'"BOOKING_CREATED"', wanted, 1))


#: Where markup of a stranger may stand; what is signed is signed anew by whoever asks.
_PLACES: Mapping[str, Callable[[Delivery], Delivery]] = {
    "in its signature": lambda one: one.with_header(HEADER, markup(one)),
    "in its body": lambda one: one.with_body(markup(one).encode()),
    "in its trigger event": _in_trigger,
    "in its query": lambda one: _in_query(one).with_header(HEADER, "0" * 64),
}

#: Places whose body is authentic: it gets as far as authentic nonsense gets.
SIGNED = frozenset({"in its body", "in its trigger event"})


def marked(place: str, delivery: Delivery) -> Delivery:
    """*delivery* with markup at the place that a feature file calls *place*."""
    return named(_PLACES, place, "place for markup")(delivery)
