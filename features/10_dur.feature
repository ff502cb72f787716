@dur
Feature: Durability across crashes

  After the 2xx the event is the receiver's alone: Cal.com has forgotten it.

  @dur-001 @must @guide @calcom
  Rule: A receiver MUST NOT lose a delivery that it has acknowledged when it is killed before it has processed it.

    Source: guide, "Controller Implementation" (202 promises the work) and "Best Practices" 1
    Why: a queue in memory is empty after a restart, and nobody sends the events again; a deployment ends
      the process more politely, and as often with work undone.
    Fix: write the delivery to the disk before the 202, process what is on the disk, and tidy nothing
      away at the end.

    @needs-probe @needs-states @needs-process
    Scenario Outline: A booking <event> and killed before it is processed is <event> after the restart
      Given a booking that is <life>
      When Cal.com delivers <before>
      And the processing pauses
      And Cal.com delivers <event>
      And the receiver is killed and started again
      Then <event> has its effect once
      And there is one appointment

      Examples:
        | event       | life                 | before  |
        | created     | created              | nothing |
        | rescheduled | created, rescheduled | created |

    @needs-probe @needs-states @needs-process
    Example: A booking cancelled and killed before it is processed is cancelled after the restart
      Given a booking that is created, cancelled
      When Cal.com delivers created
      And the processing pauses
      And Cal.com delivers cancelled
      And the receiver is killed and started again
      Then cancelled has its effect once
      And the booking is cancelled

    @needs-probe @needs-states @needs-process
    Example: A booking that is not processed when the receiver is told to end is there after the restart
      Given a booking that is created
      When the processing pauses
      And Cal.com delivers created
      And the receiver is told to end and started again
      Then created has its effect once
      And there is one appointment

    @needs-probe @needs-process
    Example: A booking killed right after its acknowledgement has its effect after the restart
      Given a booking that is created
      When Cal.com delivers created
      And the receiver is killed and started again
      Then created has its effect once

    @needs-probe @needs-process
    Example: A booking has its effect when nothing is killed
      Given a booking that is created
      When Cal.com delivers created
      Then created has its effect once

  @dur-002 @must @guide @calcom
  Rule: A receiver MUST have one whole effect of a delivery during whose processing it is killed.

    Source: guide, "Best Practices" 7 ("Use database transactions")
    Why: what was begun and not finished is either lost, or done twice by the next worker.
    Fix: commit the effect and the mark that it is done in one transaction, and take over what a
      dead worker has left.

    @needs-probe @needs-states @needs-process
    Scenario Outline: A booking <event> and killed while it is processed is <event> once
      Given a booking that is <life>
      And processing of it takes 0.5 seconds
      When Cal.com delivers <before>
      And Cal.com delivers <event>
      And 0.2 seconds later the receiver is killed and started again
      Then <event> has its effect once
      And there is one appointment

      Examples:
        | event       | life                 | before  |
        | created     | created              | nothing |
        | rescheduled | created, rescheduled | created |

    @needs-probe @needs-states @needs-process
    Example: A booking that is processed in peace is there once
      Given a booking that is created
      When Cal.com delivers created
      Then created has its effect once

  @dur-003 @must @guide @calcom
  Rule: A receiver MUST keep all of a burst that it has acknowledged when it is killed in the middle of it.

    Source: guide, "Controller Implementation"; SQLite and PostgreSQL documentation on durability
    Why: crashes come under load, when the most is at stake.
    Fix: answer after the commit, also where many deliveries share one.

    @needs-probe @needs-process @slow
    Example: Every acknowledged booking of a burst exists once after the restart
      Given 60 BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst in which the receiver is killed and started again
      Then each that was acknowledged has its effect once

    @needs-probe @needs-process @slow
    Example: Every booking of a burst exists once after Cal.com has delivered it again
      Given 60 BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst in which the receiver is killed and started again
      And Cal.com redelivers all of them
      Then each of them has its effect once

  @dur-004 @must @guide @calcom
  Rule: A receiver MUST recognise a redelivery after a restart.

    Source: guide, "Duplicate Event Processing" (a table, not a cache)
    Why: a memory of ids that dies with the process books everything twice that comes again.
    Fix: keep delivery ids on the disk, under a unique constraint.

    @needs-probe @needs-process
    Example: A booking created and reported again after a restart is created once
      Given a booking that is created
      When Cal.com delivers created
      And created has taken effect
      And the receiver is killed and started again
      And Cal.com redelivers created
      Then created has its effect once
      And there is one appointment

    @needs-probe @needs-process
    Example: A booking cancelled and reported again after a restart is cancelled once
      Given a booking that is created, cancelled
      When Cal.com delivers created, cancelled
      And cancelled has taken effect
      And the receiver is killed and started again
      And Cal.com redelivers cancelled
      Then cancelled has its effect once
      And the booking is cancelled

    @needs-probe @needs-process
    Example: A new booking after a restart has its effect
      Given a booking that is created
      When the receiver is killed and started again
      And Cal.com delivers created
      Then created has its effect once

  @dur-005 @must @guide @calcom
  Rule: A receiver MUST keep a waiting try through a restart.

    Source: guide, "Job Implementation" ($backoff); "Troubleshooting Checklist" (queue workers)
    Why: a retry that sleeps in a process is gone with it.
    Fix: keep the time of the next try on the disk.

    @needs-probe @needs-states @needs-process
    Example: A booking whose processing failed once has its effect after a restart
      Given a booking that is created
      And processing of it fails once
      When Cal.com delivers created
      And the receiver has failed once
      And the receiver is killed and started again
      And the receiver retries as scheduled
      Then created has its effect once

    @needs-probe @needs-states @needs-process
    Example: A booking whose processing failed once has its effect without a restart
      Given a booking that is created
      And processing of it fails once
      When Cal.com delivers created
      And the receiver retries as scheduled
      Then created has its effect once

  @dur-006 @must @guide @calcom
  Rule: A receiver MUST NOT give up what it was killed over twice.

    Source: guide, "Job Implementation" ($tries counts failures) and "Best Practices" 1
    Why: a process that is restarted in a row, by a deployment or a lack of memory, has not failed
      to process anything; taking its deaths for tries loses what nobody sends again.
    Fix: count tries that failed, and not starts of the process.

    @needs-probe @needs-states @needs-process
    Example: A booking that waits for its next try has its effect after two restarts in a row
      Given a booking that is created
      And processing of it fails once
      When Cal.com delivers created
      And the receiver has failed once
      And the receiver is killed and started again twice in a row
      And the receiver retries as scheduled
      Then created has its effect once

    @needs-probe @needs-states @needs-process
    Example: A booking that waits for its next try has its effect when nothing is killed
      Given a BOOKING_CREATED delivery
      And processing of it fails once
      When Cal.com delivers it
      And the receiver retries as scheduled
      Then it has its effect once

  @dur-007 @must @guide @calcom
  Rule: A receiver MUST keep the order of what happened through a restart.

    Source: guide, "Best Practices" 1; calendar of events by createdAt
    Why: a cancellation that was remembered in memory until its booking came is forgotten, and the
      booking comes to life after the restart.
    Fix: keep what has happened to a booking on the disk, also to one that is not known yet.

    @needs-probe @needs-process
    Scenario Outline: A booking of which <before> is known before a restart and <after> comes after it ends cancelled
      Given a booking that is created, rescheduled, cancelled
      When Cal.com delivers <before>
      And the receiver has come to rest
      And the receiver is killed and started again
      And Cal.com delivers <after>
      Then the booking is cancelled

      Examples:
        | before               | after                |
        | created, rescheduled | cancelled            |
        | cancelled            | created, rescheduled |

    @needs-probe @needs-process
    Example: A booking that is moved without a restart is live at its new time
      Given a booking that is created, rescheduled
      When Cal.com delivers created, rescheduled
      Then the booking is live once at the time of "rescheduled"

  @dur-008 @should @guide @calcom
  Rule: A receiver SHOULD recognise an occurrence that is reported again after a restart.

    Source: Cal.com getWebhooks.ts (one delivery per matching subscription); guide, "Duplicate Event
      Processing" (a table)
    Why: what was recognised by memory alone happens once more after every deployment.
    Fix: keep what makes two reports the same occurrence on the disk, under a unique constraint.

    @needs-probe @needs-process
    Example: A booking that another subscription reports after a restart happens once
      Given a booking that is created
      When Cal.com delivers created
      And created has taken effect
      And the receiver is killed and started again
      And another subscription reports created 5 milliseconds later
      Then created has its effect once
      And no booking has two appointments

  @dur-009 @must @guide @calcom
  Rule: A receiver MUST end where a booking ends when it is killed in the middle of the booking's events.

    Source: guide, "Best Practices" 7; Cal.com deliver-webhook.ts (what got no answer comes again)
    Why: the events of one booking come in bursts, and a crash between two of them must leave
      neither half of the one nor twice the other.
    Fix: commit each event's effect with the mark that it is done, and order events by createdAt.

    @needs-probe @needs-process @slow
    Example: A booking whose events come in a burst in which the receiver is killed ends cancelled
      Given a booking that is created, rescheduled, rescheduled again, cancelled
      When Cal.com delivers them in a burst in which the receiver is killed and started again
      And Cal.com redelivers all of them
      Then the booking is cancelled
      And each of its events had its effect once

    @needs-probe @needs-process
    Example: A booking whose receiver is killed between two of its events ends cancelled
      Given a booking that is created, rescheduled, rescheduled again, cancelled
      When Cal.com delivers created, rescheduled
      And the receiver has come to rest
      And the receiver is killed and started again
      And Cal.com delivers rescheduled again, cancelled
      And Cal.com redelivers all of them
      Then the booking is cancelled
      And each of its events had its effect once

  @dur-010 @must @guide
  Rule: A receiver MUST keep a dead letter, and the notice of it, through a restart.

    Source: guide, "Job Implementation" (failed()); "Troubleshooting Checklist" (failed jobs)
    Why: a list of failures in memory is empty exactly when somebody looks for what went wrong, and
      one that is worked through again at every start sends every notice again.
    Fix: keep dead letters and what was told of them on the disk, and start with neither.

    @needs-probe @needs-states @needs-process
    Example: A dead letter is still one after a restart, and nobody is told again
      Given a BOOKING_CREATED delivery
      And processing of it fails for ever
      When Cal.com delivers it
      And the receiver retries as scheduled
      And the receiver is killed and started again
      Then the receiver has given it up after 3 tries and told its administrators

    @needs-probe @needs-states @needs-process
    Example: A delivery that was processed is no dead letter, and nobody is told of it
      Given a BOOKING_CREATED delivery
      And processing of it fails never
      When Cal.com delivers it
      Then it has its effect once
      And nobody is told of it
