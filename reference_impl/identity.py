"""
The webhook id.

Pure.  The guide's idempotency table needs one and Cal.com sends none, so it is derived from the
body: a redelivery has identical bytes.
"""

from __future__ import annotations

import hashlib
import re

from reference_impl.signature import trimmed

#: When the body says that it was made.  Found in the text: whoever wrote it, and wherever in it, it
#: is the same each time that these bytes come.
_MADE = re.compile(
    rb'"createdAt"\s{0,9}:\s{0,9}"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{3}))?'
)

#: Characters of an id: as many as a SHA-256 has.
_LENGTH = 64


def webhook_id(body: bytes) -> str:
    """
    What *body* is known by: its first `createdAt`, to the digit, and its SHA-256.

    Of 64 characters, of which at least 46 are the hash's; all of them where there is no time.  Both
    are of the body without line ends at its end, which the signature ignores too.

    The time comes first because ids are kept sorted: those of deliveries that come together lie
    together, and to enter one is to change a page that the others change too.
    """
    told = trimmed(body)
    digest = hashlib.sha256(told).hexdigest()
    made = _MADE.search(told)
    if made is None:
        return digest
    return f"{b''.join(made.groups(b'')).decode()}-{digest}"[:_LENGTH]
