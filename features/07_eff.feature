@eff
Feature: Effects on appointments

  The reason anyone listens at all.

  @eff-001 @must @guide @calcom
  Rule: A receiver MUST make one confirmed appointment of a new booking, at its time.

    Source: guide, handleBookingCreated (createAppointmentFromWebhook)
    Why: a booking made on Cal.com's page exists nowhere else.
    Fix: create the appointment with the payload's start and end.

    @needs-probe
    Scenario Outline: A booking for <slot> becomes an appointment at that instant
      Given a booking for <slot>
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

      Examples:
        | slot                               |
        | tomorrow at noon                   |
        | a summer morning                   |
        | the night clocks go forward        |
        | the night clocks go back           |
        | the hour that comes twice          |
        | the night American clocks go forward |
        | the night American clocks go back |
        | a leap day |
        | the last minute of a year          |

    @needs-probe
    Example: A refused booking becomes no appointment
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then it has no effect

  @eff-002 @must @guide
  Rule: A receiver MUST confirm its own appointment when the booking carries its number.

    Source: guide, handleBookingCreated (askproai_appointment_id)
    Why: the appointment was made by phone first; a second one would double-book the patient.
    Fix: look the appointment up by metadata.askproai_appointment_id and update it.

    @needs-probe @needs-states
    Example: A booking that carries our appointment's number confirms it
      Given an appointment of ours
      And a booking that is created, for our appointment
      When Cal.com delivers created
      Then our appointment is confirmed and carries the booking's uid and id
      And there is one appointment

    @needs-probe @needs-states
    Example: A booking without a number leaves our appointment alone
      Given an appointment of ours
      And a booking that is created
      When Cal.com delivers created
      Then our appointment still waits

  @eff-003 @must @guide
  Rule: A receiver MUST NOT lose a booking that carries an appointment number it does not know.

    Source: guide, handleBookingCreated (the missing else of `if ($appointment)`)
    Why: in the guide's own code such a booking vanishes without a trace.
    Fix: create the appointment when the number leads nowhere.

    @needs-probe
    Example: A booking with an unknown appointment number becomes an appointment
      Given a booking that is created, for an appointment that nobody knows
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

    @needs-probe
    Example: A booking without any appointment number becomes an appointment
      Given a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

  @eff-004 @must @guide @calcom
  Rule: A receiver MUST move the appointment of a rescheduled booking, and leave none behind.

    Source: guide, handleBookingRescheduled; Cal.com handleNewBooking.ts (a new uid, rescheduleUid
      names the old one, and no BOOKING_CANCELLED for it)
    Why: looked up by the new uid the reschedule is lost; treated as new it leaves a ghost.
    Fix: look the appointment up by rescheduleUid first, then by uid, then by booking id.

    @needs-probe
    Example: A booking rescheduled once is live at its new time alone
      Given a booking that is created, rescheduled
      When Cal.com delivers created, rescheduled
      Then the booking is live once at the time of "rescheduled"
      And there is one appointment

    @needs-probe
    Example: A booking rescheduled three times is live at its last time alone
      Given a booking that is created, rescheduled, rescheduled again, rescheduled once more
      When Cal.com delivers created, rescheduled, rescheduled again, rescheduled once more
      Then the booking is live once at the time of "rescheduled once more"
      And there is one appointment

    @needs-probe
    Example: A booking that is not rescheduled stays where it is
      Given a booking that is created
      When Cal.com delivers created
      And 1 other bookings are made
      Then the booking is live once at the time of "created"

  @eff-005 @must @guide @calcom
  Rule: A receiver MUST cancel the appointment of a cancelled booking.

    Source: guide, handleBookingCancelled
    Why: a slot that stays taken is lost to everyone else.
    Fix: set the appointment to cancelled and free its slot.

    @needs-probe
    Example: A cancelled booking's appointment is cancelled
      Given a booking that is created, cancelled
      When Cal.com delivers created, cancelled
      Then the booking is cancelled

    @needs-probe
    Example: A booking cancelled after a reschedule is cancelled
      Given a booking that is created, rescheduled, cancelled
      When Cal.com delivers created, rescheduled, cancelled
      Then the booking is cancelled

    @needs-probe
    Example: A booking that is not cancelled stays
      Given a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

  @eff-006 @should @guide
  Rule: A receiver SHOULD keep the reason of a cancellation.

    Source: guide, handleBookingCancelled (cancellation_reason)
    Why: the practice calls back differently after "ill" and after "found another dentist".
    Fix: store cancellationReason, or "Cal.com booking cancelled" when none is given.

    @needs-probe
    Example: A reason that was given is kept
      Given a booking that is created, cancelled
      When Cal.com delivers created, cancelled
      Then the cancellation's reason is kept

    @needs-probe
    Example: A cancellation without a reason gets the guide's words
      Given a booking that is created, cancelled without a reason
      When Cal.com delivers created, cancelled without a reason
      Then the cancellation's reason is "Cal.com booking cancelled"

  @eff-007 @must @guide @calcom
  Rule: A receiver MUST NOT touch another booking of the same person.

    Source: guide, findAppointmentByCalcomId (by the booking, not by the person)
    Why: an appointment found by e-mail address is often the wrong one.
    Fix: match by uid and booking id only.

    @needs-probe
    Scenario Outline: A booking that is <event> leaves the person's other booking alone
      Given another booking of the same person that the receiver knows
      And a booking that is <life>
      When Cal.com delivers <life>
      Then the other booking is untouched

      Examples:
        | event       | life                 |
        | cancelled   | created, cancelled   |
        | rescheduled | created, rescheduled |
        | rejected    | requested, rejected  |

    @needs-probe
    Example: Two bookings of a person are both made
      Given another booking of the same person that the receiver knows
      And a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"
      And the other booking is untouched

    @needs-probe
    Example: A cancellation alone leaves the person's other booking alone
      Given another booking of the same person that the receiver knows
      And a booking that is created, cancelled
      When Cal.com delivers cancelled
      Then the other booking is untouched

  @eff-008 @must @guide @calcom
  Rule: A receiver MUST NOT confirm an appointment because a payment was started.

    Source: Cal.com handleNewBooking.ts (status reads ACCEPTED although nothing is paid);
      guide, "Supported Events" ("Payment started")
    Why: whoever opens the payment page and leaves would hold the slot for free.
    Fix: confirm on BOOKING_CREATED or BOOKING_PAID, never on BOOKING_PAYMENT_INITIATED.

    @needs-probe
    Example: A booking whose payment was started is not confirmed
      Given a booking that is payment initiated
      When Cal.com delivers payment initiated
      Then the booking is not confirmed

    @needs-probe
    Example: A booking that was created is confirmed
      Given a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

  @eff-009 @must @guide @calcom
  Rule: A receiver MUST NOT confirm an appointment that is only requested.

    Source: guide, "Supported Events" ("pending confirmation"); Cal.com status PENDING
    Why: the host may still say no.
    Fix: keep a requested booking apart until it is confirmed, and confirm it then: by BOOKING_CONFIRMED
      in the guide, by BOOKING_CREATED of the same uid in Cal.com.

    @needs-probe
    Example: A requested booking is not confirmed
      Given a booking that is requested
      When Cal.com delivers requested
      Then the booking is not confirmed
      And requested has its effect once, as the guide asks

    @needs-probe
    Example: A requested booking that the host confirms is confirmed, once
      Given a booking that is requested, confirmed
      When Cal.com delivers requested, confirmed
      Then the booking is live once at the time of "requested"
      And there is one appointment

  @eff-010 @must @guide @calcom
  Rule: A receiver MUST NOT keep a rejected booking live.

    Source: guide, "Supported Events"; Cal.com confirm.handler.ts
    Why: the host has said no; the slot is free again.
    Fix: handle BOOKING_REJECTED, and never as a booking; and take a confirmation for none.

    @needs-probe
    Example: A rejected request is rejected
      Given a booking that is requested, rejected
      When Cal.com delivers requested, rejected
      Then the booking is rejected
      And rejected has its effect once, as the guide asks

    @needs-probe
    Example: The rejection of an unknown request leaves nothing live
      Given a booking that is requested, rejected
      When Cal.com delivers rejected
      Then the booking is not live

    @needs-probe
    Example: A confirmed request is live
      Given a booking that is requested, confirmed
      When Cal.com delivers requested, confirmed
      Then the booking is live once at the time of "requested"

  @eff-011 @must @calcom
  Rule: A receiver MUST keep a seated booking alive while somebody sits in it.

    Source: Cal.com handleSeats.ts (RESCHEDULED for one seat, the others stay on the old booking);
      cancelAttendeeSeat.ts (CANCELLED for one seat)
    Why: every seat shares uid and booking id; one guest's cancellation, or one guest's reschedule,
      reads like the end of all.
    Fix: look at seatsPerTimeSlot and the listed attendees before cancelling the whole, and at
      attendeeSeatId before replacing the booking that rescheduleUid names.

    @needs-probe
    Example: Two seats are one booking
      Given a booking that is created with a seat, joined by another guest
      When Cal.com delivers created with a seat, joined by another guest
      Then each slot is live once while somebody sits in it, and then no more

    @needs-probe
    Scenario Outline: A seated booking that is <event> leaves the other guest's seat
      Given a booking that is created with a seat, joined by another guest, <event>
      When Cal.com delivers created with a seat, joined by another guest, <event>
      Then each slot is live once while somebody sits in it, and then no more

      Examples:
        | event             |
        | left by a guest   |
        | moved for a guest |

    @needs-probe
    Example: The cancellation of the whole seated booking ends it
      Given a booking that is created with a seat, joined by another guest, cancelled
      When Cal.com delivers created with a seat, joined by another guest, cancelled
      Then the booking is cancelled

  @eff-012 @must @calcom
  Rule: A receiver MUST make an appointment of each booking of a recurring series.

    Source: Cal.com handleNewRecurringBooking.ts (one BOOKING_CREATED per occurrence)
    Why: a key of person and event type keeps the first week and drops the rest.
    Fix: take each uid for a booking of its own.

    @needs-probe
    Example: A series of four weeks is four appointments
      Given a recurring series of 4 bookings
      When Cal.com delivers them
      Then each of them has its effect once

    @needs-probe
    Example: A single booking is one appointment
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then there is one appointment

  @eff-013 @must @guide @calcom
  Rule: A receiver MUST take one instant for the same instant, however it is written.

    Source: Cal.com sendPayload.ts (Z, .000Z and +00:00 for one slot); RFC 3339 section 5.6
    Why: the same slot is spelled in three ways in three consecutive events of one booking.
    Fix: parse times with their offset and compare instants.

    @needs-probe
    Scenario Outline: A slot written <spelling> is the same instant
      Given a booking that is created
      And its slot is written <spelling>
      When Cal.com delivers it
      Then the booking is live once at the time of "created"

      Examples:
        | spelling                 |
        | with Z                   |
        | with .000Z               |
        | with +00:00              |
        | with +02:00              |
        | with -09:30              |
        | with +05:30 |
        | with +05:45 |
        | with +12:45 |
        | with +14:00 |
        | with -03:30 |
        | with -11:00 |

  @eff-014 @must @calcom
  Rule: A receiver MUST follow a booking that the host asked to move.

    Source: Cal.com requestReschedule.handler.ts (BOOKING_CANCELLED with requestReschedule)
    Why: the cancellation is not the end: the booking comes back as BOOKING_RESCHEDULED.
    Fix: let a reschedule that names a cancelled booking bring it back, under its new uid.

    @needs-probe
    Scenario Outline: <order> ends at the new time
      Given a booking that is created, called off by the host, rescheduled
      When Cal.com delivers <order>
      Then the booking is live once at the time of "rescheduled"

      Examples:
        | order                                      |
        | created, called off by the host, rescheduled |
        | created, rescheduled, called off by the host |

    @needs-probe
    Example: Called off by the host and not moved yet, the booking is not live
      Given a booking that is created, called off by the host
      When Cal.com delivers created, called off by the host
      Then the booking is not live

  @eff-015 @must @calcom
  Rule: A receiver MUST NOT make a second appointment of a reschedule that waits for confirmation.

    Source: Cal.com handleNewBooking.ts (BOOKING_REQUESTED with rescheduleUid)
    Why: the request carries a new uid, and reads like a new booking.
    Fix: follow rescheduleUid on BOOKING_REQUESTED as on BOOKING_RESCHEDULED.

    @needs-probe
    Example: A reschedule that waits for confirmation makes no second appointment
      Given a booking that is created, asked to move, as sent by task-2026
      When Cal.com delivers created, asked to move
      Then there is one appointment at the most

    @needs-probe
    Example: A request that replaces nothing takes effect of its own
      Given 2 BOOKING_REQUESTED deliveries
      When Cal.com delivers them
      Then each of them has taken effect

  @eff-016 @must @guide @calcom
  Rule: A receiver MUST follow a booking back to a time that it had before.

    Source: guide, handleBookingRescheduled; Cal.com handleNewBooking.ts (any free slot may be chosen)
    Why: people move a meeting, think again and move it back; a key of booking and slot takes the
      second move for a repetition of the first booking.
    Fix: tell two reschedules apart by when they happened or by where they come from, too.

    @needs-probe
    Example: A booking that is moved and moved back is live at its first time alone
      Given a booking that is created, rescheduled, rescheduled back
      When Cal.com delivers created, rescheduled, rescheduled back
      Then the booking is live once at the time of "rescheduled back"
      And there is one appointment

    @needs-probe
    Example: A booking that is moved, moved back and moved again is live at its last time alone
      Given a booking that is created, rescheduled, rescheduled back, rescheduled again
      When Cal.com delivers created, rescheduled, rescheduled back, rescheduled again
      Then the booking is live once at the time of "rescheduled again"

  @eff-017 @must @guide @calcom
  Rule: A receiver MUST NOT touch another booking of the same slot.

    Source: guide, findAppointmentByCalcomId (by the booking, not by the slot); Cal.com round-robin
      and team events (one slot, several bookings)
    Why: an appointment found by its time is somebody else's as soon as two hosts work at once.
    Fix: match by uid and booking id only.

    @needs-probe
    Scenario Outline: A booking that is <event> leaves another one of its slot alone
      Given another booking for the same slot that the receiver knows
      And a booking that is <life>
      When Cal.com delivers <life>
      Then the other booking is untouched

      Examples:
        | event       | life                 |
        | cancelled   | created, cancelled   |
        | rescheduled | created, rescheduled |
        | rejected    | requested, rejected  |

    @needs-probe
    Example: Two bookings of one slot are both made
      Given another booking for the same slot that the receiver knows
      And a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"
      And the other booking is untouched

  @eff-018 @must @guide @calcom
  Rule: A receiver MUST take the slot from startTime and endTime, whatever clocks its people live by.

    Source: RFC 3339 section 5.6; Cal.com sendPayload.ts (timeZone and utcOffset describe a person)
    Why: a payload that was made before a change of the clocks carries an offset that is wrong by
      the time of the meeting; half-hour zones break what rounds to hours.
    Fix: use time zones to show a time, never to read one.

    @needs-probe
    Scenario Outline: With people in <zone> at <minutes> minutes a booking is made at its instant
      Given a booking that is created
      And its people live in <zone>, at an offset of <minutes> minutes
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

      Examples:
        | zone                | minutes |
        | Europe/Berlin       | 60      |
        | Europe/Berlin       | 120     |
        | Europe/Berlin       | -300    |
        | Asia/Kolkata        | 330     |
        | Asia/Kathmandu      | 345     |
        | Australia/Lord_Howe | 630     |
        | Pacific/Chatham     | 0       |
        | America/St_Johns    | -150    |
        | Pacific/Kiritimati  | -720    |

  @eff-019 @must @calcom
  Rule: A receiver MUST NOT end or move an appointment for what happens beside its booking.

    Source: Cal.com WebhookTriggerEvents (meetings, no-shows, recordings, absences); guide,
      "Supported Events" (not among them)
    Why: MEETING_ENDED and NO_SHOW read like an end, carry the uid of the booking, and cancel
      nothing; a recording is ready after every call.
    Fix: end an appointment on BOOKING_CANCELLED and BOOKING_REJECTED, and on nothing else.

    @needs-probe
    Scenario Outline: A booking beside which <event> happens stays where it is
      Given a booking that the receiver knows
      And a <event> event beside it
      When Cal.com delivers it
      Then the booking is live once at the time of "created"

      Examples:
        | event                             |
        | MEETING_STARTED                   |
        | MEETING_ENDED                     |
        | BOOKING_NO_SHOW_UPDATED           |
        | RECORDING_READY                   |
        | RECORDING_TRANSCRIPTION_GENERATED |
        | AFTER_HOSTS_CAL_VIDEO_NO_SHOW     |
        | AFTER_GUESTS_CAL_VIDEO_NO_SHOW    |
        | WRONG_ASSIGNMENT_REPORT           |
        | OOO_CREATED                       |

    @needs-probe
    Example: A booking beside which nothing happens stays where it is
      Given a booking that the receiver knows
      And a BOOKING_NO_SHOW_UPDATED event beside it
      When Cal.com delivers nothing
      Then the booking is live once at the time of "created"

  @eff-020 @should @calcom
  Rule: A receiver SHOULD NOT keep a seated booking live once nobody sits in it.

    Source: Cal.com cancelAttendeeSeat.ts (CANCELLED for one seat, also for the last); handleSeats.ts
      (a booking that is rescheduled lives on for those who stay, and for nobody else)
    Why: the room is held for nobody, and the host waits in it.
    Fix: end the appointment when its last seat is given back or has moved.

    @needs-probe
    Scenario Outline: A booking that is <event> as its last one is over
      Given a booking that is created with a seat, <event>
      When Cal.com delivers created with a seat, <event>
      Then each slot is live once while somebody sits in it, and then no more

      Examples:
        | event             |
        | left by a guest   |
        | moved for a guest |

    @needs-probe
    Example: A seated booking that nobody leaves is live
      Given a booking that is created with a seat
      When Cal.com delivers created with a seat
      Then the booking is live once at the time of "created with a seat"

  @eff-021 @must @calcom
  Rule: A receiver MUST NOT end a series because one of its bookings is called off.

    Source: Cal.com handleCancelBooking.ts (one BOOKING_CANCELLED under the uid of that week)
    Why: somebody who skips a week does not give up the other three.
    Fix: cancel the appointment of the uid that the cancellation names, and no other.

    @needs-probe
    Example: One week of a series is called off and the others stay
      Given a recurring series of 4 bookings
      When Cal.com delivers them
      And Cal.com calls off the second of them alone
      Then the second of them is over and each of the others is live

  @eff-022 @should @calcom
  Rule: A receiver SHOULD let every guest of a seated booking take effect.

    Source: Cal.com handleSeats.ts (a BOOKING_CREATED for each guest, all under one uid)
    Why: a key of trigger and uid takes the second guest for a redelivery of the first.
    Fix: add the attendees of a seated booking to those who sit there already.

    @needs-probe
    Example: A guest who joins has an effect, or stands among the attendees
      Given a booking that is created with a seat, joined by another guest
      When Cal.com delivers created with a seat, joined by another guest
      Then everybody who sits there has had an effect

    @needs-probe
    Example: A guest who sits alone has one
      Given a booking that is created with a seat
      When Cal.com delivers created with a seat
      Then created with a seat has its effect once

  @eff-023 @should @calcom
  Rule: A receiver SHOULD list a guest whose seat moved at the new slot, and at the old one no more.

    Source: Cal.com handleSeats.ts (RESCHEDULED for one seat, its guest the only attendee)
    Why: the host of the old slot waits for somebody who comes another day.
    Fix: take the listed attendees out of the booking that rescheduleUid names.

    @needs-probe
    Example: A guest who moves is listed at the new slot, and the other one at the old
      Given a booking that is created with a seat, joined by another guest, moved for a guest
      When Cal.com delivers created with a seat, joined by another guest, moved for a guest
      Then each slot lists those who sit in it, and nobody who has left

    @needs-probe
    Example: A guest who stays is listed where they sit
      Given a booking that is created with a seat
      When Cal.com delivers created with a seat
      Then each slot lists those who sit in it, and nobody who has left
