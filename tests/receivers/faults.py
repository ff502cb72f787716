"""
The receivers of this folder, and the mistakes that each of them can be told to make.

A mistake is one `if` at the place where people make it; `FAULT=name` in the environment switches it
on.  As in the gallery of mutants, each names every clause that has to notice it, and the reason
codes that these may give.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

#: What starts each receiver; `--port N` is added.
COMMANDS = {
    "node": ("node", str(HERE / "receiver.mjs"), "--testing"),
    "php": ("php", str(HERE / "receiver.php"), "--testing"),
    "flask": (sys.executable, str(HERE / "receiver.py"), "--testing"),
    "wild-route": ("node", str(HERE / "wild_route.mjs")),
}

#: Those that conform, and where their mistakes are made.
SOURCES = {
    "node": ("receiver.mjs", "appointments.mjs"),
    "php": ("receiver.php",),
    "flask": ("receiver.py",),
}
CORRECT = tuple(SOURCES)

#: Where a correct receiver falls short of a SHOULD, or of what no honest sender needs.
DEVIATIONS: dict[str, frozenset[str]] = {
    # One secret at a time; requests that stall are given up later than the budget of these runs.
    "node": frozenset({"cfg-003", "net-002"}),
    # PHP's own server besides: it pipelines nothing, and tells its version.
    "php": frozenset({"cfg-003", "net-002", "net-003", "net-008", "sec-007"}),
    "flask": frozenset({"cfg-003", "net-002", "sec-007"}),
}


@dataclass(frozen=True)
class Fault:
    """One mistake of one receiver, and who notices it."""

    receiver: str
    name: str
    #: What is done wrongly.
    says: str
    #: Clauses that have to fail in both profiles, and in one of them only.
    breaks: frozenset[str] = frozenset()
    guide: frozenset[str] = frozenset()
    calcom: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    #: Whether the suite has to start and kill the receiver for the mistake to show.
    process: bool = False
    #: Clauses that a race may break as well.
    perhaps: frozenset[str] = frozenset()
    #: Clauses that end blocked, inconclusive or not verified because of it.
    unverified: frozenset[str] = frozenset()

    def broken_in(self, profile: str) -> frozenset[str]:
        """The clauses that have to fail in *profile*, if it speaks of them."""
        return self.breaks | self.only(profile)

    def only(self, profile: str) -> frozenset[str]:
        """The clauses that have to fail in *profile* and not in the other."""
        return {"guide": self.guide, "calcom": self.calcom}[profile]

    def runs_in(self, profile: str) -> bool:
        """Whether *profile* shows more of it than the other, or as much and comes first."""
        return bool(self.only(profile) or (self.breaks and profile == "guide"))


def _fault(receiver: str, name: str, says: str, *breaks: str, **more: Any) -> Fault:
    sets = {key: frozenset(told) for key, told in more.items() if key != "process"}
    return Fault(
        receiver, name, says, frozenset(breaks), process=more.get("process", False), **sets
    )


FAULTS = (
    # --- Node -----------------------------------------------------------------------------------
    _fault(
        "node",
        "reserialised",
        "Signs what JSON.stringify makes of the parsed body, and not the bytes that came.",
        "sig-009",
        "sig-010",
        "tol-014",
        guide={"sig-013", "env-002", "evt-002"},
        calcom={"evt-009"},
        reasons={"status-202", "status-401", "appointments-missing"},
    ),
    _fault(
        "node",
        "hex-decoded",
        "Compares what Buffer.from(given, 'hex') makes of a signature: it stops at the first "
        "letter that is no digit, and says nothing.",
        "sig-006",
        "sig-017",
        "sig-020",
        guide={"sig-014"},
        reasons={"status-202", "effect-unexpected"},
    ),
    _fault(
        "node",
        "length-unchecked",
        "Gives timingSafeEqual two values of different length, on which it throws.",
        "sig-002",
        "sig-005",
        "sig-006",
        "sig-007",
        "sig-008",
        "sec-004",
        guide={"sig-014", "ack-004"},
        reasons={"status-500"},
    ),
    _fault(
        "node",
        "text-chunks",
        "Adds the chunks of a body up as text, which breaks a character that was cut in two.",
        "sig-010",
        "tol-004",
        reasons={"status-202", "status-401"},
    ),
    _fault(
        "node",
        "payload-needed",
        "Logs the payload's uid before it has looked whether there is a payload.",
        guide={"env-003"},
        calcom={"evt-004"},
        reasons={"status-500"},
    ),
    _fault(
        "node",
        "numbers-rounded",
        "Reads booking ids as JavaScript numbers, which are rounded beyond 2^53.",
        "tol-014",
        reasons={"appointments-missing"},
    ),
    _fault(
        "node",
        "memory-only",
        "Answers without having written anything: the inbox is a Map.",
        "dur-001",
        "dur-002",
        "dur-003",
        "dur-005",
        reasons={"effect-missing", "records-missing"},
        process=True,
    ),
    _fault(
        "node",
        "order-of-arrival",
        "Lets what arrived last count, and not what happened last.",
        guide={"ord-004", "ord-005"},
        reasons={"other-time"},
    ),
    _fault(
        "node",
        "payment-confirms",
        "Confirms the appointment when a payment was started.",
        "eff-008",
        reasons={"confirmed"},
    ),
    _fault(
        "node",
        "new-uid-is-new",
        "Takes a reschedule for a new booking because its uid is new.",
        calcom={"ord-004", "ord-005", "ord-006", "ord-010", "eff-004", "eff-005", "eff-015"},
        reasons={"live-2", "live-3", "live-4", "still-live", "appointments-doubled"},
    ),
    # --- PHP ------------------------------------------------------------------------------------
    _fault(
        "php",
        "fails-open",
        "Verifies a signature if there is one.",
        "sig-001",
        "sig-017",
        guide={"ack-004", "ack-005"},
        reasons={"status-202", "effect-unexpected", "body"},
    ),
    _fault(
        "php",
        "select-then-insert",
        "Looks whether a delivery is known and then inserts it, without a unique index.",
        guide={"idm-008"},
        reasons={"records-doubled"},
    ),
    _fault(
        "php",
        "failure-forgotten",
        "Takes a delivery for done whether its processing succeeded or not.",
        "rty-001",
        "rty-005",
        guide={"rty-002", "rty-003"},
        reasons={"effect-missing", "given-up-early", "too-late", "not-given-up"},
    ),
    _fault(
        "php",
        "cancels-by-address",
        "Cancels the appointments of the person, and not that of the booking.",
        calcom={"eff-007"},
        reasons={"bystander-touched"},
    ),
    _fault(
        "php",
        "body-limit",
        "Refuses bodies beyond 100 kB, the limit of many a framework.",
        "tol-003",
        reasons={"status-413"},
    ),
    _fault(
        "php",
        "scalars-unexpected",
        "Counts the members of a body that parses, also when it is a number or a text.",
        guide={"env-004"},
        calcom={"env-005"},
        reasons={"status-500"},
    ),
    _fault(
        "php",
        "ids-as-floats",
        "Lets booking ids pass through a float.",
        "tol-014",
        reasons={"booking-id"},
    ),
    _fault(
        "php",
        "offset-ignored",
        "Reads the first 19 letters of a time and takes them for UTC.",
        "eff-013",
        reasons={"other-time"},
    ),
    _fault(
        "php",
        "created-revives",
        "Confirms the appointment on every BOOKING_CREATED that arrives, as an upsert does.",
        guide={"ord-001", "ord-002", "ord-006", "ord-009", "ord-010"},
        reasons={"still-live"},
    ),
    _fault(
        "php",
        "one-reschedule-per-uid",
        "Knows an occurrence by trigger event and uid, which swallows the second reschedule.",
        guide={"idm-004", "idm-006", "ord-005", "eff-004"},
        reasons={"effect-missing", "other-time"},
    ),
    # --- Flask ----------------------------------------------------------------------------------
    _fault(
        "flask",
        "compares-text",
        "Gives hmac.compare_digest text beyond ASCII, on which it raises a TypeError.",
        "sig-007",
        guide={"ack-004"},
        reasons={"status-500"},
    ),
    _fault(
        "flask",
        "insists-on-json-type",
        "Answers 415 unless the content type is JSON's, as request.get_json() does.",
        "tol-007",
        reasons={"status-415"},
    ),
    _fault(
        "flask",
        "else-books",
        "Books whatever is none of the other events.",
        "evt-005",
        "evt-007",
        reasons={"changed", "effect-unexpected"},
    ),
    _fault(
        "flask",
        "works-in-request",
        "Lets the sender wait until the work is done.",
        guide={"ack-002"},
        calcom={"ack-010"},
        reasons={"processed-inside-the-request"},
    ),
    _fault(
        "flask",
        "work-repeated",
        "Keeps the appointment single, and yet runs the handler again for each copy.",
        "idm-001",
        "idm-003",
        "idm-005",
        "idm-007",
        "idm-009",
        "idm-010",
        "rty-005",
        guide={"idm-008"},
        reasons={"effect-repeated", "records-doubled", "changed"},
    ),
    _fault(
        "flask",
        "old-is-replayed",
        "Drops a delivery that is older than five minutes, with a 202.",
        "tol-005",
        "tol-015",
        reasons={"effect-missing"},
    ),
    _fault(
        "flask",
        "no-backoff",
        "Tries again at once, three times within a second.",
        guide={"rty-002"},
        reasons={"too-late"},
    ),
    _fault(
        "flask",
        "person-and-slot",
        "Knows an occurrence by trigger event, people and slot.",
        "idm-006",
        reasons={"effect-missing"},
    ),
    _fault(
        "flask",
        "effect-committed-first",
        "Commits the effect before the try is known to succeed.",
        "rty-006",
        guide={"rty-003"},
        reasons={"effect-unexpected"},
    ),
    _fault(
        "flask",
        "seen-in-memory",
        "Remembers the deliveries it has seen in a set, which a restart empties.",
        "dur-003",
        "dur-004",
        "dur-009",
        "idm-010",
        reasons={"effect-repeated"},
        process=True,
    ),
    # --- as they are found ----------------------------------------------------------------------
    _fault(
        "wild-route",
        "as found",
        "A web application's route: everything at once, nothing kept.",
        calcom={
            *("sig-001", "sig-009", "sig-010", "sig-016", "sig-017"),
            *("env-001", "env-005", "env-006", "env-007", "evt-004", "evt-008", "evt-009"),
            *(
                "idm-001",
                "idm-003",
                "idm-004",
                "idm-005",
                "idm-006",
                "idm-007",
                "idm-009",
                "idm-010",
            ),
            *("ord-001", "ord-002", "ord-004", "ord-005", "ord-006", "ord-007", "ord-009"),
            *("eff-004", "eff-007", "eff-009", "eff-010", "eff-011", "eff-014", "eff-015"),
            *("tol-004", "tol-008", "tol-014"),
        },
        reasons={
            *("status-200", "status-401", "status-500"),
            *("effect-missing", "effect-repeated", "effect-unexpected", "changed"),
            *("live-0", "live-2", "still-live", "other-time", "bystander-touched"),
            *("appointments-doubled", "appointments-missing"),
        },
    ),
)
