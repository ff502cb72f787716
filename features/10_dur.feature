@dur
Feature: Durability across crashes

  After the 2xx the event is the receiver's alone: Cal.com has forgotten it.

  @dur-001 @must @guide @calcom
  Rule: A receiver MUST NOT lose a delivery that it has acknowledged when it is killed before it has processed it.

    Source: guide, "Controller Implementation" (202 promises the work) and "Best Practices" 1
    Why: a queue in memory is empty after a restart, and nobody sends the events again.
    Fix: write the delivery to the disk before the 202, and process what is on the disk.

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
        | cancelled   | created, cancelled   | created |

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
        | event     | life               | before  |
        | created   | created            | nothing |

    @needs-probe @needs-process
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
    Scenario Outline: A booking <event> and reported again after a restart is <event> once
      Given a booking that is <life>
      When Cal.com delivers <life>
      And the receiver has come to rest
      And the receiver is killed and started again
      And Cal.com redelivers <event>
      Then <event> has its effect once
      And there is one appointment

      Examples:
        | event     | life               |
        | created   | created            |
        | cancelled | created, cancelled |

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
