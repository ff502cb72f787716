"""
The header block that Node's `fetch` puts around Cal.com's three headers.

Measured with Node 20 (undici 6) over plain HTTP; names arrive in this case and order.  Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from urllib.parse import SplitResult

    from mock_calcom.delivery import Delivery

#: One header line; bytes are sent as they are, text in Latin-1 where it fits and else in UTF-8.
Line = tuple[str | bytes, str | bytes]

_BEFORE = (("connection", "keep-alive"),)
_AFTER = (
    ("accept", "*/*"),
    ("accept-language", "*"),
    ("sec-fetch-mode", "cors"),
    ("user-agent", "node"),
)


def block(delivery: Delivery) -> tuple[tuple[str, str], ...]:
    """
    Every header of an attempt at *delivery*, in undici's order.

    A header that the delivery itself sets takes the place of undici's.

    Raises:
        ValueError: if the URL of the delivery is not one that can be posted to.
    """
    url = split(delivery.url)
    encodings = "br, gzip, deflate" if url.scheme == "https" else "gzip, deflate"
    own = {name.lower() for name, _ in delivery.headers}
    lines = (
        ("host", host(url)),
        *_BEFORE,
        *delivery.headers,
        *_AFTER,
        ("accept-encoding", encodings),
        ("content-length", str(len(delivery.body))),
    )
    given = set(delivery.headers)
    return tuple(line for line in lines if line in given or line[0] not in own)


def is_ordinary(delivery: Delivery) -> bool:
    """Whether an ordinary HTTP client can send these headers: none repeated, all Latin-1."""
    names = [name.lower() for name, _ in delivery.headers]
    plain = all(_is_plain(value) for line in delivery.headers for value in line)
    return len(names) == len(set(names)) and plain


def split(url: str) -> SplitResult:
    """
    The parts of a subscriber URL.

    Raises:
        ValueError: if it is not an http or https URL with a host, if it carries a login, which
            Node's `fetch` refuses, or if something in it is no letter of a URL.
    """
    if not is_written_plainly(url):
        raise ValueError(f"white space or a control character in a URL: {redacted(url)!r}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # What Python says of a port may quote a password that nobody has encoded.
        raise ValueError(f"not an http or https URL: {redacted(url)!r}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"not an http or https URL: {redacted(url)!r}")
    if parts.username is not None:
        raise ValueError(f"Cal.com cannot send to a URL with a login: {redacted(url)!r}")
    return parts


def is_written_plainly(url: str) -> bool:
    """Whether *url* has no white space and no control characters, which some readers drop."""
    return not any(letter.isspace() or not letter.isprintable() for letter in url)


def redacted(url: str) -> str:
    """The URL without the login and the query that it may carry, either of which may be secret."""
    before, separator, after = url.partition("://")
    scheme, rest = (before, after) if separator else ("", before)
    # A password that nobody has encoded may hold a slash, and then there is no port before it.
    login = re.match(r"[^/?#]*@|[^/?#:\[]*:(?!\d*(?:[/?#]|$)).*@", rest, re.DOTALL)
    return f"{scheme}{separator}{rest[login.end() if login else 0 :].partition('?')[0]}"


def host(url: SplitResult) -> str:
    """The value of the `host` header: without the scheme's own port."""
    return url.netloc.removesuffix({"http": ":80", "https": ":443"}[url.scheme])


def target(url: SplitResult) -> str:
    """The request target: the path and query as they were stored."""
    path = url.path or "/"
    return f"{path}?{url.query}" if url.query else path


def head(delivery: Delivery, lines: Sequence[Line] | None = None, *, method: str = "POST") -> bytes:
    """
    The request line and header block of an attempt as bytes, with the closing empty line.

    Args:
        delivery: what is sent.
        lines: the header lines; those of `block` if not given.
        method: the verb of the request line; Cal.com always posts.

    Raises:
        ValueError: if the URL of the delivery cannot be posted to.
    """
    request = f"{method} {target(split(delivery.url))} HTTP/1.1\r\n".encode()
    block_lines = block(delivery) if lines is None else lines
    encoded = (_bytes(name) + b": " + _bytes(value) + b"\r\n" for name, value in block_lines)
    return request + b"".join(encoded) + b"\r\n"


def _bytes(text: str | bytes) -> bytes:
    if isinstance(text, bytes):
        return text
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()
