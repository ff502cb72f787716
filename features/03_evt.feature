@evt
Feature: Trigger events

  A subscription sends more than a receiver asked for, and more every year.

  @evt-001 @must @guide
  Rule: A receiver MUST acknowledge each of the guide's eight trigger events.

    Source: guide, "Supported Events"
    Why: an event that is refused is lost: Cal.com does not send it again.
    Fix: answer 202 to every authentic event, whether or not a handler exists yet.

    Scenario Outline: A <trigger> delivery goes through
      Given a <trigger> delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | trigger                   |
        | BOOKING_CREATED           |
        | BOOKING_RESCHEDULED       |
        | BOOKING_CANCELLED         |
        | BOOKING_CONFIRMED         |
        | BOOKING_REJECTED          |
        | BOOKING_REQUESTED         |
        | BOOKING_PAYMENT_INITIATED |
        | FORM_SUBMITTED            |

    Example: A BOOKING_CONFIRMED with a wrong signature is turned away
      Given a BOOKING_CONFIRMED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-002 @must @guide
  Rule: A receiver MUST acknowledge the guide's own example payloads.

    Source: guide, "Webhook Payload Structure" and "Unit Tests"
    Why: they are what the guide's readers build and try their receiver with.
    Fix: send the example with curl and read the log line of the refusal.

    Scenario Outline: The guide's example of <example> goes through
      Given the guide's example of <example>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | example                       |
        | BOOKING_CREATED               |
        | BOOKING_RESCHEDULED           |
        | BOOKING_CANCELLED             |
        | the unit test's booking       |

    Example: A booking in the guide's words under a wrong signature is turned away
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-003 @must @calcom
  Rule: A receiver MUST acknowledge every trigger event of Cal.com in its envelope.

    Source: Cal.com API v2 reference, "Create a webhook" (the enumeration of triggers)
    Why: a subscription to all events sends them all, and some senders retry what is refused.
    Fix: answer 2xx to every authentic delivery, and ignore what you do not handle.

    Scenario Outline: A <trigger> delivery of Cal.com goes through
      Given a <trigger> delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | trigger                                     |
        | BOOKING_CREATED                             |
        | BOOKING_PAYMENT_INITIATED                   |
        | BOOKING_PAID                                |
        | BOOKING_RESCHEDULED                         |
        | BOOKING_REQUESTED                           |
        | BOOKING_CANCELLED                           |
        | BOOKING_REJECTED                            |
        | BOOKING_NO_SHOW_UPDATED                     |
        | BOOKING_LOCATION_UPDATED                    |
        | BOOKING_REASSIGNED                          |
        | FORM_SUBMITTED                              |
        | FORM_SUBMITTED_NO_EVENT                     |
        | ROUTING_FORM_FALLBACK_HIT                   |
        | RECORDING_READY                             |
        | RECORDING_TRANSCRIPTION_GENERATED           |
        | INSTANT_MEETING                             |
        | INSTANT_MEETING_ACCEPTED                    |
        | OOO_CREATED                                 |
        | AFTER_HOSTS_CAL_VIDEO_NO_SHOW               |
        | AFTER_GUESTS_CAL_VIDEO_NO_SHOW              |
        | WRONG_ASSIGNMENT_REPORT                     |
        | DELEGATION_CREDENTIAL_ERROR                 |
        | DELEGATION_CREDENTIAL_SECRET_ROTATED        |
        | DELEGATION_CREDENTIAL_SECRET_ROTATION_FAILED |
        | DELEGATION_CREDENTIAL_ROTATION_REQUIRED     |
        | CALENDAR_ENTRY_REJECTED                     |

    Example: An OOO_CREATED with a wrong signature is turned away
      Given an OOO_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-004 @must @calcom
  Rule: A receiver MUST acknowledge MEETING_STARTED and MEETING_ENDED, flat and wrapped.

    Source: Cal.com packages/features/webhooks/lib/scheduleTrigger.ts (no payload, no envelope)
    Why: these two are sent as a bare booking row; code that expects `payload` crashes on them.
    Fix: accept a body without `payload` when its triggerEvent is one of the two.

    Scenario Outline: A <trigger> that arrives <form> goes through
      Given a <trigger> delivery
      And it is sent <form>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | trigger         | form    |
        | MEETING_STARTED | flat    |
        | MEETING_ENDED   | flat    |
        | MEETING_STARTED | wrapped |
        | MEETING_ENDED   | wrapped |

    Example: A MEETING_ENDED with a wrong signature is turned away
      Given a MEETING_ENDED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-005 @must @guide @calcom
  Rule: A receiver MUST acknowledge a PING and do nothing.

    Source: Cal.com packages/trpc/server/routers/viewer/webhook/testTrigger.handler.ts
    Why: the test button sends it; a receiver that fails on it looks broken to whoever sets it up,
      and one that books John Doe is.
    Fix: answer 2xx to a signed PING and stop there.

    Example: A signed PING goes through
      Given a PING delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

    @needs-probe @alone
    Example: A signed PING changes nothing
      Given a PING delivery
      When Cal.com delivers it
      Then nothing changes at all

    Example: A PING with a wrong signature is turned away
      Given a PING delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-006 @must @guide @calcom
  Rule: A receiver MUST acknowledge a trigger event it does not know.

    Source: guide, "Best Practices" 5 ("Even if just logging unknown events")
    Why: Cal.com added seven triggers in half a year; each refusal is an error at the sender.
    Fix: end the switch over trigger events with a default that logs and succeeds.

    Scenario Outline: An event called <name> goes through
      Given a BOOKING_CREATED delivery
      And its trigger event is called <name>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | name                  |
        | BOOKING_TELEPORTED    |
        | booking_created       |
        | BOOKING.CREATED       |
        | BOOKING_CREATED_V2    |

    Example: An unknown event with a wrong signature is turned away
      Given a BOOKING_CREATED delivery
      And its trigger event is called BOOKING_TELEPORTED
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-007 @must @guide @calcom
  Rule: A receiver MUST NOT act on a trigger event it does not know.

    Source: guide, "Webhook Handler Service" (the default branch only logs)
    Why: an `else` branch that books is how a no-show becomes an appointment.
    Fix: name the events you act on, and do nothing for the rest.

    @needs-probe
    Scenario Outline: An event called <name> changes nothing
      Given a BOOKING_CREATED delivery
      And its trigger event is called <name>
      When Cal.com delivers it
      Then it has no effect

      Examples:
        | name                  |
        | BOOKING_TELEPORTED    |
        | booking_created       |
        | BOOKING.CREATED       |
        | BOOKING_CREATED_V2    |

    @needs-probe
    Example: The same event under its own name has its effect
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has its effect once

  @evt-008 @must @calcom
  Rule: A receiver MUST NOT fail on what a custom payload template makes of an event.

    Source: Cal.com packages/features/webhooks/lib/sendPayload.ts (applyTemplate)
    Why: a template may drop the envelope, change the content type, or render to `false`.
    Fix: answer 2xx or 4xx to an authentic body of any shape.

    Scenario Outline: A body made by a template <template> does not break the receiver
      Given a BOOKING_CREATED delivery
      And its subscription has a template <template>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | template                        |
        | without a trigger event         |
        | that is sent as a form          |
        | that escapes its values         |
        | that is one word                |

    Example: The same event without a template goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @evt-009 @must @calcom
  Rule: A receiver MUST acknowledge a submitted form and make no appointment of it.

    Source: Cal.com packages/app-store/routing-forms/trpc/utils.ts
    Why: a form is sent before any booking exists; its answers stand again at the root, under keys
      that the form's author chose.
    Fix: read triggerEvent and payload only, and handle FORM_SUBMITTED apart from bookings.

    Scenario Outline: A form with an answer called <key> goes through
      Given a FORM_SUBMITTED delivery
      And the form has an answer called <key>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | key          |
        | Company size |
        | 2            |
        | uid          |
        | startTime    |

    @needs-probe @alone
    Example: A form makes no appointment
      Given a FORM_SUBMITTED delivery
      When Cal.com delivers it
      Then no appointment is made

    Example: A form with a wrong signature is turned away
      Given a FORM_SUBMITTED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @evt-010 @must @calcom
  Rule: A receiver MUST handle what each generation of Cal.com's senders makes of an event.

    Source: Cal.com sendPayload.ts; BookingPayloadBuilder.ts; API v2 reference (webhook versions)
    Why: the direct sender, the task sender and the versioned sender differ in key order, dates,
      defaults and headers, and coexist.
    Fix: read fields by name, compare instants, and do not insist on a version header.

    Scenario Outline: A booking sent by <sender> goes through
      Given a BOOKING_CREATED delivery as sent by <sender>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | sender         |
        | direct-2025    |
        | direct-2026    |
        | task-2026      |
        | v2026-07-27    |
        | selfhosted-tz  |

    @needs-probe
    Scenario Outline: A cancellation sent by <sender> has its effect
      Given a booking that is created, cancelled, as sent by <sender>
      When Cal.com delivers created, cancelled
      Then the booking is cancelled
      And cancelled has its effect once

      Examples:
        | sender         |
        | direct-2025    |
        | task-2026      |
        | v2026-07-27    |
        | selfhosted-tz  |

  @evt-011 @must @calcom
  Rule: A receiver MUST NOT act on a trigger event that it is declared not to handle.

    Source: Cal.com API v2 reference, "Create a webhook" (the subscriber chooses its triggers); guide,
      "Best Practices" 5
    Why: what is declared to be none of its business is judged nowhere else; a receiver that acts on
      it all the same would do so unseen.
    Fix: declare in calcontract.toml, under [triggers], every trigger event that it acts on.

    @needs-probe
    Scenario Outline: An unhandled <trigger> leaves no trace
      Given a <trigger> delivery, which the receiver is declared not to handle
      When Cal.com delivers it
      Then it has no effect

      Examples:
        | trigger                   |
        | BOOKING_CREATED           |
        | BOOKING_REQUESTED         |
        | BOOKING_RESCHEDULED       |
        | BOOKING_CANCELLED         |
        | BOOKING_REJECTED          |
        | BOOKING_PAYMENT_INITIATED |
        | BOOKING_PAID              |

    @needs-probe
    Scenario Outline: A handled <trigger> has its effect
      Given a <trigger> delivery
      When Cal.com delivers it
      Then it has its effect once

      Examples:
        | trigger                   |
        | BOOKING_CREATED           |
        | BOOKING_REQUESTED         |

    @needs-probe
    Scenario Outline: A handled <trigger> has its effect on the booking that was there before
      Given a booking that is <life>
      When Cal.com delivers <life>
      Then <event> has its effect once

      Examples:
        | trigger             | event       | life                 |
        | BOOKING_RESCHEDULED | rescheduled | created, rescheduled |
        | BOOKING_CANCELLED   | cancelled   | created, cancelled   |
        | BOOKING_REJECTED    | rejected    | requested, rejected  |
