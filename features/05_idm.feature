@idm
Feature: Idempotency

  Senders repeat themselves, and Cal.com gives no delivery a number.

  @idm-001 @must @guide @calcom
  Rule: A receiver MUST NOT repeat the effect of identical bytes.

    Source: guide, "Duplicate Event Processing"; Cal.com deliver-webhook.ts (up to four attempts)
    Why: a retry after a lost answer would book, mail and bill twice.
    Fix: derive an id from the raw body and keep it under a unique constraint.

    @needs-probe
    Scenario Outline: A booking <event> and reported twice is <event> once
      Given a booking that is <life>
      When Cal.com delivers <life>
      And <event> has taken effect
      And Cal.com redelivers <event>
      Then <event> has its effect once
      And no booking has two appointments

      Examples:
        | event       | life                  |
        | created     | created               |
        | rescheduled | created, rescheduled  |
        | cancelled   | created, cancelled    |
        | requested   | requested             |
        | rejected    | requested, rejected   |

    @needs-probe
    Example: A booking reported ten times one after another exists once
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      And it has taken effect
      And Cal.com delivers it 9 times in a row
      Then it has its effect once
      And no booking has two appointments

    @needs-probe
    Example: A booking reported once exists once
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has taken effect
      And no booking has two appointments

  @idm-002 @must @guide
  Rule: A receiver MUST acknowledge a redelivery of what it has taken.

    Source: guide, "Duplicate Event Processing" (ignored, not refused); RFC 9110 section 15.6
    Why: a sender that is told "no" about an event already taken keeps coming back.
    Fix: catch the unique violation and answer as for the first.

    Scenario Outline: A <trigger> delivery is acknowledged the second time
      Given a <trigger> delivery
      When Cal.com delivers it
      And Cal.com redelivers it
      Then the receiver acknowledges each of them

      Examples:
        | trigger             |
        | BOOKING_CREATED     |
        | BOOKING_RESCHEDULED |
        | BOOKING_CANCELLED   |
        | FORM_SUBMITTED      |

    Example: The same body under a wrong signature is turned away the second time
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      But its signature is 64 random hex digits
      And Cal.com redelivers it
      Then the receiver refuses it

  @idm-003 @must @guide @calcom
  Rule: A receiver MUST have one effect of copies that arrive at the same instant.

    Source: guide, "Duplicate Event Processing" (the check before the insert is a race)
    Why: looking first and inserting afterwards lets every copy look before any has inserted.
    Fix: let the database's unique constraint decide, not a query before it.

    @needs-probe @race
    Scenario Outline: Twenty copies of a booking <event> have one effect
      Given a booking that is <life>, as one before it that took effect
      When Cal.com delivers <before>
      And Cal.com delivers <event> 20 times at the same instant
      Then <event> has its effect once
      And no booking has two appointments

      Examples:
        | event       | life                 | before  |
        | created     | created              | nothing |
        | rescheduled | created, rescheduled | created |
        | cancelled   | created, cancelled   | created |

    @needs-probe
    Example: Twenty bookings at the same instant are twenty
      Given 20 BOOKING_CREATED deliveries
      When Cal.com delivers them at the same instant
      Then each of them has its effect once

  @idm-004 @should @guide @calcom
  Rule: A receiver SHOULD have one effect of an occurrence that is reported twice.

    Source: Cal.com getWebhooks.ts (one delivery per matching subscription, no de-duplication)
    Why: one URL subscribed for a user and for an event type hears of everything twice, with
      another createdAt, and so other bytes.
    Fix: make handlers idempotent by what happened, not by the bytes that told of it.

    @needs-probe
    Scenario Outline: A booking <event> that is reported again <later> milliseconds later happens once
      Given a booking that is <life>
      When Cal.com delivers <life>
      And <event> has taken effect
      And another subscription reports <event> <later> milliseconds later
      Then <event> has its effect once
      And no booking has two appointments

      Examples:
        | event       | life                 | later |
        | created     | created              | 1     |
        | created     | created              | 1500  |
        | rescheduled | created, rescheduled | 1     |
        | cancelled   | created, cancelled   | 37    |

    @needs-probe
    Example: Two reschedules to different times are two
      Given a booking that is created, rescheduled, rescheduled again
      When Cal.com delivers created, rescheduled
      And rescheduled has taken effect
      And Cal.com delivers rescheduled again
      Then rescheduled again has its effect once

  @idm-005 @must @guide @calcom
  Rule: A receiver MUST have one effect of a delivery whose answer the sender did not wait for.

    Source: Cal.com deliver-webhook.ts (network errors are retried with identical bytes)
    Why: the sender cannot know whether a delivery without an answer was taken.
    Fix: make the redelivery harmless, whatever became of the first attempt.

    @needs-probe
    Scenario Outline: A booking <event> and reported again after the client went away is <event> once
      Given a booking that is <life>, as one before it that took effect
      When Cal.com delivers <before>
      And Cal.com delivers <event> and goes away before the answer
      And Cal.com redelivers <event>
      Then <event> has its effect once
      And no booking has two appointments

      Examples:
        | event       | life               | before  |
        | created     | created            | nothing |
        | cancelled   | created, cancelled | created |

    @needs-probe
    Example: A booking whose answer was waited for exists once
      Given a booking that is created
      When Cal.com delivers created
      Then created has taken effect

  @idm-006 @must @guide @calcom
  Rule: A receiver MUST NOT take one occurrence for another.

    Source: guide, "Webhook Handler Service"; Cal.com booking payloads (uid, bookingId)
    Why: a key of the uid alone swallows the cancellation; a key of person and slot swallows the
      second booking.
    Fix: derive the key from the whole body, or from trigger, uid and what distinguishes the event.

    @needs-probe
    Example: Created, rescheduled and cancelled each have their effect
      Given a booking that is created, rescheduled, cancelled
      When Cal.com delivers created, rescheduled, cancelled
      Then created has its effect once
      And rescheduled has its effect once
      And cancelled has its effect once

    @needs-probe
    Example: Two reschedules of one booking both have their effect
      Given a booking that is created, rescheduled, rescheduled again
      When Cal.com delivers created, rescheduled, rescheduled again
      Then rescheduled has its effect once
      And rescheduled again has its effect once

    @needs-probe
    Example: Two bookings of one person are two
      Given 2 BOOKING_CREATED deliveries of the same person
      When Cal.com delivers them
      Then each of them has its effect once

    @needs-probe
    Example: Two bookings that differ in their uid alone are two
      Given 2 BOOKING_CREATED deliveries that differ in uid and booking id alone
      When Cal.com delivers them
      Then each of them has its effect once

  @idm-007 @must @guide @calcom
  Rule: A receiver MUST recognise a redelivery however late it comes.

    Source: guide, "Duplicate Event Processing" (a table, not a cache)
    Why: a memory of the last few ids forgets the one that comes back tomorrow.
    Fix: keep delivery ids in the database, for as long as effects can be repeated.

    @needs-probe
    Example: A redelivery after forty other bookings has no second effect
      Given a booking that is created
      When Cal.com delivers created
      And created has taken effect
      And 40 other bookings are made
      And Cal.com redelivers created
      Then created has its effect once

    @needs-probe @needs-states
    Scenario Outline: A redelivery after <time> has no second effect
      Given a booking that is created
      When Cal.com delivers created
      And created has taken effect
      And <seconds> seconds pass
      And Cal.com redelivers created
      Then created has its effect once

      Examples:
        | time         | seconds |
        | ten minutes  | 600     |
        | two days     | 172800  |

    @needs-probe
    Example: A new booking after forty others has its effect
      Given a BOOKING_CREATED delivery
      When 40 other bookings are made
      And Cal.com delivers it
      Then it has taken effect

  @idm-008 @must @guide
  Rule: A receiver MUST keep one record of a delivery, however often it arrives.

    Source: guide, "Duplicate Event Processing" (webhook_events, webhook_id unique)
    Why: the record is what the duplicate is recognised by, and what a replay starts from.
    Fix: insert into webhook_events under its unique webhook_id, and ignore the conflict.

    @needs-probe
    Example: Three attempts leave one record
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it 3 times in a row
      Then the receiver keeps one record of it

    @needs-probe @race
    Example: Twenty attempts at the same instant leave one record
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it 20 times at the same instant
      Then the receiver keeps one record of it

    @needs-probe
    Example: One attempt leaves one record
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver keeps one record of it

  @idm-009 @must @guide @calcom
  Rule: A receiver MUST NOT let a redelivery do anything else.

    Source: guide, "Duplicate Event Processing" ("Duplicate webhook ignored")
    Why: some receivers answer a repeated booking by booking the next free slot.
    Fix: stop at the duplicate; do not run the handler again.

    @needs-probe
    Scenario Outline: A redelivery of a booking <event> leaves everything as it was
      Given a booking that is <life>
      When Cal.com delivers <life>
      And <event> has taken effect
      And Cal.com redelivers <event>
      Then the redelivery changed nothing at all

      Examples:
        | event       | life                 |
        | created     | created              |
        | cancelled   | created, cancelled   |
        | rescheduled | created, rescheduled |

    @needs-probe
    Example: The first delivery did change something
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has taken effect

  @idm-010 @must @guide @calcom
  Rule: A receiver MUST NOT have had more effects of a booking than different bodies told of.

    Source: guide, "Duplicate Event Processing"
    Why: what happens twice only minutes later is seen by nobody who looks at once, and a cache of some
      minutes or some thousand ids knows everything until then.
    Fix: guard every effect, also those of retries and of jobs that run later; keep ids, not a cache.

    @last @needs-probe
    Example: At the end of the run no booking has more effects than bodies told of
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      And Cal.com redelivers what took effect first in this run
      Then it has taken effect
      And no booking of this run has had more effects than different bodies told of

  @idm-011 @must @calcom
  Rule: A receiver MUST NOT fail on a redelivery of what it has taken.

    Source: Cal.com deliver-webhook.ts (what fails is sent again); RFC 9110 section 15.6
    Why: a sender that is told to try again about an event already taken never comes to an end.
    Fix: catch the unique violation and answer as for the first.

    Scenario Outline: A <trigger> delivery does not fail the second time
      Given a <trigger> delivery
      When Cal.com delivers it
      And Cal.com redelivers it
      Then the receiver answers without failing

      Examples:
        | trigger             |
        | BOOKING_CREATED     |
        | BOOKING_RESCHEDULED |
        | BOOKING_CANCELLED   |
        | FORM_SUBMITTED      |

    Example: A delivery is acknowledged the first time
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @idm-012 @should @calcom
  Rule: A receiver SHOULD acknowledge a redelivery of what it has taken.

    Source: Cal.com deliver-webhook.ts (any answer but a 2xx is logged as a failure)
    Why: a 409 loses nothing, and reads like a failure to whoever looks after the sender.
    Fix: catch the unique violation and answer as for the first.

    Scenario Outline: The second time a <trigger> delivery is acknowledged as well
      Given a <trigger> delivery
      When Cal.com delivers it
      And Cal.com redelivers it
      Then the receiver acknowledges each of them

      Examples:
        | trigger             |
        | BOOKING_CREATED     |
        | BOOKING_RESCHEDULED |
        | BOOKING_CANCELLED   |
        | FORM_SUBMITTED      |

    Example: Under a wrong signature the same body is turned away the second time
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      But its signature is 64 random hex digits
      And Cal.com redelivers it
      Then the receiver refuses it
