"""What may stand in a setting for an address; none is quoted with what may be secret in it."""

from __future__ import annotations

from urllib.parse import urlsplit

from mock_calcom.headers import is_written_plainly, redacted


def required(url: str, *, port: str) -> str:
    """
    *url*, if it is an http or https URL to the letter.

    Args:
        url: the address.
        port: stands in it for a port that is yet to be chosen.

    Raises:
        ValueError: with one sentence, if it is none.
    """
    shown = repr(redacted(url))
    if not is_written_plainly(url):
        # It would be sent to another place than the one that is read.
        raise ValueError(f"{shown} holds white space or a control character")
    try:
        parts = urlsplit(url.replace(port, "1"))
    except ValueError:
        raise ValueError(f"{shown} is no http or https URL") from None
    try:
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        # What urlsplit finds nothing wrong with until it is asked for the port.
        raise ValueError(f"{shown} has no port between 1 and 65535") from None
    if not usable:
        raise ValueError(f"{shown} is no http or https URL")
    return url


def without_login(url: str) -> str:
    """
    *url*, if it names nobody: Node's `fetch`, by which Cal.com sends, refuses a URL with a login.

    Raises:
        ValueError: with one sentence, if it names somebody.
    """
    if urlsplit(url).username is not None:
        raise ValueError(f"Cal.com cannot send to a URL with a login: {redacted(url)!r}")
    return url
