"""
Signatures that are nearly right: made with the right secret, and of the wrong thing or form.

No entry differs from the right signature in white space around it alone: HTTP takes that away
(RFC 9110 section 5.5), and a bare CR, LF or NUL a server may turn into a space before that.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calcontract.stimuli.signatures import Material

#: Where a digest is cut when only its middle is touched.
_MIDDLE = 32


def _digest_of(m: Material, message: bytes) -> str:
    return hmac.new(m.key, message, hashlib.sha256).hexdigest()


def _replaced(text: str, place: int, digit: str) -> str:
    return text[:place] + digit + text[place + 1 :]


def _one_bit(text: str) -> str:
    return _replaced(text, _MIDDLE, f"{int(text[_MIDDLE], 16) ^ 1:x}")


def far(text: str) -> str:
    """A digest that agrees with *text* in no digit."""
    return "".join(f"{int(digit, 16) ^ 0xF:x}" for digit in text)


def near(text: str) -> str:
    """A digest that agrees with *text* in every digit but the last."""
    return _replaced(text, len(text) - 1, f"{int(text[-1], 16) ^ 0xF:x}")


def _half_upper(text: str) -> str:
    # A digest without letters in its first half has no case to change there.
    return "a".join(part.upper() for part in text.split("a"))


def _full_width(text: str) -> str:
    return "".join(chr(ord(digit) - 0x21 + 0xFF01) for digit in text)


def _percent_encoded(text: str) -> str:
    return "".join(f"%{ord(digit):02x}" for digit in text)


#: What a feature file calls each of them, and how it is made.
VALUES: Mapping[str, Callable[[Material], bytes | str]] = {
    # 64 digits, of another message or another construction
    "the digest of the body and a line feed": lambda m: _digest_of(m, m.body + b"\n"),
    "the digest of the body and the secret": lambda m: _digest_of(m, m.body + m.key),
    "the digest of the body in base64": lambda m: _digest_of(m, base64.b64encode(m.body)),
    "the digest with key and body swapped": lambda m: hmac.new(
        m.body, m.key, hashlib.sha256
    ).hexdigest(),
    "the SHA-256 of the secret and the body": lambda m: hashlib.sha256(m.key + m.body).hexdigest(),
    "the SHA-256 of the body and the secret": lambda m: hashlib.sha256(m.body + m.key).hexdigest(),
    "the digest of the body's SHA-256": lambda m: _digest_of(m, hashlib.sha256(m.body).digest()),
    "the digest of the digest": lambda m: _digest_of(m, bytes.fromhex(m.digest())),
    "the digest of the digest in hex": lambda m: _digest_of(m, m.digest().encode()),
    # near misses of 63 to 66 digits
    "right but for one bit in its middle": lambda m: _one_bit(m.digest()),
    "right in its first half alone": lambda m: m.digest()[:_MIDDLE] + far(m.digest())[_MIDDLE:],
    "right in its last half alone": lambda m: far(m.digest())[:_MIDDLE] + m.digest()[_MIDDLE:],
    "the digest shifted by one digit": lambda m: far(m.digest())[:1] + m.digest()[:-1],
    "right but without its first digit": lambda m: m.digest()[1:],
    "right but preceded by 00": lambda m: f"00{m.digest()}",
    "the digest with every digit turned over": lambda m: far(m.digest()),
    # malformed
    "the digest in full-width digits": lambda m: _full_width(m.digest()),
    "the digest around a zero-width space": lambda m: (
        f"{m.digest()[:_MIDDLE]}\N{ZERO WIDTH SPACE}{m.digest()[_MIDDLE:]}"
    ),
    "percent signs without digits": lambda _: "%" * 64,
    "two wrong digests and a comma": lambda m: f"{m.other()},{m.other()}",
    "a time and a wrong digest": lambda m: f"t=1752224400,v1={m.other()}",
    "an object in JSON": lambda m: f'{{"sha256":"{m.other()}"}}',
    # other algorithms
    "an HMAC-SHA224": lambda m: m.digest("sha224"),
    "an HMAC-SHA384": lambda m: m.digest("sha384"),
    "an HMAC-SHA512 cut to 64 digits": lambda m: m.digest("sha512")[:64],
    "an HMAC-SHA3-256": lambda m: m.digest("sha3_256"),
    "an HMAC-BLAKE2s": lambda m: m.digest("blake2s"),
    "sha256= and the HMAC-SHA3-256": lambda m: f"sha256={m.digest('sha3_256')}",
    "sha256= and the HMAC-SHA1": lambda m: f"sha256={m.digest('sha1')}",
    # contradictions in one line
    "the right and a wrong digest": lambda m: f"{m.digest()},{m.other()}",
    "a wrong and the right digest": lambda m: f"{m.other()},{m.digest()}",
    "the right and a wrong digest, spaced": lambda m: f"{m.digest()}, {m.other()}",
    "a wrong and the right digest, spaced": lambda m: f"{m.other()}, {m.digest()}",
    # the right digest in a form that nobody sends
    "the digest with its other letters in upper case": lambda m: _half_upper(m.digest()),
    "the digest in URL-safe base64": lambda m: base64.urlsafe_b64encode(bytes.fromhex(m.digest())),
    "the digest in base32": lambda m: base64.b32encode(bytes.fromhex(m.digest())),
    "the digest percent-encoded": lambda m: _percent_encoded(m.digest()),
    "the digest in pairs with colons": lambda m: bytes.fromhex(m.digest()).hex(":"),
    "the digest in pairs with spaces": lambda m: bytes.fromhex(m.digest()).hex(" "),
    "the digest with a tab in its middle": lambda m: (
        f"{m.digest()[:_MIDDLE]}\t{m.digest()[_MIDDLE:]}"
    ),
    "the digest with a space in its middle": lambda m: (
        f"{m.digest()[:_MIDDLE]} {m.digest()[_MIDDLE:]}"
    ),
    "the digest in single quotes": lambda m: f"'{m.digest()}'",
    "the digest in angle brackets": lambda m: f"<{m.digest()}>",
    "the digest and a comma": lambda m: f"{m.digest()},",
    "the digest and a semicolon": lambda m: f"{m.digest()};",
    "the digest and a backslash n": lambda m: f"{m.digest()}\\n",
    "the digest and %0A": lambda m: f"{m.digest()}%0A",
    "the digest and %00": lambda m: f"{m.digest()}%00",
    "0x and the digest": lambda m: f"0x{m.digest()}",
    "the digest twice and a comma": lambda m: f"{m.digest()},{m.digest()}",
    "a time and the digest": lambda m: f"t=1752224400,v1={m.digest()}",
    "v1= and the digest": lambda m: f"v1={m.digest()}",
    "sha-256= and the digest": lambda m: f"sha-256={m.digest()}",
    "hmac-sha256= and the digest": lambda m: f"hmac-sha256={m.digest()}",
    "sha256 and the digest": lambda m: f"sha256 {m.digest()}",
    "sha256=, a space and the digest": lambda m: f"sha256= {m.digest()}",
    "Bearer and the digest": lambda m: f"Bearer {m.digest()}",
    "= and the digest": lambda m: f"={m.digest()}",
}
