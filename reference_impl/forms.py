"""
The forms of the dashboard: each is good for one delivery, one action, two days, and once.

A token says that we made the form.  `seen` is what had been done to the delivery by then: a form
that is sent twice, by a double click or a reload, is known by what the first one did.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException

if TYPE_CHECKING:
    from starlette.requests import Request

    from reference_impl.clock import Clock

#: The largest form, in bytes: a token and little more.
_LIMIT = 1024

_DAY = 86_400_000_000


class Forms:
    """Makes and reads forms that only whoever knows *password* is shown."""

    def __init__(self, password: bytes, clock: Clock) -> None:
        self._key = hashlib.sha256(b"forms of " + password).digest()
        self._clock = clock

    def token(self, action: str, number: int, seen: int, *, days_ago: int = 0) -> str:
        """What the form of *action* on *number* has to carry; good until the day after."""
        day = self._clock.now() // _DAY - days_ago
        words = f"{action} {number} {seen} {day}"
        return hmac.digest(self._key, words.encode(), "sha256").hex()

    async def read(self, request: Request, action: str, number: int) -> int:
        """
        What had been `seen` of the delivery *number* when its form of *action* was made.

        Raises:
            HTTPException: if it is too large, too old, or not ours.
        """
        form = parse_qs((await _body(request)).decode("latin-1"))
        seen, given = (form.get(name, [""])[0] for name in ("seen", "token"))
        # 18 digits: any longer number is none that we gave.
        numbered = seen.isascii() and seen.isdigit() and len(seen) <= 18
        if not numbered or not self._is_ours(given, action, number, int(seen)):
            raise HTTPException(403, "This form is too old, or not ours: please ask again.")
        return int(seen)

    def _is_ours(self, given: str, action: str, number: int, seen: int) -> bool:
        tokens = (self.token(action, number, seen, days_ago=days) for days in (0, 1))
        return any(hmac.compare_digest(given.encode(), token.encode()) for token in tokens)


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LIMIT:
            raise HTTPException(413, "This form is too large.")
    return body
