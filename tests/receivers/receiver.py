"""
A receiver of Cal.com webhooks on Flask and sqlite3, written without a look at any other.

    CALCOM_WEBHOOK_SECRET=... STORE=receiver.db python receiver.py [--port 8000] [--testing]

Requests only store; one thread does the work.  No appointment is stored at all: the table keeps
what occurred, one row per occurrence, and appointments are worked out when somebody asks for them.

With --testing the probe and the provider states of docs/for-receivers.md are offered as well.
FAULT names one mistake that it makes then; see faults.py.
"""

import argparse
import contextlib
import datetime as dt
import hashlib
import hmac
import json
import logging
import os
import secrets
import socket
import sqlite3
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

SECRET = os.environ.get("CALCOM_WEBHOOK_SECRET", "").encode("utf-8", "surrogateescape")
STORE = os.environ.get("STORE", "receiver.db")
BODY_LIMIT = 4 * 1024 * 1024
BODY_SECONDS = 10.0
#: Seconds before the second and the third try; there is no fourth.
BACKOFF = (60, 300)
#: The guide's order: the first header that is present decides.
HEADERS = ("X-Cal-Signature-256", "Cal-Signature-256", "X-Cal-Signature", "Cal-Signature")

#: What each trigger event does, in the order in which a booking lives through them.
KINDS = {
    "BOOKING_PAYMENT_INITIATED": "payment_initiated",
    "BOOKING_REQUESTED": "requested",
    "BOOKING_CREATED": "created",
    "BOOKING_CONFIRMED": "confirmed",
    "BOOKING_PAID": "paid",
    "BOOKING_RESCHEDULED": "rescheduled",
    "BOOKING_REJECTED": "rejected",
    "BOOKING_CANCELLED": "cancelled",
    "FORM_SUBMITTED": "form_submitted",
}
ORDER = list(KINDS)
INTRODUCES = frozenset(ORDER[:3])
DESCRIBES = frozenset({"BOOKING_REQUESTED", "BOOKING_CREATED", "BOOKING_RESCHEDULED"})

log = logging.getLogger("receiver")


def note(message, **about):
    """Log one line of JSON, which nobody's text can break: names of bookings, nothing of people."""
    log.info("%s", json.dumps({"message": message, **about}))


def wrong(name):
    """Whether the mistake of this name has to be made here."""
    if os.environ.get("FAULT") != name:
        return False
    if hit := os.environ.get("MUTANT_HIT"):
        Path(hit).touch()
    return True


# --- what a delivery says -------------------------------------------------------------------------


class BadPayloadError(ValueError):
    """The payload lacks what is needed to act on it; no later try would go better."""


def _no_constant(name):
    raise ValueError(f"{name} is no JSON")


def parse(body):
    """Trigger event, payload and createdAt of *body*, or None when it is no envelope."""
    try:
        root = json.loads(body.decode(), parse_constant=_no_constant)
        # A surrogate that stands alone is no text, although the parser lets it pass.
        json.dumps(root, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    trigger = root.get("triggerEvent") if isinstance(root, dict) else None
    if not isinstance(trigger, str) or not trigger:
        return None
    payload = root.get("payload")
    if isinstance(payload, dict) and payload:
        return trigger, payload, instant(root.get("createdAt"))
    flat = trigger in {"MEETING_STARTED", "MEETING_ENDED"} and "payload" not in root
    return (trigger, root, None) if flat and isinstance(root.get("uid"), str) else None


def instant(value):
    """Microseconds since 1970, or None for what is no instant."""
    try:
        moment = dt.datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    if moment.tzinfo is None:
        return None
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)


def spell(moment):
    if moment is None:
        return None
    start = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (start + dt.timedelta(microseconds=moment)).isoformat()


def uid_of(payload):
    found = (payload.get(name) for name in ("uid", "bookingUid"))
    return next((value for value in found if isinstance(value, str) and value), None)


@dataclass
class Told:
    """One occurrence, in one form for both dialects."""

    trigger: str
    key: str
    happened: int = 0
    uid: str | None = None
    number: str | None = None
    replaces: str | None = None
    own: str | None = None
    start: int | None = None
    end: int | None = None
    moved_from: int | None = None
    title: str | None = None
    people: list = field(default_factory=list)
    seats: bool = False
    seat: str | None = None
    status: str | None = None
    reason: str | None = None
    #: The number of its row: who came first.
    row: int = 0

    @property
    def names(self):
        number = None if self.number is None else f"#{self.number}"
        return [name for name in (self.uid, number) if name is not None]

    @property
    def place(self):
        return (self.happened, ORDER.index(self.trigger), self.key)

    @property
    def moves_seat(self):
        """Whether one seat goes elsewhere, and the others stay where they are."""
        rescheduled = self.trigger == "BOOKING_RESCHEDULED" and self.replaces != self.uid
        return bool(rescheduled and self.seats and self.seat and self.replaces)


class Payload:
    """Reads members of a payload; what is there has to be of its type."""

    def __init__(self, payload):
        self.members = payload

    def _get(self, name, kind, words):
        value = self.members.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise BadPayloadError(f"{name} is no {words}")
        return value

    def text(self, *names):
        found = (self._get(name, str, "text") for name in names)
        return next((value for value in found if value is not None), None)

    def time(self, *names):
        text = self.text(*names)
        if text is not None and instant(text) is None:
            raise BadPayloadError(f"{names[0]} is no instant")
        return instant(text)

    def number(self):
        for name in ("calcomBookingId", "bookingId"):
            value = self._get(name, int | str, "number")
            if isinstance(value, int) or (value and value.isascii() and value.isdigit()):
                return str(int(value))
        return None

    def people(self):
        listed = self._get("attendees", list, "list") or []
        if not all(isinstance(person, dict) for person in listed):
            raise BadPayloadError("an attendee is no object")
        return [person for person in listed if Payload(person).text("email")]

    def own(self):
        metadata = self._get("metadata", dict, "object") or {}
        value = metadata.get("askproai_appointment_id")
        return str(value) if value not in (None, "") else None


def read(trigger, payload, happened, received):
    """
    What a delivery tells.

    Raises:
        BadPayloadError: if the payload cannot be acted on.
    """
    if trigger == "FORM_SUBMITTED":
        answers = json.dumps(payload, sort_keys=True).encode()
        key = f"{trigger} {hashlib.sha256(answers).hexdigest()}"
        return Told(trigger, key, received, uid=uid_of(payload))
    members = Payload(payload)
    people = members.people()
    told = Told(
        trigger=trigger,
        key="",
        # What introduces a booking and has no date was sent before whatever else we hear of it.
        happened=(0 if trigger in INTRODUCES else received) if happened is None else happened,
        uid=members.text("uid"),
        number=members.number(),
        replaces=members.text("rescheduleUid"),
        own=members.own(),
        start=members.time("startTime"),
        end=members.time("endTime"),
        moved_from=members.time("previousStartTime", "rescheduleStartTime"),
        title=members.text("title"),
        people=[person["email"] for person in people],
        seats=bool(payload.get("seatsPerTimeSlot")),
        seat=members.text("attendeeSeatId"),
        status=members.text("status"),
        reason=members.text("cancellationReason", "rejectionReason"),
    )
    if not told.names:
        raise BadPayloadError("no booking is named")
    if told.start is None and trigger in DESCRIBES | INTRODUCES:
        raise BadPayloadError("startTime is missing")
    detail = []
    if trigger == "BOOKING_RESCHEDULED":
        detail = [told.start, told.replaces, told.moved_from, told.seat]
    elif trigger in {"BOOKING_PAID", "BOOKING_PAYMENT_INITIATED"}:
        detail = [payload.get("paymentId")]
    elif told.seats and trigger == "BOOKING_CREATED":
        detail = [told.seat or told.people]
    elif told.seats and trigger == "BOOKING_CANCELLED":
        detail = sorted(f"{person.get('id')} {person['email']}" for person in people)
    if trigger == "BOOKING_CREATED" and wrong("person-and-slot"):
        return replace(told, key=json.dumps([trigger, told.people, told.start]))
    return replace(told, key=json.dumps([trigger, told.uid or told.number, detail]))


# --- appointments ---------------------------------------------------------------------------------


@dataclass
class Stand:
    """How a booking stands, and its appointment with it."""

    id: str = ""
    uid: str | None = None
    number: str | None = None
    replaces: str | None = None
    status: str = "scheduled"
    start: int | None = None
    end: int | None = None
    moved_from: int | None = None
    reason: str | None = None
    title: str | None = None
    people: list = field(default_factory=list)
    over: bool = False
    names: set = field(default_factory=set)

    @property
    def live(self):
        return self.status in {"requested", "confirmed"}

    def shown(self):
        return {
            "id": self.id,
            "uid": self.uid,
            "bookingId": None if self.number is None else int(self.number),
            "rescheduleUid": self.replaces,
            "status": self.status,
            "startTime": spell(self.start),
            "endTime": spell(self.end),
            "rescheduledFrom": spell(self.moved_from),
            "cancellationReason": self.reason,
            "attendees": self.people,
            "title": self.title,
        }

    def hear(self, told):
        if self.over:
            return
        before = self.start
        self._describe(told)
        match told.trigger:
            case "BOOKING_REQUESTED":
                self.status = "requested" if self.status == "scheduled" else self.status
            case "BOOKING_CREATED" | "BOOKING_CONFIRMED":
                self.status, self.reason = "confirmed", None
            case "BOOKING_PAID" if told.status == "ACCEPTED":
                self.status = "confirmed"
            case "BOOKING_RESCHEDULED":
                self.moved_from = before if told.moved_from is None else told.moved_from
                asked = told.status is None and self.status == "requested"
                self.status = "requested" if asked or told.status == "PENDING" else "confirmed"
            case "BOOKING_REJECTED":
                self.status, self.reason, self.over = "rejected", told.reason, True
            case "BOOKING_CANCELLED":
                self._cancel(told)

    def _cancel(self, told):
        if told.seats and told.people:
            self.leave(told)
        else:
            self.status, self.over = "cancelled", True
        if self.status == "cancelled":
            self.reason = told.reason or "Cal.com booking cancelled"

    def _describe(self, told):
        speaks = told.trigger in DESCRIBES
        self.uid = told.uid or self.uid
        self.number = self.number or told.number
        self.title = (told.title or self.title) if speaks else (self.title or told.title)
        if told.start is not None and (speaks or self.start is None):
            self.start, self.end = told.start, told.end
        if speaks:
            self.replaces = told.replaces or self.replaces
        if speaks and told.seats:
            self.people = list(dict.fromkeys([*self.people, *told.people]))
        elif told.people and (speaks or not (self.people or told.seats)):
            self.people = told.people

    def leave(self, told):
        """The people told of give their seats back; without any left nobody meets."""
        gone = {address.lower() for address in told.people}
        self.people = [address for address in self.people if address.lower() not in gone]
        if not self.people:
            self.status = "cancelled"


class Families:
    """Names that belong together: each knows its whole family."""

    def __init__(self):
        self._of = {}

    def join(self, names):
        family = frozenset(names).union(*(self._of.get(name, ()) for name in names))
        self._of.update(dict.fromkeys(family, family))

    def of(self, name):
        """The family of *name*, empty if nobody has told of it."""
        return self._of.get(name, frozenset())


def appointments(everything, own):
    """What *everything* that was told adds up to, bound to the appointments of our *own*."""
    same = Families()
    for told in everything:
        same.join(told.names)
    bookings = {}
    for told in everything:
        bookings.setdefault(same.of(told.names[0]), []).append(told)
    chains, followed = chained(everything, same, bookings)
    found, claims = [], []
    families = {}
    for names, history in bookings.items():
        families.setdefault(chains.of(min(names)), []).append((names, history))
    for members in families.values():
        stand = settle(members, followed)
        mine = [told for names, history in members for told in history if names & {*told.names}]
        stand.id = f"cal-{min(told.row for told in mine)}"
        found.append(stand)
        named = (told for told in mine if told.own in own)
        claims += ((not stand.live, told.happened, told.row, told.own, stand) for told in named)
    return bind(found, sorted(claims, key=lambda claim: claim[:3]), own)


def chained(everything, same, bookings):
    """Which bookings replaced one another, and those that were replaced; seats leave theirs."""
    chains, followed = Families(), set()
    for told in everything:
        chains.join(told.names)
        old = same.of(told.replaces)
        if told.trigger not in DESCRIBES or not told.uid or not old or told.uid in old:
            continue
        if told.moves_seat:
            bookings[old].append(told)
        else:
            chains.join([told.uid, told.replaces])
            followed.add(old)
    return chains, followed


def settle(members, followed):
    """How the appointment of some bookings stands: as the last of them does."""
    stands = []
    for names, history in members:
        stand = Stand(names=set(names))
        for told in sorted(history, key=lambda told: told.place):
            if names & {*told.names}:
                stand.hear(told)
            else:
                stand.leave(told)
        last = max(told.happened for told in history)
        stands.append(((names not in followed, stand.live, last), stand))
    stands.sort(key=lambda pair: pair[0], reverse=True)
    head, *former = (stand for _, stand in stands)
    for old in former:
        head.title = head.title or old.title
        head.people = head.people or old.people
        if head.moved_from is None and head.replaces == old.uid:
            head.moved_from = old.start
        head.names |= old.names
    return head


def bind(found, claims, own):
    """Ours goes to the first live booking that names it, and is as it was where none does."""
    taken = {}
    for *_, name, stand in claims:
        if name not in taken and stand not in taken.values():
            taken[name] = stand
            stand.id = name
    free = [
        Stand(id=name, start=start, end=end)
        for name, (start, end) in own.items()
        if name not in taken
    ]
    return [*found, *free]


# --- the store ------------------------------------------------------------------------------------

SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, body BLOB NOT NULL, "trigger" TEXT NOT NULL, uid TEXT,
    received INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    tries INTEGER NOT NULL DEFAULT 0, due INTEGER);
CREATE TABLE IF NOT EXISTS occurrences (
    key TEXT PRIMARY KEY, kind TEXT NOT NULL, uid TEXT, happened INTEGER NOT NULL,
    told TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notices (delivery TEXT, "trigger" TEXT, uid TEXT, reason TEXT);
CREATE TABLE IF NOT EXISTS own (id TEXT PRIMARY KEY, "start" INTEGER, "end" INTEGER);
UPDATE deliveries SET state = 'waiting' WHERE state = 'processing';
"""
TABLES = {"deliveries": "deliveries", "effects": "occurrences", "notices": "notices"}


class Store:
    """One connection, one user of it at a time; a block is a transaction."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=5
        )
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(SCHEMA)
        #: Goes up whenever something occurred.
        self.version = 0
        self._known = (None, [])
        #: Only the mistake of that name looks here.
        self._seen = set()

    @contextlib.contextmanager
    def transaction(self):
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def take(self, body, trigger, uid, now):
        """Have a delivery on the disk, once."""
        id_ = hashlib.sha256(body.rstrip(b"\r\n")).hexdigest()
        if wrong("seen-in-memory"):
            if id_ in self._seen:
                return
            self._seen.add(id_)
        insert = (
            'INSERT OR IGNORE INTO deliveries (id, body, "trigger", uid, received, due)'
            " VALUES (?, ?, ?, ?, ?, ?)"
        )
        with self.transaction() as connection:
            new = connection.execute(insert, (id_, body, trigger, uid, now, now)).rowcount
            about = {"id": id_, "trigger": trigger, "uid": uid}
            note("received" if new else "duplicate ignored", **about)
            if not new and (wrong("seen-in-memory") or wrong("work-repeated")):
                copy = f"{id_}~{secrets.token_hex(4)}"
                connection.execute(insert, (copy, body, trigger, uid, now, now))

    def appointments(self, connection):
        """Every appointment, worked out anew when something occurred since the last time."""
        if self._known[0] != self.version:
            rows = connection.execute(
                "SELECT rowid, told FROM occurrences WHERE kind != 'form_submitted'"
            )
            told = [Told(**{**json.loads(row["told"]), "row": row["rowid"]}) for row in rows]
            own = {
                row["id"]: (row["start"], row["end"])
                for row in connection.execute("SELECT * FROM own")
            }
            self._known = (self.version, appointments(told, own))
        return self._known[1]


# --- the work -------------------------------------------------------------------------------------


class Worker(threading.Thread):
    """Works off deliveries, the one that has been due longest first."""

    def __init__(self, store):
        super().__init__(daemon=True)
        self.store = store
        self.knock = threading.Event()
        self.paused = False
        self.offset = 0.0
        #: What provider states want to go wrong, by uid.
        self.failures = {}
        self.slowness = {}

    def now(self):
        """Microseconds since 1970, by a clock that a provider state may move."""
        return int((time.time() + self.offset) * 1_000_000)

    def run(self):
        while True:
            self.knock.wait(0.5)
            self.knock.clear()
            try:
                while not self.paused and self.step():
                    pass
            except sqlite3.Error as problem:
                note("the worker waits", kind=type(problem).__name__)

    def step(self):
        """Work off one delivery; False when none is due."""
        with self.store.transaction() as connection:
            job = connection.execute(
                "SELECT * FROM deliveries WHERE state = 'waiting' AND due <= ?"
                " ORDER BY due LIMIT 1",
                (self.now(),),
            ).fetchone()
            if job is None:
                return False
            mark(connection, job["id"], "processing", job["tries"] + 1, job["due"])
        tries = job["tries"] + 1
        try:
            time.sleep(self.slowness.get(job["uid"], 0))
            with self.store.transaction() as connection:
                self.process(connection, job)
                if wrong("effect-committed-first"):
                    connection.execute("COMMIT")
                    connection.execute("BEGIN IMMEDIATE")
                self.fail(job["uid"])
                mark(connection, job["id"], "done", tries, None)
            note("processed", trigger=job["trigger"], uid=job["uid"])
        except Exception as problem:  # noqa: BLE001 - whatever it is, it is tried again
            self.failed(job, tries, problem)
        return True

    def process(self, connection, job):
        """Let a delivery have its effect, once per occurrence."""
        trigger, payload, happened = parse(job["body"])
        if trigger not in KINDS:
            if not wrong("else-books"):
                note("unhandled event", trigger=trigger)
                return
            trigger = "BOOKING_CREATED"
        told = read(trigger, payload, happened, job["received"])
        key = f"{told.key} {job['id']}" if "~" in job["id"] else told.key
        row = (key, KINDS[trigger], told.uid, told.happened, json.dumps(vars(told)))
        connection.execute(
            "INSERT INTO occurrences VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET"
            " happened = excluded.happened, told = excluded.told"
            " WHERE excluded.happened < happened",
            row,
        )
        self.store.version += 1

    def fail(self, uid):
        left = self.failures.get(uid, 0)
        if left:
            self.failures[uid] = left - 1 if left > 0 else left
            raise RuntimeError("a provider state asked for this")

    def failed(self, job, tries, problem):
        hopeless = isinstance(problem, BadPayloadError)
        kind = type(problem).__name__
        note("processing failed", trigger=job["trigger"], uid=job["uid"], kind=kind)
        with self.store.transaction() as connection:
            if tries <= len(BACKOFF) and not hopeless:
                wait = 0 if wrong("no-backoff") else BACKOFF[tries - 1]
                mark(connection, job["id"], "waiting", tries, self.now() + wait * 1_000_000)
                return
            mark(connection, job["id"], "dead", tries, None)
            reason = str(problem) if hopeless else "processing failed"
            connection.execute(
                "INSERT INTO notices VALUES (?, ?, ?, ?)",
                (job["id"], job["trigger"], job["uid"], reason),
            )


def mark(connection, id_, state, tries, due):
    connection.execute(
        "UPDATE deliveries SET state = ?, tries = ?, due = ? WHERE id = ?", (state, tries, due, id_)
    )


# --- the web --------------------------------------------------------------------------------------


def refusal(headers, body):
    """Why *body* is not authentic, in the guide's words; None when it is."""
    given = next((headers[name] for name in HEADERS if name in headers), "").strip()
    if not given:
        return "Missing signature"
    right = False
    for form in (body, body.rstrip(b"\r\n")):
        digest = hmac.new(SECRET, form, hashlib.sha256).hexdigest()
        for expected in (digest, f"sha256={digest}"):
            if wrong("compares-text"):
                right |= hmac.compare_digest(given, expected)
            else:
                # WSGI hands header bytes over as latin-1; text beyond ASCII cannot be compared.
                right |= hmac.compare_digest(given.encode("latin-1"), expected.encode())
    return None if right else "Invalid signature"


@contextlib.contextmanager
def deadline(seconds):
    """Give the client so long to send its body; then nothing more is read."""
    connection = request.environ["werkzeug.socket"]

    def give_up():
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RD)

    timer = threading.Timer(seconds, give_up)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def build(store, worker, *, testing):
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.url_map.strict_slashes = True

    @app.post("/api/webhooks/calcom", provide_automatic_options=False)
    def receive():
        with deadline(BODY_SECONDS):
            body = request.get_data(cache=False)
        problem = refusal(request.headers, body)
        if problem is not None:
            note("refused", reason=problem)
            return Response(problem, 401, content_type="text/plain; charset=utf-8")
        if wrong("insists-on-json-type") and not request.is_json:
            return jsonify(error="Unsupported media type"), 415
        parsed = parse(body)
        if parsed is None:
            note("invalid payload")
            return jsonify(error="Invalid payload"), 400
        trigger, payload, happened = parsed
        age = 0 if happened is None else time.time() - happened / 1_000_000
        if not (age > 300 and wrong("old-is-replayed")):
            store.take(body, trigger, uid_of(payload), worker.now())
        worker.knock.set()
        if wrong("works-in-request"):
            time.sleep(worker.slowness.get(uid_of(payload), 0))
        return jsonify(status="accepted"), 202

    @app.errorhandler(sqlite3.Error)
    def not_stored(problem):
        note("not stored", kind=type(problem).__name__)
        return jsonify(error="Service unavailable"), 503, {"Retry-After": "5"}

    @app.errorhandler(HTTPException)
    def refused(problem):
        allowed = getattr(problem, "valid_methods", None)
        headers = {"Allow": ", ".join(allowed)} if allowed else {}
        return jsonify(error=problem.name), problem.code, headers

    if testing:
        offer(app, store, worker)
    return app


# --- for conformance runs only --------------------------------------------------------------------


def offer(app, store, worker):
    @app.get("/_testing/probe")
    def probe():
        uids = set(request.args.getlist("uid"))
        ids = set(request.args.getlist("appointment"))
        with store.transaction() as connection:
            return jsonify(look(connection, uids, ids))

    def look(connection, uids, ids):
        known = store.appointments(connection)
        homes = {name: stand.id for stand in known for name in stand.names}
        rows = {
            name: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
            for name, table in TABLES.items()
        }
        now = worker.now()
        effects = [
            {"kind": row["kind"], "uid": row["uid"], "appointment": homes.get(row["uid"])}
            for row in rows["effects"]
        ]
        waits = [row for row in rows["deliveries"] if row["state"] == "waiting"]
        later = {row["id"]: (row["due"] - now) / 1e6 for row in waits if row["due"] > now}
        busy = [row for row in rows["deliveries"] if row["state"] in {"waiting", "processing"}]
        return {
            "appointments": [
                stand.shown() for stand in known if stand.names & uids or stand.id in ids
            ],
            "deliveries": [
                {
                    **{name: row[name] for name in ("id", "trigger", "uid", "state", "tries")},
                    "nextTrySeconds": later.get(row["id"]),
                }
                for row in rows["deliveries"]
                if row["uid"] in uids
            ],
            "effects": [
                effect
                for effect in effects
                if effect["uid"] in uids or effect["appointment"] in ids
            ],
            "notices": [row for row in rows["notices"] if row["uid"] in uids],
            "pending": sum(row["id"] not in later for row in busy),
            "totals": {
                "appointments": len(known),
                **{name: len(found) for name, found in rows.items()},
            },
        }

    def exists(id, startTime=None, endTime=None):  # noqa: A002, N803 - the names of the contract
        row = (id, instant(startTime), instant(endTime))
        with store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO own VALUES (?, ?, ?)", row)
            store.version += 1

    def reset():
        with store.transaction() as connection:
            for table in (*TABLES.values(), "own"):
                connection.execute(f"DELETE FROM {table}")
            store.version += 1
        worker.failures.clear()
        worker.slowness.clear()
        worker.offset, worker.paused = 0.0, False

    def advance(seconds):
        worker.offset += seconds

    states = {
        "appointment exists": exists,
        "processing fails": lambda uid, times: worker.failures.update({uid: times}),
        "processing is slow": lambda uid, seconds: worker.slowness.update({uid: seconds}),
        "clock advances": advance,
        "worker pauses": lambda: setattr(worker, "paused", True),
        "worker resumes": lambda: setattr(worker, "paused", False),
        "reset": reset,
    }

    @app.post("/_testing/states")
    def state():
        asked = request.get_json()
        name = asked.get("state")
        if name not in states:
            return jsonify(error="there is no such state"), 404
        states[name](**asked.get("params", {}))
        worker.knock.set()
        return jsonify(ok=True)


class Handler(WSGIRequestHandler):
    """Speaks HTTP/1.1, so that bodies may come in chunks, and waits for nobody for ever."""

    protocol_version = "HTTP/1.1"
    timeout = BODY_SECONDS

    def log_request(self, *_):
        """Say nothing: a line for each request tells nobody anything."""


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    arguments.add_argument("--testing", action="store_true")
    options = arguments.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    if not SECRET.strip():
        sys.exit("CALCOM_WEBHOOK_SECRET is not set: a receiver without a secret believes anybody")
    store = Store(STORE)
    worker = Worker(store)
    app = build(store, worker, testing=options.testing)
    worker.start()
    worker.knock.set()
    make_server(
        "127.0.0.1", options.port, app, threaded=True, request_handler=Handler
    ).serve_forever()


if __name__ == "__main__":
    main()
