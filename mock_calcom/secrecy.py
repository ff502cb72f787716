"""
What nobody is shown: the secrets that this process knows, and the mask in front of them.

Whoever comes to know a secret tells `MASK`, and whatever leaves for people or for files passes it.
There is one for the whole process, since what is printed comes from everywhere in it.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: Stands in place of what is not shown.
HIDDEN = "***"

#: A shorter secret is hidden only where it is the value of a URL's query or its password: it may
#: well be a word of our own ("secret", "sig-010"), and nothing could be read any more without that.
#: Whoever guesses finds it anyway.
LEAST = 8

#: What a parameter or a variable is called whose value is nobody else's business.
_TELLING = re.compile(
    r"(secret|password|passwd|passphrase|pwd|token|key|credentials?)$", re.IGNORECASE
)

#: A value that is given to a name in a command: `NAME=value`, `--name=value`.
_GIVEN = re.compile(r"""([A-Za-z_][\w-]*)=(["']?)([^\s"']+)\2""")

#: The password of any URL, known or not; a port in front of a path is none.
_PASSWORD = re.compile(r"""(://[^\s/?#@:\["'<>]*:)(?!\d+(?:[/?#\s]|$))[^\s"<>@]+@""")

_URL = re.compile(r"""[a-z][a-z0-9+.-]*://[^\s"']+""", re.IGNORECASE)


class Mask:
    """Hides what it has learnt in whatever is told."""

    def __init__(self) -> None:
        self._shown: dict[str, str] = {}
        self._short: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secret: str | None) -> None:
        """Never again show *secret*, in any spelling that it may come in."""
        if not secret:
            return
        if len(secret) < LEAST:
            self._short.add(secret)
            return
        for spelling in _spellings(secret):
            self._hide(spelling, HIDDEN)

    def learn_url(self, url: str | None) -> None:
        """Never again show the password in *url*, nor what is secret in its query."""
        try:
            parts = urlsplit(url or "")
            password = parts.password
        except ValueError:
            return
        if password:
            self.learn(unquote(password))
            # However short it is.
            self._hide(f":{password}@", f":{HIDDEN}@")
        for pair in parts.query.split("&"):
            name, _, spelt = pair.partition("=")
            value = unquote_plus(spelt)
            if value and (value in self._short or _TELLING.search(name)):
                self.learn(value)
                self._hide(pair, f"{name}={HIDDEN}")

    def learn_command(self, command: str | None, names: Collection[str] = ()) -> None:
        """Never again show what *command* gives to one of *names*, or to one that sounds secret."""
        for name, quotes, value in _GIVEN.findall(command or ""):
            if not (name in names or _TELLING.search(name)):
                continue
            # A variable, or the file of a key, is to be read in the command.
            if not value.startswith(("$", "/", "./", "../", "~")):
                self.learn(value)
                self._hide(f"{name}={quotes}{value}", f"{name}={quotes}{HIDDEN}")
        for url in _URL.findall(command or ""):
            self.learn_url(url)

    def hidden(self, text: str) -> str:
        """*text* as anybody may read it."""
        return _PASSWORD.sub(rf"\1{HIDDEN}@", self.without_known(text))

    def without_known(self, text: str) -> str:
        """*text* without what was learnt, and otherwise to the letter."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._shown[found[0]], text)

    def without_known_bytes(self, body: bytes) -> bytes:
        """*body* without what was learnt, and otherwise byte for byte."""
        return self.without_known(body.decode("utf-8", "surrogateescape")).encode(
            "utf-8", "surrogateescape"
        )

    def _hide(self, spelling: str, shown: str) -> None:
        if spelling in self._shown:
            return
        self._shown[spelling] = shown
        # The longest first: one may be part of another.
        longest = sorted(self._shown, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest)))


#: The mask of this process.
MASK = Mask()


def _spellings(secret: str) -> Iterator[str]:
    """*secret* as it stands in text, in a URL, in JSON, in HTML, in a shell's word, in base64."""
    # A receiver that says what it has read may have taken the white space around it away.
    for text in {secret, bare} if len(bare := secret.strip()) >= LEAST else {secret}:
        yield text
        for encoded in (quote(text, safe=""), quote(text), quote_plus(text)):
            yield encoded
            yield re.sub("%..", lambda octet: octet[0].lower(), encoded)
        yield json.dumps(text)[1:-1]
        yield json.dumps(text, ensure_ascii=False)[1:-1]
        yield repr(text)[1:-1]
        yield html.escape(text)
        yield shlex.quote(text).removeprefix("'").removesuffix("'")
        yield base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()
