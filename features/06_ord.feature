@ord
Feature: Ordering

  Deliveries overtake each other.  What happened last counts, not what arrived last.

  @ord-001 @must @guide @calcom
  Rule: A receiver MUST NOT let a late BOOKING_CREATED revive a cancelled booking.

    Source: Cal.com deliver-webhook.ts (retries, no order); guide, "Best Practices" 7
    Why: the patient has cancelled, and the chair is held for nobody.
    Fix: keep a cancellation final for its uid, and compare createdAt before going back.

    @needs-probe
    Example: A BOOKING_CREATED redelivered after the cancellation changes nothing
      Given a booking that is created, cancelled
      When Cal.com delivers created, cancelled
      And Cal.com redelivers created
      Then the booking is cancelled

    @needs-probe
    Example: A BOOKING_CREATED reported anew after the cancellation changes nothing
      Given a booking that is created, cancelled
      When Cal.com delivers created, cancelled
      And another subscription reports created 5 milliseconds later
      Then the booking is cancelled

    @needs-probe
    Example: A booking that is not cancelled is live
      Given a booking that is created
      When Cal.com delivers created
      And Cal.com redelivers created
      Then the booking is live once at the time of "created"

  @ord-002 @must @guide @calcom
  Rule: A receiver MUST end with a cancelled booking when the cancellation arrives first.

    Source: Cal.com deliver-webhook.ts (parallel deliveries); guide, handleBookingCancelled
    Why: a cancellation that finds no appointment is forgotten, and the booking it belongs to
      comes to life a second later.
    Fix: remember the cancellation of an unknown booking, and let it win over what is older.

    @needs-probe
    Example: Cancelled before created ends cancelled
      Given a booking that is created, cancelled
      When Cal.com delivers cancelled, created
      Then the booking is cancelled

    @needs-probe
    Example: Created before cancelled ends cancelled
      Given a booking that is created, cancelled
      When Cal.com delivers created, cancelled
      Then the booking is cancelled

  @ord-003 @must @guide @calcom
  Rule: A receiver MUST NOT make a live appointment of a cancellation it knows nothing of.

    Source: guide, handleBookingCancelled (`if ($appointment)`)
    Why: an upsert that ignores the event's meaning books what was just called off.
    Fix: on a cancellation, never insert a live appointment.

    @needs-probe
    Example: The cancellation of an unknown booking leaves nothing live
      Given a booking that is created, cancelled
      When Cal.com delivers cancelled
      Then the booking is not live

    @needs-probe
    Example: The cancellation of an unknown booking is acknowledged
      Given a booking that is created, cancelled
      When Cal.com delivers cancelled
      Then the receiver acknowledges it

    @needs-probe
    Example: The creation of an unknown booking leaves it live
      Given a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

  @ord-004 @must @guide @calcom
  Rule: A receiver MUST end at the new time when the reschedule arrives before the creation.

    Source: Cal.com handleNewBooking.ts (fire and forget); guide, handleBookingRescheduled
    Why: a reschedule that finds no appointment is dropped, and the old time stays in the books.
    Fix: keep the reschedule, and order events by createdAt when the creation arrives.

    @needs-probe
    Example: Rescheduled before created ends at the new time
      Given a booking that is created, rescheduled
      When Cal.com delivers rescheduled, created
      Then the booking is live once at the time of "rescheduled"

    @needs-probe
    Example: Created before rescheduled ends at the new time
      Given a booking that is created, rescheduled
      When Cal.com delivers created, rescheduled
      Then the booking is live once at the time of "rescheduled"

  @ord-005 @must @guide @calcom
  Rule: A receiver MUST end at the last time, whatever order the reschedules arrive in.

    Source: Cal.com deliver-webhook.ts (no order); calendar of events by createdAt
    Why: an older reschedule that arrives late would move the booking back.
    Fix: compare the envelope's createdAt with that of the last change, or follow rescheduleUid.

    @needs-probe
    Scenario Outline: <order> ends at the last time
      Given a booking that is created, rescheduled, rescheduled again
      When Cal.com delivers <order>
      Then the booking is live once at the time of "rescheduled again"

      Examples:
        | order                                    |
        | created, rescheduled, rescheduled again  |
        | created, rescheduled again, rescheduled  |
        | rescheduled, created, rescheduled again  |
        | rescheduled, rescheduled again, created  |
        | rescheduled again, created, rescheduled  |
        | rescheduled again, rescheduled, created  |

  @ord-006 @must @guide @calcom
  Rule: A receiver MUST end cancelled when the cancellation happened last, in every order.

    Source: Cal.com deliver-webhook.ts (no order); calendar of events by createdAt
    Why: any of six orders can happen; five of them are somebody's lost cancellation.
    Fix: make the state a function of what happened, not of the order of arrival.

    @needs-probe
    Scenario Outline: <order> ends in a cancelled booking
      Given a booking that is created, rescheduled, cancelled
      When Cal.com delivers <order>
      Then the booking is cancelled

      Examples:
        | order                           |
        | created, rescheduled, cancelled |
        | created, cancelled, rescheduled |
        | rescheduled, created, cancelled |
        | rescheduled, cancelled, created |
        | cancelled, created, rescheduled |
        | cancelled, rescheduled, created |

    @needs-probe
    Example: Without the cancellation the booking stays live
      Given a booking that is created
      When Cal.com delivers created
      Then the booking is live once at the time of "created"

  @ord-007 @must @guide @calcom
  Rule: A receiver MUST end where the host's decision left the booking, in either order.

    Source: guide, "Supported Events"; Cal.com handleConfirmation.ts, confirm.handler.ts
    Why: a request that arrives after its own answer must not reopen the question.
    Fix: compare createdAt before going back to "requested".

    @needs-probe
    Scenario Outline: <order> ends in a confirmed booking
      Given a booking that is requested, confirmed
      When Cal.com delivers <order>
      Then the booking is live once at the time of "requested"

      Examples:
        | order                |
        | requested, confirmed |
        | confirmed, requested |

    @needs-probe
    Scenario Outline: <order> ends in a rejected booking
      Given a booking that is requested, rejected
      When Cal.com delivers <order>
      Then the booking is rejected

      Examples:
        | order                |
        | requested, rejected  |
        | rejected, requested  |

  @ord-008 @must @calcom
  Rule: A receiver MUST make one live appointment of BOOKING_CREATED and BOOKING_PAID in either order.

    Source: Cal.com handleConfirmation.ts (PAID is sent right after CREATED, and not awaited)
    Why: the two race each other on every paid booking.
    Fix: upsert by uid, whichever of the two comes first.

    @needs-probe
    Scenario Outline: <order> ends in one live booking
      Given a booking that is payment initiated, paid for, paid
      When Cal.com delivers <order>
      Then the booking is live once at the time of "paid for"

      Examples:
        | order                              |
        | payment initiated, paid for, paid  |
        | payment initiated, paid, paid for  |
        | paid, paid for, payment initiated  |

  @ord-009 @should @guide @calcom
  Rule: A receiver SHOULD let the cancellation win when two events carry the same createdAt.

    Source: Cal.com sendPayload.ts (createdAt has milliseconds, no counter)
    Why: two events within one millisecond are rare, and one of them is final.
    Fix: on a tie, prefer the terminal state.

    @needs-probe
    Scenario Outline: <order> of one millisecond ends in a cancelled booking
      Given a booking that is created, cancelled, all within one millisecond
      When Cal.com delivers <order>
      Then the booking is cancelled

      Examples:
        | order              |
        | created, cancelled |
        | cancelled, created |

  @ord-010 @must @guide @calcom
  Rule: A receiver MUST end where the last event left the booking, in every order of all its events.

    Source: Cal.com deliver-webhook.ts (no order); calendar of events by createdAt
    Why: four events can arrive in twenty-four orders, and a rule of thumb that mends two of them
      breaks a third.
    Fix: keep every event, and fold them by createdAt and rescheduleUid whenever one more arrives.

    @needs-probe
    Scenario Outline: Every order of <life> ends at the last time
      Given bookings that are <life>, one for each order
      When Cal.com delivers the events of each booking in its order
      Then each booking is live once at the time of "<last>"

      Examples:
        | life                                                          | last                   |
        | created, rescheduled, rescheduled again, rescheduled once more | rescheduled once more |
        | created, rescheduled, rescheduled back                        | rescheduled back       |

    @needs-probe
    Scenario Outline: Every order of <life> ends with the cancellation
      Given bookings that are <life>, one for each order
      When Cal.com delivers the events of each booking in its order
      Then each booking is cancelled

      Examples:
        | life                                                                     |
        | created, rescheduled, rescheduled again, cancelled                       |
        | created, rescheduled, rescheduled again, rescheduled once more, cancelled |
        | requested, confirmed, cancelled                                          |

  @ord-011 @must @guide @calcom
  Rule: A receiver MUST NOT go back to an older event that comes again.

    Source: Cal.com deliver-webhook.ts (a retry comes minutes later); guide, "Duplicate Event
      Processing"
    Why: the retry of the first reschedule would move the booking away from where the second one
      left it.
    Fix: answer 2xx to what is known and do nothing; compare createdAt before anything is changed.

    @needs-probe
    Scenario Outline: <again> that comes again after <life> changes nothing
      Given a booking that is <life>
      When Cal.com delivers <life>
      And Cal.com redelivers <again>
      Then the appointment stands as it stood before the redelivery

      Examples:
        | again       | life                                    |
        | rescheduled | created, rescheduled, rescheduled again |
        | rescheduled | created, rescheduled, cancelled         |
        | requested   | requested, confirmed                    |
        | requested   | requested, rejected                     |
        | confirmed   | requested, confirmed, cancelled         |

    @needs-probe
    Example: A request that is followed by nothing takes effect
      Given a booking that is requested
      When Cal.com delivers requested
      Then requested has taken effect

  @ord-012 @should @guide @calcom
  Rule: A receiver SHOULD let the later step of a booking win when two carry the same createdAt.

    Source: Cal.com sendPayload.ts (milliseconds, no counter); guide, "Webhook Payload Structure"
      (whole seconds)
    Why: with whole seconds a booking and its reschedule easily share a createdAt.
    Fix: on a tie, let a decision win over its request, and a reschedule over what it moves.

    @needs-probe
    Scenario Outline: <order> of one millisecond ends in a moved booking
      Given a booking that is created, rescheduled, all within one millisecond
      When Cal.com delivers <order>
      Then the booking is live once at the time of "rescheduled"

      Examples:
        | order                |
        | created, rescheduled |
        | rescheduled, created |

    @needs-probe
    Scenario Outline: <order> of one millisecond ends in a rejected booking
      Given a booking that is requested, rejected, all within one millisecond
      When Cal.com delivers <order>
      Then the booking is rejected

      Examples:
        | order               |
        | requested, rejected |
        | rejected, requested |

  @ord-013 @must @calcom
  Rule: A receiver MUST follow a booking that the host asked to move, in every order of its events.

    Source: Cal.com requestReschedule.handler.ts (BOOKING_CANCELLED with requestReschedule);
      deliver-webhook.ts (no order)
    Why: the wish to move may overtake the reschedule before it, and arrive after the one it led to.
    Fix: let each uid have its own end, and follow rescheduleUid from one to the next.

    @needs-probe
    Scenario Outline: Every order of <life> ends at the last time of all
      Given bookings that are <life>, one for each order
      When Cal.com delivers the events of each booking in its order
      Then each booking is live once at the time of "<last>"

      Examples:
        | life                                                            | last              |
        | created, called off by the host, rescheduled, rescheduled again | rescheduled again |
        | created, rescheduled, called off by the host, rescheduled again | rescheduled again |

    @needs-probe
    Example: In every order a booking that was moved and then called off by the host is not live
      Given bookings that are created, rescheduled, called off by the host, one for each order
      When Cal.com delivers the events of each booking in its order
      Then each booking is not live

  @ord-014 @must @calcom
  Rule: A receiver MUST end with the seats that are taken, in every order of taking and giving back.

    Source: Cal.com handleSeats.ts; cancelAttendeeSeat.ts; deliver-webhook.ts (no order)
    Why: a seat given back before the receiver has heard of the booking reads like the end of all.
    Fix: keep seats by their people, and let no seat's cancellation end the booking of the others.

    @needs-probe
    Scenario Outline: Every order of <life> leaves somebody seated
      Given bookings that are <life>, one for each order
      When Cal.com delivers the events of each booking in its order
      Then each booking is live once while somebody sits in it

      Examples:
        | life                                                                |
        | created with a seat, joined by another guest                        |
        | created with a seat, joined by another guest, left by a guest       |

    @needs-probe
    Example: Every order of the events of a seated booking ends with its cancellation
      Given bookings that are created with a seat, joined by another guest, cancelled, one for each order
      When Cal.com delivers the events of each booking in its order
      Then each booking is cancelled

  @ord-015 @must @guide @calcom
  Rule: A receiver MUST end where the last event left the booking when all its events arrive at once.

    Source: Cal.com tasker (deliveries of one booking run in parallel); guide, "Best Practices" 7
    Why: two workers that read one appointment at the same time write over each other's change.
    Fix: lock the booking while its events are applied, or work on them one at a time.

    @needs-probe
    Example: Bookings whose events all arrive at the same instant end cancelled
      Given bookings that are created, rescheduled, cancelled, one for each order
      When Cal.com delivers all events of each booking at the same instant
      Then each booking is cancelled

    @needs-probe
    Example: Bookings whose reschedules all arrive at the same instant end at the last time
      Given bookings that are created, rescheduled, rescheduled again, one for each order
      When Cal.com delivers all events of each booking at the same instant
      Then each booking is live once at the time of "rescheduled again"
