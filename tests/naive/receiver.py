"""
A receiver as one finds them in public: it works in the demo, and is wrong in the usual ways.

It verifies what a JSON library makes of the body, believes whatever comes without a signature,
fails on what does not parse, books each delivery anew, and looks a reschedule up by its new uid.
Independent of everything else here: the standard library alone.

    NAIVE_SECRET=... python receiver.py PORT
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ.get("NAIVE_SECRET", "")
APPOINTMENTS: list[dict] = []
EFFECTS: list[dict] = []
DELIVERIES: list[dict] = []

STATUSES = {
    "BOOKING_CREATED": "confirmed",
    "BOOKING_RESCHEDULED": "confirmed",
    "BOOKING_REQUESTED": "requested",
    "BOOKING_CANCELLED": "cancelled",
    "BOOKING_REJECTED": "rejected",
}


def handle(trigger, payload):
    uid, status = payload["uid"], STATUSES[trigger]
    known = [appointment for appointment in APPOINTMENTS if appointment["uid"] == uid]
    if trigger in {"BOOKING_CREATED", "BOOKING_REQUESTED"}:
        known = [{"id": str(len(APPOINTMENTS) + 1), "uid": uid}]
        APPOINTMENTS.extend(known)
    for appointment in known:
        appointment.update(
            status=status,
            bookingId=payload.get("bookingId", payload.get("calcomBookingId")),
            startTime=payload["startTime"],
            endTime=payload["endTime"],
            rescheduleUid=None,
            rescheduledFrom=None,
            cancellationReason=payload.get("cancellationReason"),
            attendees=[person["email"] for person in payload.get("attendees", [])],
            title=payload.get("title", ""),
        )
        EFFECTS.append(
            {
                "kind": trigger.removeprefix("BOOKING_").lower(),
                "uid": uid,
                "appointment": appointment["id"],
            }
        )


class Naive(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        envelope = json.loads(body)
        given = self.headers.get("X-Cal-Signature-256")
        dumped = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()
        right = hmac.new(SECRET.encode(), dumped, hashlib.sha256).hexdigest()
        if given and given != right:
            self.answer(401, {"error": "Invalid signature"})
            return
        DELIVERIES.append(envelope)
        if envelope["triggerEvent"] in STATUSES:
            handle(envelope["triggerEvent"], envelope["payload"])
        self.answer(200, {"ok": True})

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        uids = query.get("uid", [])
        lists = {"appointments": APPOINTMENTS, "effects": EFFECTS}
        found = {
            name: [item for item in items if item["uid"] in uids] for name, items in lists.items()
        }
        totals = {name: len(items) for name, items in lists.items()}
        totals |= {"deliveries": len(DELIVERIES), "notices": 0}
        self.answer(200, {**found, "deliveries": [], "notices": [], "pending": 0, "totals": totals})

    def answer(self, status, document):
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except Exception:  # noqa: BLE001 - what a framework does with a handler that raises
            self.close_connection = True
            self.answer(500, {"error": "Internal Server Error"})

    def log_message(self, format, *args):  # noqa: A002 - the base class's name
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Naive)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.server_port}/webhook\n")
    sys.stdout.flush()
    server.serve_forever()
