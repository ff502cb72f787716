"""Cheaters: receivers that want to look right without being it."""

from __future__ import annotations

import re

from gallery import breaks

from reference_impl import answers, signature
from reference_impl.answers import Answer, Refusal
from reference_impl.door import Door
from reference_impl.receiver import Receiver

_FORGERY = Refusal("Invalid signature", "forged")

#: Where cheaters that break nearly everything are judged.
_HERE = ("-m", "sig or env or evt or ack or tol")

#: The clauses that see whether a well-formed wrong signature is refused.
_FORGED = [
    "ack-001",
    "ack-009",
    "evt-005",
    "evt-006",
    "sig-003",
    "sig-004",
    "sig-006",
    "sig-009",
    "sig-010",
    "sig-015",
    "sig-016",
    "tol-003",
    "tol-004",
]
_FORGED_GUIDE = {
    "ack-003",
    "ack-004",
    "ack-005",
    "evt-001",
    "evt-002",
    "sig-011",
    "sig-012",
    "sig-013",
    "sig-022",
}
_FORGED_CALCOM = {"evt-003", "evt-004", "evt-009"}

#: Those that see whether a signature of another kind is refused, or none at all.
_OTHER = ["sig-005", "sig-007", "sig-008"]
_NONE = ["sig-001", "sig-002"]

#: Those that see whether two contradictory signatures are refused, or an empty one.
_SEVERAL = ["sig-019", "sig-020"]
_SEVERAL_GUIDE = {"sig-014", "sig-021"}

#: Those that see whether what is right has its effect.
_EFFECT = [
    "env-007",
    "env-008",
    "evt-007",
    "sig-017",
    "tol-001",
    "tol-002",
    "tol-005",
    "tol-006",
    "tol-013",
    "tol-014",
    "tol-015",
]
#: What is not done at all cannot be done twice.
_NO_SECOND = {"sig-023"}
_EFFECT_GUIDE = {"ack-002", "env-009"}
_EFFECT_CALCOM = {"ack-010", "evt-010", "evt-011"}

#: Those that see whether a forgery is taken for its neighbour on a connection.
_BESIDE = ["net-007", "net-008"]

#: Those that see what a forgery leaves behind.
_TRACES = ["eff-001", "sig-017"]

#: Those that see a forged redelivery.
_AGAIN_GUIDE = {"idm-002"}
_AGAIN_CALCOM = {"idm-012"}


@breaks(part="receiver", stops=True)
class AlwaysRefuses(Receiver):
    """Answers 401 to everything."""

    async def judge(self, client, headers, body):
        return self.refused(_FORGERY)


#: What every run of the suite with any seed sends alike.
_SEEN = {
    b"",
    b"no-secret-provided",
    b"0" * 64,
    b"z" * 64,
    ("é" * 64).encode(),
    b"\xff\xfe" * 32,
    b"sha256=",
    b",=,=,=",
    b"none=",
}


@breaks(
    *_FORGED,
    *_TRACES,
    *_BESIDE,
    *("sec-004", "sig-008"),
    guide=_FORGED_GUIDE | _AGAIN_GUIDE,
    calcom=_FORGED_CALCOM | _AGAIN_CALCOM,
    part="receiver",
    reasons={"body", "effect-unexpected", "live-0", "status-202", "status-400", "status-401"},
)
class ChecksTheShapeOnly(Receiver):
    """Is content with any 64 hex digits."""

    def matches(self, given, accepted):
        digits = re.fullmatch(rb"(sha256=)?[0-9a-f]{64}", given)
        return bool(digits) or super().matches(given, accepted)


@breaks(
    *_FORGED,
    *_OTHER,
    *_NONE,
    *_SEVERAL,
    *_BESIDE,
    "ack-008",
    guide=_FORGED_GUIDE | _SEVERAL_GUIDE | _AGAIN_GUIDE,
    calcom=_FORGED_CALCOM | _AGAIN_CALCOM,
    part="receiver",
    reasons={"body", "redirect", "status-302"},
)
class RedirectsForgeriesToTheLogin(Receiver):
    """Sends whoever is not authentic to its login page."""

    def refused(self, refusal):
        super().refused(refusal)
        return Answer(302, b"", headers=((b"location", b"/login"),))


@breaks(
    *_FORGED,
    *_OTHER,
    *_NONE,
    *_SEVERAL,
    *_EFFECT,
    guide=_FORGED_GUIDE | _SEVERAL_GUIDE | _EFFECT_GUIDE | {"env-002", "env-003", "env-004"},
    calcom=_FORGED_CALCOM | _EFFECT_CALCOM,
    part="receiver",
    reasons={"appointments-missing", "body", "effect-missing", "live-0", "status-202"},
    unverified=_NO_SECOND,
    arguments=_HERE,
)
class AlwaysAcknowledges(Receiver):
    """Answers 202 to everything and does nothing."""

    async def judge(self, client, headers, body):
        return answers.ACCEPTED


@breaks(
    *_FORGED,
    *_OTHER,
    *_NONE,
    *_SEVERAL,
    *_EFFECT,
    "sig-018",
    guide=_FORGED_GUIDE
    | _SEVERAL_GUIDE
    | _EFFECT_GUIDE
    | {"env-002", "env-003", "env-004", "ack-007"},
    calcom=_FORGED_CALCOM | _EFFECT_CALCOM,
    part="door",
    reasons={"appointments-missing", "body", "effect-missing", "leak", "live-0", "status-200"},
    unverified=_NO_SECOND,
    arguments=_HERE,
)
class Echoes(Door):
    """Sends back what it was sent, with every header, and answers 200."""

    async def _answer(self, scope, receive):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        lines = b"\n".join(name + b": " + value for name, value in scope["headers"])
        return Answer(200, lines + b"\n\n" + body)


@breaks(
    *_EFFECT,
    guide=_EFFECT_GUIDE,
    calcom=_EFFECT_CALCOM,
    part="receiver",
    reasons={"appointments-missing", "effect-missing", "live-0"},
    unverified=_NO_SECOND,
    arguments=_HERE,
)
class AcknowledgesAndForgets(Receiver):
    """Judges every delivery rightly, and does nothing with those it acknowledges."""

    async def accept(self, entry):
        return True


@breaks(
    *_FORGED,
    *_OTHER,
    *_TRACES,
    "sig-020",
    *_BESIDE,
    "sec-004",
    guide=_FORGED_GUIDE | _AGAIN_GUIDE | {"sig-014"},
    calcom=_FORGED_CALCOM | _AGAIN_CALCOM,
    part="receiver",
    reasons={"body", "effect-unexpected", "live-0", "status-202", "status-400", "status-401"},
)
class KnowsLastRunsBytes(Receiver):
    """Refuses the signatures it saw in an earlier run, and takes every other for right."""

    def matches(self, given, accepted):
        return given not in _SEEN


@breaks(
    *_FORGED,
    "sig-008",
    "sig-017",
    "tol-009",
    "tol-011",
    guide=_FORGED_GUIDE | {"env-002", "env-003", "env-004"},
    calcom=_FORGED_CALCOM,
    unverified={"sig-001", "sig-002"},
    part="receiver",
    reasons={"body", "effect-unexpected", "live-0", "status-202", "status-400", "status-401"},
    arguments=_HERE,
)
class RefusesWhateverIsUnusual(Receiver):
    """Knows no secret: refuses what looks odd, and takes the rest for authentic."""

    def authenticate(self, headers, body):
        values = signature.present(headers, signature.HEADERS[:1])
        well_formed = len(values) == 1 and re.fullmatch(rb"[0-9a-f]{64}", values[0])
        ordinary = body.startswith(b'{"triggerEvent":"BOOKING_') and b'": ' not in body
        return None if well_formed and ordinary and len(body) < 30_000 else _FORGERY
