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
    Example: Processing that always fails ends as a dead letter with a notice
      Given a BOOKING_CREATED delivery
      And processing of it fails for ever
      When Cal.com delivers it
      And the receiver retries as scheduled
      Then the receiver has given it up after 3 tries and told its administrators
      And it has no effect

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
      Then another booking has its effect meanwhile

    @needs-probe @needs-states
    Example: A booking behind one that does not fail has its effect
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
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
