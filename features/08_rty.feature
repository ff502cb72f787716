@rty
Feature: Retries and poison

  What is acknowledged and then fails is the receiver's to repeat: nobody else will.

  @rty-001 @must @guide @calcom
  Rule: A receiver MUST try again what it has acknowledged and failed to process.

    Source: guide, "Job Implementation" ($tries, $backoff); "Best Practices" 2
    Why: after the 2xx Cal.com forgets the event; a failure that is only logged loses it for ever.
    Fix: keep the delivery until it is processed, and retry it on a schedule.

    @needs-probe @needs-states
    Scenario Outline: Processing that fails <times> has its effect in the end
      Given a BOOKING_CREATED delivery
      And processing of it fails <times>
      When Cal.com delivers it
      And the receiver retries as scheduled
      Then it has its effect once

      Examples:
        | times |
        | once  |
        | twice |

    @needs-probe @needs-states
    Scenario Outline: A booking <event> whose processing fails <times> is <event> in the end
      Given a booking that is <life>
      When Cal.com delivers <before>
      And processing of it fails <times> from now on
      And Cal.com delivers <event>
      And the receiver retries as scheduled
      Then <event> has its effect once

      Examples:
        | event       | times | life                 | before    |
        | rescheduled | once  | created, rescheduled | created   |
        | cancelled   | once  | created, cancelled   | created   |
        | rejected    | twice | requested, rejected  | requested |

    @needs-probe @needs-states
    Example: Processing that does not fail has its effect at once
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
      Then it has its effect once

  @rty-002 @must @guide
  Rule: A receiver MUST wait one minute before the second try and five before the third.

    Source: guide, "Job Implementation" ($backoff = [60, 300, 900])
    Why: a try too early meets the same outage; a try too late finds the patient in the waiting room.
    Fix: schedule the tries at 60 and 300 seconds after the failure before them.

    @needs-probe @needs-states
    Scenario Outline: After <failures> the next try comes at <wait> seconds and not before
      Given a BOOKING_CREATED delivery
      And processing of it fails <failures>
      When Cal.com delivers it
      And the receiver has failed <failures>
      Then the next try comes after <early> seconds and before <late>

      Examples:
        | failures | wait | early | late |
        | once     | 60   | 50    | 70   |
        | twice    | 300  | 280   | 320  |

    @needs-probe @needs-states
    Example: Nothing waits when nothing failed
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has its effect once

  @rty-003 @must @guide
  Rule: A receiver MUST give up after three tries, and tell its administrators.

    Source: guide, "Job Implementation" ($tries = 3, failed()); checklist ("Error notifications")
    Why: an event that fails for ever needs a person, and must not fill the queue until one looks.
    Fix: after the third failure keep the delivery as a dead letter and send a notice.

    @needs-probe @needs-states
    Scenario Outline: Processing that fails <times> ends as a dead letter with a notice
      Given a BOOKING_CREATED delivery
      And processing of it fails <times>
      When Cal.com delivers it
      And the receiver retries as scheduled
      Then the receiver has given it up after 3 tries and told its administrators
      And it has no effect

      Examples:
        | times       |
        | three times |
        | for ever    |

    @needs-probe @needs-states
    Example: Processing that fails twice ends well, without a notice
      Given a BOOKING_CREATED delivery
      And processing of it fails twice
      When Cal.com delivers it
      And the receiver retries as scheduled
      Then it has its effect once
      And nobody is told of it

  @rty-004 @must @guide @calcom
  Rule: A receiver MUST NOT let a delivery that fails hold up the others.

    Source: guide, "Best Practices" 1 and 2
    Why: one poisonous event at the head of a queue stops a whole practice.
    Fix: set a failing delivery aside until its next try, and go on with the rest.

    @needs-probe @needs-states
    Example: A booking behind one that fails for ever has its effect
      Given a BOOKING_CREATED delivery
      And processing of it fails for ever
      When Cal.com delivers it
      And the receiver has had its time for it
      Then another booking has its effect meanwhile

    @needs-probe @needs-states
    Example: A booking behind one that does not fail has its effect
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
      And the receiver has had its time for it
      Then another booking has its effect meanwhile

  @rty-005 @must @guide @calcom
  Rule: A receiver MUST have one effect of a delivery that comes again while a try waits.

    Source: guide, "Duplicate Event Processing" and "Job Implementation" together
    Why: the mark that was set before the work swallows the redelivery, or the redelivery and the
      retry both succeed.
    Fix: mark a delivery as done in the transaction of its effect, not before and not after.

    @needs-probe @needs-states
    Example: A redelivery while a try waits ends in one effect
      Given a BOOKING_CREATED delivery
      And processing of it fails once
      When Cal.com delivers it
      And the receiver has failed once
      And Cal.com redelivers it
      And the receiver retries as scheduled
      Then it has its effect once

    @needs-probe @needs-states
    Example: A redelivery after a success ends in one effect
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
      And Cal.com redelivers it
      Then it has its effect once

  @rty-006 @must @guide @calcom
  Rule: A receiver MUST NOT leave half an effect behind a try that failed.

    Source: guide, "Best Practices" 7 ("Use database transactions")
    Why: the half that is written is repeated by the next try, or stays if there is none.
    Fix: run a handler and its mark in one transaction.

    @needs-probe @needs-states
    Example: A try that failed leaves nothing behind
      Given a BOOKING_CREATED delivery
      And processing of it fails for ever
      When Cal.com delivers it
      And the receiver has failed once
      Then it has no effect

    @needs-probe @needs-states
    Example: A try that succeeds leaves the whole
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
      Then it has its effect once
      And there is one appointment

  @rty-007 @must @guide @calcom
  Rule: A receiver MUST NOT lose an event because an earlier one of its booking waits for a try.

    Source: guide, "Job Implementation" and "Best Practices" 2; Cal.com deliver-webhook.ts (no order)
    Why: the event that waits is carried out after the one that overtook it; whichever of the two
      is taken for settled by then, or for the last word, somebody comes in vain.
    Fix: process each event on its own, and let what happened last win, not what succeeded last.

    @needs-probe @needs-states
    Scenario Outline: A booking <event> while its beginning waits for a try has both effects
      Given a booking that is <life>
      And processing of it fails once
      When Cal.com delivers <first>
      And the beginning of the booking has failed once
      And Cal.com delivers <event>
      And the receiver retries all of the booking as scheduled
      Then <first> has its effect once
      And <event> has its effect once

      Examples:
        | event     | life                 | first     |
        | cancelled | created, cancelled   | created   |
        | rejected  | requested, rejected  | requested |

    @needs-probe @needs-states
    Example: A booking cancelled while its creation waits for a try ends cancelled
      Given a booking that is created, cancelled
      And processing of it fails once
      When Cal.com delivers created
      And the beginning of the booking has failed once
      And Cal.com delivers cancelled
      And the receiver retries all of the booking as scheduled
      Then the booking is cancelled

    @needs-probe @needs-states
    Example: A booking whose creation waits for a try alone is live in the end
      Given a booking that is created
      And processing of it fails once
      When Cal.com delivers created
      And the receiver retries as scheduled
      Then the booking is live once at the time of "created"

  @rty-008 @must @guide @calcom
  Rule: A receiver MUST leave a booking as it was while an event of it cannot be processed.

    Source: guide, "Best Practices" 7 ("Use database transactions")
    Why: an appointment that is withdrawn because its reschedule failed is lost without a cause.
    Fix: undo what the failed try did, and nothing that was there before it.

    @needs-probe @needs-states
    Scenario Outline: A booking stays live while it cannot be <event>
      Given a booking that is <life>
      When Cal.com delivers created
      And processing of it fails for ever from now on
      And Cal.com delivers <event>
      And the receiver has failed once
      Then the booking is live once at the time of "created"
      And created has its effect once

      Examples:
        | event       | life                 |
        | cancelled   | created, cancelled   |
        | rescheduled | created, rescheduled |

    @needs-probe @needs-states
    Example: A booking that can be cancelled is
      Given a booking that is created, cancelled
      When Cal.com delivers created
      And processing of it fails never from now on
      And Cal.com delivers cancelled
      Then the booking is cancelled

  @rty-009 @must @guide
  Rule: A receiver MUST NOT tell its administrators again of a dead letter that comes again.

    Source: guide, "Job Implementation" (failed() runs once) and "Duplicate Event Processing"
    Why: people who are told the same thing with every retry of the sender stop reading.
    Fix: answer the redelivery of a dead letter like any other, and send nothing.

    @needs-probe @needs-states
    Example: A dead letter that comes again brings no second notice
      Given a BOOKING_CREATED delivery
      And processing of it fails for ever
      When Cal.com delivers it
      And the receiver retries as scheduled
      And Cal.com redelivers it
      Then nobody is told of it again

    @needs-probe @needs-states
    Example: A delivery that was processed and comes again is one appointment, and nobody is told
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
      And Cal.com redelivers it
      Then nobody is told of it again
      And there is one appointment

  @rty-010 @must @guide
  Rule: A receiver MUST tell its administrators of each delivery that it gives up.

    Source: guide, "Job Implementation" (failed() runs for each job)
    Why: a notice that stands for several hides all but the first of them.
    Fix: send one notice for each dead letter, and name it.

    @needs-probe @needs-states
    Example: Two bookings that are given up are told of alike
      Given 2 BOOKING_CREATED deliveries
      And processing of all of them fails for ever
      When Cal.com delivers them at the same instant
      And the receiver retries all of them as scheduled
      Then as many notices tell of each of them

    @needs-probe @needs-states
    Example: Two bookings that succeed have their effect
      Given 2 BOOKING_CREATED deliveries
      And processing of all of them fails never
      When Cal.com delivers them at the same instant
      Then each of them has its effect once

  @rty-011 @must @guide @calcom
  Rule: A receiver MUST NOT stop working because many deliveries fail.

    Source: guide, "Best Practices" 1 and 2 (queue workers)
    Why: an outage of one customer's calendar fails all of its bookings, and no one else's.
    Fix: hold no worker and no lock while a delivery waits for its next try.

    @needs-probe @needs-states
    Example: A booking behind six that fail has its effect
      Given 6 BOOKING_CREATED deliveries
      And processing of all of them fails for ever
      When Cal.com delivers them at the same instant
      And the receiver has had its time for them
      Then another booking has its effect meanwhile

    @needs-probe @needs-states
    Example: A booking behind six that succeed has its effect
      Given 6 BOOKING_CREATED deliveries
      And processing of all of them fails never
      When Cal.com delivers them at the same instant
      And the receiver has had its time for them
      Then another booking has its effect meanwhile
