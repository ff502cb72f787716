"""
Signatures: right ones in other forms, near misses, and plain nonsense.

Every value is made by the standard library alone, not by the mock sender, so that a mistake in the
sender cannot make a forgery look right.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from calcontract.errors import Inconclusive
from calcontract.stimuli import forgeries, named

#: The guide's four headers, in the order in which they decide (guide, "Signature Verification").
HEADERS = ("X-Cal-Signature-256", "Cal-Signature-256", "X-Cal-Signature", "Cal-Signature")

#: The key the guide prints; a receiver that was set up by copy and paste still has it.
SAMPLE_KEY = "your-generated-secret-here"


@dataclass(frozen=True)
class Material:
    """What a signature can be made of."""

    body: bytes
    secret: str
    chance: Random

    @property
    def key(self) -> bytes:
        """The secret as Cal.com keys its HMAC: UTF-8, as typed."""
        return self.secret.encode()

    def digest(self, algorithm: str = "sha256", body: bytes | None = None) -> str:
        """The HMAC of *body*, or of the delivery's body, in lower-case hex."""
        return hmac.new(self.key, self.body if body is None else body, algorithm).hexdigest()

    def trimmed(self) -> str:
        """The digest of the body without trailing CR and LF (guide, `rtrim`)."""
        return self.digest(body=self.body.rstrip(b"\r\n"))

    def other(self) -> str:
        """The digest of another body, made with the right secret."""
        return self.digest(body=self.body + b" " + self.chance.randbytes(8))


#: A header value as the bytes that go on the wire, or nothing for no header at all.
Maker = Callable[[Material], bytes | str | None]


def _flipped(digit: str) -> str:
    return "0" if digit != "0" else "1"


_VALUES: Mapping[str, Maker] = {
    "absent": lambda _: None,
    "empty": lambda _: "",
    "a blank": lambda _: " ",
    "the literal no-secret-provided": lambda _: "no-secret-provided",
    # well formed, wrong
    "64 random hex digits": lambda m: m.chance.randbytes(32).hex(),
    "64 zeros": lambda _: "0" * 64,
    "the digest of another body": lambda m: m.other(),
    "the digest of no body": lambda m: m.digest(body=b""),
    "the plain SHA-256 of the body": lambda m: hashlib.sha256(m.body).hexdigest(),
    # the secret
    "the secret itself": lambda m: m.key,
    "sha256= and the secret": lambda m: b"sha256=" + m.key,
    "Bearer and the secret": lambda m: b"Bearer " + m.key,
    "the secret in base64": lambda m: base64.b64encode(m.key),
    # near misses
    "right but for its first digit": lambda m: _flipped(m.digest()[0]) + m.digest()[1:],
    "right but for its last digit": lambda m: m.digest()[:-1] + _flipped(m.digest()[-1]),
    "right but cut to 63 digits": lambda m: m.digest()[:63],
    "right but cut to 32 digits": lambda m: m.digest()[:32],
    "right but cut to 8 digits": lambda m: m.digest()[:8],
    "right but followed by zz": lambda m: m.digest() + "zz",
    "right but followed by 00": lambda m: m.digest() + "00",
    "right but twice in a row": lambda m: m.digest() * 2,
    "right but reversed": lambda m: m.digest()[::-1],
    # malformed
    "one digit": lambda m: m.digest()[0],
    "65 digits": lambda m: m.other() + "0",
    "8000 digits": lambda m: m.other() * 125,
    "64 times the letter z": lambda _: "z" * 64,
    "64 characters beyond ASCII": lambda _: ("é" * 64).encode(),
    "64 bytes that are not UTF-8": lambda _: b"\xff\xfe" * 32,
    "sha256= and nothing": lambda _: "sha256=",
    "only commas and equals signs": lambda _: ",=,=,=",
    # other algorithms
    "an HMAC-SHA1": lambda m: m.digest("sha1"),
    "an HMAC-MD5": lambda m: m.digest("md5"),
    "an HMAC-SHA512": lambda m: m.digest("sha512"),
    "sha1= and the HMAC-SHA1": lambda m: f"sha1={m.digest('sha1')}",
    "md5= and the HMAC-MD5": lambda m: f"md5={m.digest('md5')}",
    "sha512= and the HMAC-SHA512": lambda m: f"sha512={m.digest('sha512')}",
    "none= and nothing": lambda _: "none=",
    "nosuch= and the right digest": lambda m: f"nosuch={m.digest()}",
    # the guide's forms, and others
    "the bare digest": lambda m: m.digest(),
    "sha256= and the digest": lambda m: f"sha256={m.digest()}",
    "the digest of the body without its line end": lambda m: m.trimmed(),
    "sha256= and the digest of the body without its line end": lambda m: f"sha256={m.trimmed()}",
    "the bare digest of another body": lambda m: m.other(),
    "sha256= and the digest of another body": lambda m: f"sha256={m.other()}",
    "the digest in upper case": lambda m: m.digest().upper(),
    "the digest in base64": lambda m: base64.b64encode(bytes.fromhex(m.digest())),
    "SHA256= and the digest": lambda m: f"SHA256={m.digest()}",
    "sha256: and the digest": lambda m: f"sha256:{m.digest()}",
    "sha256=sha256= and the digest": lambda m: f"sha256=sha256={m.digest()}",
    "v1, and the digest": lambda m: f"v1,{m.digest()}",
    "the digest in quotes": lambda m: f'"{m.digest()}"',
    **forgeries.VALUES,
}

#: The forms that a receiver of the guide has to accept: nothing is spoiled by them.
LAWFUL = frozenset(
    {
        "the bare digest",
        "sha256= and the digest",
        "the digest of the body without its line end",
        "sha256= and the digest of the body without its line end",
    }
)


def _other_case(secret: str) -> bytes:
    # A secret of digits has no case: then it is not the same key that has to be refused.
    other = secret.swapcase()
    return (other if other != secret else f"{secret}x").encode()


_KEYS: Mapping[str, Callable[[str], bytes]] = {
    "another secret": lambda secret: f"{secret}-of-somebody-else".encode(),
    "the empty key": lambda _: b"",
    'the key "undefined"': lambda _: b"undefined",
    'the key "null"': lambda _: b"null",
    'the key "None"': lambda _: b"None",
    'the key "changeme"': lambda _: b"changeme",
    'the key "not-provided"': lambda _: b"not-provided",
    'the key "no-secret-provided"': lambda _: b"no-secret-provided",
    "the guide's sample key": lambda _: SAMPLE_KEY.encode(),
    "the secret and a line feed": lambda secret: f"{secret}\n".encode(),
    "the secret in the other case": _other_case,
    "the secret without its last letter": lambda secret: secret[:-1].encode(),
}


def value(word: str, material: Material) -> bytes | None:
    """The header value that a feature file calls *word*; nothing means no header."""
    made = named(_VALUES, word, "signature")(material)
    return made.encode() if isinstance(made, str) else made


def signed_with(word: str, material: Material) -> bytes:
    """
    The digest of the body under the key that a feature file calls *word*.

    Raises:
        Inconclusive: if that is the receiver's own secret, which nobody can tell from a right one.
    """
    key = named(_KEYS, word, "key")(material.secret)
    if key == material.key:
        raise Inconclusive(f"the receiver's secret is itself {word}", reason="secret-well-known")
    return hmac.new(key, material.body, hashlib.sha256).hexdigest().encode()
