"""Lives of bookings, for the tests that shuffle them."""

import itertools

from hypothesis import strategies as st

from tests.unit.reference_impl.bodies import a_fact

#: The metadata of a booking of our appointment 12345.
BOUND = {"metadata": {"askproai_appointment_id": "12345"}}


def at(hour):
    return f"2026-02-01T{hour:02d}:00:00Z"


@st.composite
def lives(draw):  # noqa: C901 - one branch for each thing that happens to a booking
    """The facts of a few bookings' lives, with duplicates, in the order they happened."""
    facts = []
    minute = itertools.count()

    def happens(trigger, uid, **fields):
        body = {"startTime": at(draw(st.integers(8, 18))), **fields}
        moment = next(minute) // draw(st.sampled_from([1, 1, 2]))
        facts.append(a_fact(trigger, uid, moment, **body))
        if draw(st.booleans()):
            facts.append(a_fact(trigger, uid, moment + draw(st.integers(0, 3)), **body))

    for person in draw(st.sampled_from(["x", "xy"])):
        generation = itertools.count()
        uid = f"{person}{next(generation)}"
        ours = BOUND if draw(st.booleans()) else {}
        happens(draw(st.sampled_from(["BOOKING_CREATED", "BOOKING_REQUESTED"])), uid, **ours)
        for step in draw(
            st.lists(
                st.sampled_from(["move", "guide", "cancel", "reject", "confirm", "pay", "ask"]),
                max_size=4,
            )
        ):
            if step == "move":
                old, uid = uid, f"{person}{next(generation)}"
                happens("BOOKING_RESCHEDULED", uid, rescheduleUid=old, status="ACCEPTED")
            elif step == "ask":
                old, uid = uid, f"{person}{next(generation)}"
                happens("BOOKING_REQUESTED", uid, rescheduleUid=old, status="PENDING")
            elif step == "guide":
                happens("BOOKING_RESCHEDULED", uid, rescheduleUid=f"r{next(minute)}")
            elif step == "cancel":
                happens("BOOKING_CANCELLED", uid)
            elif step == "reject":
                happens("BOOKING_REJECTED", uid)
            elif step == "confirm":
                happens("BOOKING_CREATED", uid)
            else:
                happens("BOOKING_PAYMENT_INITIATED", uid, paymentId=1, status="ACCEPTED")
                happens("BOOKING_PAID", uid, paymentId=1, status="ACCEPTED")
    return facts
