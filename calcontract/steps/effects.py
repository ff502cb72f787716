"""Then: what the receiver's world looks like afterwards."""

from __future__ import annotations

from pytest_bdd import given, parsers, then, when

from calcontract.deliveries import Item
from calcontract.errors import Blocked, CatalogueError, NotApplicable, Violation
from calcontract.judges import effects
from calcontract.probes import Appointment
from calcontract.steps.happenings import LIFE, lead
from calcontract.steps.sending import _NAME
from calcontract.story import Story

#: What somebody else could have caused has to be seen this often before it accuses.
_REPEATS = 3

#: Uids asked for in one look: an address must not grow beyond what servers take.
_AT_A_TIME = 50

#: The reasons by which a judge says that something has not happened.
_MISSING = frozenset({"effect-missing", "appointments-missing"})

_EACH = "each of them"
_TAKEN_EFFECT = rf"(?P<name>{_NAME}|{_EACH}) has taken effect$"

#: Triggers after which an appointment is confirmed, and its time counts.
_CONFIRMING = frozenset({"BOOKING_CREATED", "BOOKING_CONFIRMED"})


def _once(story: Story, item: Item) -> None:
    look, count = story.look_at([item.uid]), story.occurrences(item)
    with item.accused():
        effects.happened(look, trigger=item.trigger, uid=item.uid, occurrences=count)
        if item.trigger in _CONFIRMING and len(story.items) == 1:
            effects.single(look, history=story.history)
    if item.trigger == "BOOKING_CREATED" and item.delivery is item.lawful:
        story.target.earliest = story.target.earliest or item.delivery


@then(parsers.re(rf"(?P<name>{_NAME}) has its effect once(?P<asked>, as the guide asks)?$"))
def _effect_once(story: Story, name: str, asked: str | None) -> None:
    if asked and story.target.settings.profile != "guide":
        # Who follows the real sender may do nothing about it; what is declared of that is judged
        # by a clause of its own.
        return
    _once(story, story.named(name))
    if asked:
        effects.single(story.look())


def _begun(story: Story, item: Item) -> None:
    """
    Have seen the first effect of *item*: until then nothing can be said of a second one.

    Raises:
        Blocked: if there is none; whose fault that is, is for the clauses which ask for it.
        Violation: if there are several already.
    """
    try:
        _once(story, item)
    except Violation as stop:
        if stop.reason not in _MISSING:
            raise
        raise Blocked(
            f"{stop.sentence}: without a first effect nothing can be said of a second",
            reason="first-effect-missing",
        ) from None


@when(parsers.re(_TAKEN_EFFECT))
@then(parsers.re(_TAKEN_EFFECT))
def _taken_effect(story: Story, name: str) -> None:
    for item in list(story.items.values()) if name == _EACH else [story.named(name)]:
        _begun(story, item)


@given(parsers.re(rf"a booking that is {LIFE}, as one before it that took effect$"))
def _as_before(story: Story, life: str) -> None:
    lead(story, life)
    for item in story.items.values():
        story.send(item)
        story.look()
    # Who does nothing about its last event shows nothing by not doing it twice.
    _begun(story, story.it)
    story.items.clear()
    lead(story, life)


@then("each of them has its effect once")
def _each_once(story: Story) -> None:
    for item in story.items.values():
        look = story.look_at([item.uid])
        with item.accused():
            effects.happened(look, trigger=item.trigger, uid=item.uid, occurrences=1)
            # Who only tells somebody of a request may wait with the appointment.
            if item.trigger in _CONFIRMING or story.target.settings.profile == "guide":
                effects.single(look, history=story.history)


@then("everybody who sits there has had an effect")
def _everybody(story: Story) -> None:
    items = [item for item in story.items.values() if item.trigger == "BOOKING_CREATED"]
    last = items[-1]
    effects.seated(
        story.look(),
        uid=last.uid,
        guests=[guest.email for guest in last.booking.guests],
        occurrences=story.occurrences(last),
    )


@then("it has no effect")
def _no_effect(story: Story) -> None:
    if story.it.attempts and story.it.last.answer is None:
        # Nobody knows how far it came; what is sent after it and has come to rest came later.
        after = story.beside("the one after it")
        story.send(after)
        story.look_at([after.uid])
    effects.nothing(story.target.look([story.it.uid]), [story.it.uid])


@then("nothing changes at all")
def _nothing_changes(story: Story) -> None:
    item = story.it
    for tried in range(1, _REPEATS + 1):
        before = story.target.look()
        fresh = story.tell(item.name, story.calendar.any_of(item.trigger, story.now()))
        story.send(fresh)
        try:
            effects.unchanged(before, story.target.look())
        except Violation:
            # Somebody else may use the receiver while we look at its totals.
            if tried == _REPEATS:
                raise
        else:
            return


@then("no appointment is made")
def _no_appointment(story: Story) -> None:
    for tried in range(1, _REPEATS + 1):
        before = story.target.look().totals["appointments"]
        fresh = story.tell("form", story.calendar.any_of(story.it.trigger, story.now()))
        story.send(fresh)
        after = story.target.look().totals["appointments"]
        if before == after:
            return
        if tried == _REPEATS:
            raise Violation(
                f"the number of appointments went from {before} to {after}",
                expected="no appointment",
                reason="effect-unexpected",
            )


@then(parsers.re(r"there is one appointment(?P<most> at the most)?$"))
def _one_appointment(story: Story, most: str | None) -> None:
    judge = effects.one_at_most if most else effects.one
    judge(story.look(), history=story.history)


@then("no booking has two appointments")
def _not_doubled(story: Story) -> None:
    effects.distinct(story.look())


@then(parsers.re(r'the booking is live once at the time of "(?P<name>[^"]+)"$'))
def _live_once(story: Story, name: str) -> None:
    booking = story.named(name).booking
    effects.live_once(story.look(), start=booking.start, end=booking.end)


@then(parsers.re(r'it has no effect, or it is live once at the time of "(?P<name>[^"]+)"$'))
def _all_or_nothing(story: Story, name: str) -> None:
    look = story.look_at([story.it.uid])
    if look.appointments:
        _live_once(story, name)
    elif look.keeps_appointments:
        effects.nothing(look, [story.it.uid])


@then(parsers.re(r"the booking is (?P<how>cancelled|rejected|not live)$"))
def _over(story: Story, how: str) -> None:
    # The guide keeps the appointment and sets its status; a receiver of the real sender may as
    # well remove it.
    kept = how != "not live" and story.target.settings.profile == "guide"
    effects.over(story.look(), status=how if kept else None)


@then("the booking is not confirmed")
def _not_confirmed(story: Story) -> None:
    effects.not_confirmed(story.look())


@then("the other booking is untouched")
def _untouched(story: Story) -> None:
    if story.bystander is None:
        raise CatalogueError("there is no other booking in this check")
    story.look()
    item, before = story.bystander
    after = story.target.look([item.uid])
    if before.appointments != after.appointments:
        raise Violation(
            f"the appointment of the other booking {item.uid} changed",
            expected="the other booking to stay as it was",
            reason="bystander-touched",
        )


@then("the redelivery changed nothing at all")
def _redelivery_changed_nothing(story: Story) -> None:
    if story.before is None:
        raise CatalogueError("nothing was redelivered in this check")
    effects.same(story.before, story.look())


@then("the receiver keeps one record of it")
def _one_record(story: Story) -> None:
    effects.recorded_once(story.target.look([story.it.uid]))


@then("its appointment carries that booking id")
def _booking_id(story: Story) -> None:
    appointment = effects.one(story.look())
    wanted = story.it.booking.id
    if appointment.booking_id is None:
        raise NotApplicable("the probe shows no booking id", reason="not-shown")
    if appointment.booking_id != wanted:
        raise Violation(
            f"the appointment carries the booking id {appointment.booking_id}",
            expected=f"the booking id {wanted}",
            reason="booking-id",
        )


def _ours(story: Story) -> Appointment:
    if story.appointment is None:
        raise CatalogueError("there is no appointment of ours in this check")
    look = story.target.look([], story.appointment)
    return effects.one(look)


@then("our appointment is confirmed and carries the booking's uid and id")
def _ours_confirmed(story: Story) -> None:
    appointment = _ours(story)
    booking = story.it.booking
    found = (appointment.status, appointment.uid, appointment.booking_id)
    if found != ("confirmed", booking.uid, booking.id):
        raise Violation(
            f"it is {found[0]}, with uid {found[1]} and id {found[2]}",
            expected=f"our appointment confirmed, with uid {booking.uid} and id {booking.id}",
            reason="appointment-not-confirmed",
        )


@then("our appointment still waits")
def _ours_waits(story: Story) -> None:
    story.look()
    appointment = _ours(story)
    if appointment.status != "scheduled":
        raise Violation(
            f"our appointment is {appointment.status}",
            expected="our appointment left alone",
            reason="bystander-touched",
        )


@then("the cancellation's reason is kept")
def _reason_kept(story: Story) -> None:
    _reason(story, str(story.it.booking.cancellation_reason))


@then(parsers.re(r'the cancellation\'s reason is "(?P<reason>[^"]+)"$'))
def _reason(story: Story, reason: str) -> None:
    appointment = effects.one(story.look())
    if appointment.cancellation_reason != reason:
        raise Violation(
            f"the reason kept is {appointment.cancellation_reason!r}",
            expected=f"the reason {reason!r}",
            reason="cancellation-reason",
        )


@when("Cal.com redelivers what took effect first in this run")
def _first_of_all_again(story: Story) -> None:
    # Nothing may have: then there is nothing to forget.
    if story.target.earliest is not None:
        story.attempts.append(story.attempt(story.target.earliest))


@then("no booking of this run has had more effects than different bodies told of")
def _bounded(story: Story) -> None:
    bodies = story.target.sent.bodies
    uids = sorted({uid for _, uid in bodies})
    for start in range(0, len(uids), _AT_A_TIME):
        part = frozenset(uids[start : start + _AT_A_TIME])
        counts = {key: len(told) for key, told in bodies.items() if key[1] in part}
        effects.bounded(story.target.look(sorted(part)), counts)
