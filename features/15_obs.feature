@obs
Feature: Observability

  Whoever operates a receiver has its log and nothing else when a booking is missing.
  A log is searched for what was sent; its format is the receiver's own.

  @obs-001 @should @guide @calcom
  Rule: A receiver SHOULD name the booking in its log when it takes a delivery.

    Source: guide, "Controller Implementation" (Log webhook receipt) and "Webhook Logs" (grep)
    Why: "did it ever arrive?" is the first question about a missing booking.
    Fix: log the uid or the booking id of every delivery on receipt.

    @needs-log
    Scenario Outline: A <trigger> delivery is found in the log by its booking
      Given the log is read from here on
      And a <trigger> delivery
      When Cal.com delivers it
      Then the log names the booking

      Examples:
        | trigger           |
        | BOOKING_CREATED   |
        | BOOKING_CANCELLED |
        | BOOKING_REJECTED  |

  @obs-002 @should @guide
  Rule: A receiver SHOULD name the trigger event in the line that names the booking.

    Source: guide, "Controller Implementation" (event, booking_id and uid) and "Webhook Logs" (counts
      by type)
    Why: a line that holds the one without the other cannot be counted, and does not say what
      happened to the booking.
    Fix: log trigger event, uid and booking id together.

    @needs-log
    Scenario Outline: A <trigger> delivery is found in the log by what it was
      Given the log is read from here on
      And a <trigger> delivery
      When Cal.com delivers it
      Then the log names the booking and the trigger event in one line

      Examples:
        | trigger             |
        | BOOKING_RESCHEDULED |
        | BOOKING_REQUESTED   |

  @obs-003 @should @guide @calcom
  Rule: A receiver SHOULD log every delivery that it refuses.

    Source: guide, "Security Best Practices" 5 ("Log security events"); "Signature Verification"
    Why: a wrong secret and an attack look the same from outside: silence.
    Fix: write a line with the reason for every refusal.

    @needs-log
    Scenario Outline: A delivery whose signature is <signature> leaves a line
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the log has a line about it

      Examples:
        | signature            |
        | absent               |
        | 64 random hex digits |

    @needs-log
    Example: A signed body that is no JSON leaves a line
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      But its body is cut in the middle
      When Cal.com delivers it
      Then the log has a line about it

    @needs-log
    Example: A delivery that is taken leaves a line as well
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the log has a line about it

  @obs-004 @should @guide
  Rule: A receiver SHOULD say in its log that a redelivery was a duplicate.

    Source: guide, "Duplicate Event Processing" (Duplicate webhook ignored)
    Why: otherwise the log shows a delivery that had no effect, and nobody knows why.
    Fix: log what was recognised, and as what.

    @needs-log
    Example: A booking that comes twice is called a duplicate
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      And the log is read from here on
      And Cal.com redelivers it
      Then the log speaks of a duplicate

  @obs-005 @should @guide
  Rule: A receiver SHOULD name in its log the trigger events that it does not handle.

    Source: guide, "Webhook Handler Service" (Unhandled Cal.com webhook event) and "Best Practices" 5
    Why: a new kind of event that vanishes without a word is missed for months.
    Fix: log the name of every trigger event that no handler takes.

    @needs-log
    Example: A trigger event of tomorrow is named
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      And its trigger event is called BOOKING_MOVED_TO_MARS
      When Cal.com delivers it
      Then the log names the trigger event

  @obs-006 @should @guide @calcom
  Rule: A receiver SHOULD tell its log which delivery it could not process.

    Source: guide, "Job Implementation" (Cal.com webhook processing failed, with the error)
    Why: after the 2xx nobody else knows that a booking was lost.
    Fix: log every failed try and the dead letter, with the booking and the reason.

    @needs-probe @needs-states @needs-log
    Example: A booking that cannot be processed is named together with the failure
      Given a BOOKING_CREATED delivery
      And processing of it fails for ever
      When Cal.com delivers it
      Then the log tells of its failure

  @obs-007 @must @guide @calcom
  Rule: A receiver MUST NOT write the secret or the expected signature into its log.

    Source: guide, "Signature Verification" (its sample logs "expected", which is asked for here to be
      left out); Cal.com sendPayload.ts (the signature is all that proves a sender)
    Why: logs are copied, shipped and read by many; whoever reads the expected signature of a body
      can deliver that body, and whoever reads the secret any other.
    Fix: log that the signature was wrong, and nothing that was computed from the secret.

    @needs-log
    Scenario Outline: The log of a signature that is <signature> gives nothing away
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the log gives away neither the secret nor the expected signature

      Examples:
        | signature            |
        | absent               |
        | 64 random hex digits |
        | sha256= and nothing  |

    @needs-log
    Example: The log of what is acknowledged does not show its signature
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the log gives away neither the secret nor the expected signature

    @needs-log @last
    Example: No line of the whole run shows the secret
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the log of the whole run does not show the secret

  @obs-008 @must @guide @calcom
  Rule: A receiver MUST NOT let a guest write a line of its log.

    Source: guide, "Best Practices" 6 ("Don't trust webhook data blindly"); Cal.com (names and notes
      are any text of a guest)
    Why: a name with a line end in it forges records of what never happened, and one with control
      characters hides those of what did.
    Fix: escape control characters in everything that is logged, or log JSON.

    @needs-log
    Scenario Outline: A guest's text with <control> in it begins no line
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      And a stranger's words stand behind <control> in its names and notes
      When Cal.com delivers it
      Then no line of the log begins with these words

      Examples:
        | control            |
        | a line feed        |
        | a carriage return  |
        | an escape sequence |

    @needs-log
    Example: A guest's text without any goes through, and begins no line either
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      And a stranger's words stand behind a blank in its names and notes
      When Cal.com delivers it
      Then the receiver acknowledges it
      And no line of the log begins with these words

  @obs-009 @hardening @guide @calcom
  Rule: A receiver SHOULD keep what it logs of a delivery on lines of its own, whatever the delivery holds.

    Source: guide, "Webhook Handler Service" (the trigger event stands in the message)
    Why: the trigger event and the uid are what receivers log first, and trust most.
    Fix: escape control characters in these as well.

    @needs-log
    Scenario Outline: A <member> with <control> in it begins no line
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      And a stranger's words stand behind <control> in its <member>
      When Cal.com delivers it
      Then no line of the log begins with these words

      Examples:
        | member        | control            |
        | trigger event | a line feed        |
        | trigger event | an escape sequence |
        | uid           | a line feed        |

    @needs-log
    Example: A booking with a line feed in its metadata goes through, and begins no line either
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      And a stranger's words stand behind a line feed in its metadata
      When Cal.com delivers it
      Then the receiver acknowledges it
      And no line of the log begins with these words

  @obs-010 @should @calcom
  Rule: A receiver SHOULD NOT write what it knows of a guest into its log.

    Source: Cal.com (a payload holds names, addresses and notes); guide, "Configure Environment
      Variables" (logging payloads is a setting of its own)
    Why: logs live longer than bookings, and in more places than anybody can erase them from.
    Fix: log uids and ids; log payloads only where somebody has asked for them.

    @needs-log
    Scenario Outline: The log of a <trigger> delivery holds nothing of the guest
      Given the log is read from here on
      And a <trigger> delivery
      When Cal.com delivers it
      Then the log holds nothing of the guest

      Examples:
        | trigger             |
        | BOOKING_RESCHEDULED |
        | BOOKING_CANCELLED   |

    @needs-log
    Example: The log of a booking that goes through holds nothing of the guest
      Given the log is read from here on
      And a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And the log holds nothing of the guest

  @obs-011 @should @guide
  Rule: A receiver SHOULD log the processing of a delivery apart from its receipt.

    Source: guide, "Webhook Handler Service" (Processing Cal.com webhook, Appointment confirmed)
    Why: between the 202 and the effect lie a queue and hours; a log that ends at the door cannot say
      on which side of them a booking was lost.
    Fix: log when a worker takes a delivery, and what came of it.

    @needs-probe @needs-states @needs-log
    Example: A booking whose processing waits is named again when it is processed
      Given a BOOKING_CREATED delivery
      When the processing pauses
      And Cal.com delivers it
      And the log is read from here on
      And the processing resumes
      Then the log names the booking
