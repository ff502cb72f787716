@ack
Feature: Answers and the budget

  What the sender learns, and how long it waits for it.

  @ack-001 @must @guide @calcom
  Rule: A receiver MUST acknowledge a delivery within the budget.

    Source: guide, "Security Best Practices" 4 ("Cal.com expects response within 30 seconds")
    Why: Cal.com sends from within the booker's request; what is not answered in time is lost or
      sent again while the first is still being worked on.
    Fix: store the delivery, answer, and process it afterwards.

    Scenario Outline: A <trigger> delivery is answered within the budget
      Given a <trigger> delivery
      When Cal.com delivers it
      Then the receiver acknowledges it within the budget

      Examples:
        | trigger                   |
        | BOOKING_CREATED           |
        | BOOKING_RESCHEDULED       |
        | BOOKING_CANCELLED         |
        | FORM_SUBMITTED            |

    Example: A wrong signature is answered within the budget
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it within the budget

  @ack-002 @must @guide
  Rule: A receiver MUST NOT make the sender wait for the processing.

    Source: guide, "Timeout Errors" ("Always queue webhook processing")
    Why: one slow booking would hold up the sender for as long as its processing takes.
    Fix: hand the delivery to a queue and answer.

    @needs-probe @needs-states
    Scenario Outline: A <trigger> delivery that takes long to process is answered at once
      Given a <trigger> delivery
      And processing of it takes 0.8 seconds
      When Cal.com delivers it
      Then the receiver acknowledges it before the processing is over

      Examples:
        | trigger             |
        | BOOKING_CREATED     |
        | BOOKING_CANCELLED   |

    @needs-probe @needs-states
    Example: A delivery that took long to process has its effect all the same
      Given a BOOKING_CREATED delivery
      And processing of it takes 0.2 seconds
      When Cal.com delivers it
      Then it has its effect once

  @ack-003 @must @guide
  Rule: A receiver MUST acknowledge with 202 and {"status":"accepted"}.

    Source: guide, "Controller Implementation" ("Return immediate response")
    Why: 202 says what is true: taken, and not yet done.
    Fix: answer 202 with {"status":"accepted"} to every delivery that is taken.

    Scenario Outline: A <trigger> delivery is answered with 202
      Given a <trigger> delivery
      When Cal.com delivers it
      Then the answer is 202 with {"status":"accepted"}

      Examples:
        | trigger             |
        | BOOKING_CREATED     |
        | BOOKING_RESCHEDULED |
        | BOOKING_CANCELLED   |
        | BOOKING_CONFIRMED   |
        | FORM_SUBMITTED      |

    Example: A redelivery is answered with 202
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      And Cal.com redelivers it
      Then the answer is 202 with {"status":"accepted"}

    Example: A wrong signature is not answered with 202
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @ack-004 @must @guide
  Rule: A receiver MUST answer 401 to a missing or wrong signature.

    Source: guide, "Signature Verification"
    Why: 401 tells the sender's operator to look at the secret, not at the payload.
    Fix: answer 401, not 400, 403 or 404.

    Scenario Outline: A signature that is <signature> is answered with 401
      Given a BOOKING_CREATED delivery
      But its signature is <signature>
      When Cal.com delivers it
      Then the answer is 401

      Examples:
        | signature                      |
        | absent                         |
        | 64 random hex digits           |
        | the literal no-secret-provided |
        | 65 digits                      |
        | 64 characters beyond ASCII     |

    Example: A body changed after signing is answered with 401
      Given a BOOKING_CREATED delivery
      But in its body the start moved by an hour after signing
      When Cal.com delivers it
      Then the answer is 401

    Example: A right signature is not answered with 401
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @ack-005 @should @guide
  Rule: A receiver SHOULD say "Missing signature" or "Invalid signature" with the 401.

    Source: guide, "Signature Verification"
    Why: the two have different causes: a proxy that drops headers, and a secret that differs.
    Fix: answer with the guide's words as plain text.

    Example: A missing signature is called missing
      Given a BOOKING_CREATED delivery
      But its signature is absent
      When Cal.com delivers it
      Then the answer says Missing signature

    Example: A wrong signature is called invalid
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the answer says Invalid signature

    Example: A right signature is called neither
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @ack-006 @must @guide @calcom
  Rule: A receiver MUST NOT answer 410 to any delivery.

    Source: Cal.com packages/features/tasker/trigger/deliver-webhook.ts (410 deactivates)
    Why: 410 Gone switches the subscription off, for good and in silence.
    Fix: use 4xx codes other than 410, whatever arrives.

    Scenario Outline: The subscription is not switched off though <oddity>
      Given a BOOKING_CREATED delivery
      But <oddity>
      When Cal.com delivers it
      Then the answer is not 410

      Examples:
        | oddity                                     |
        | its trigger event is called BOOKING_GONE   |
        | its envelope has no payload                |
        | its body is plain text                     |
        | its signature is 64 random hex digits      |

    Example: A cancellation of an unknown booking does not switch the subscription off
      Given a BOOKING_CANCELLED delivery
      When Cal.com delivers it
      Then the answer is not 410

    Example: An ordinary delivery does not switch the subscription off
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @ack-007 @must @guide
  Rule: A receiver MUST answer 405 to every method but POST.

    Source: guide, "Register Webhook Routes" (Route::post); RFC 9110 section 15.5.6
    Why: a GET that books is a booking by link preview.
    Fix: route POST only.

    Scenario Outline: A <method> with a signed body is answered with 405
      Given a BOOKING_CREATED delivery
      But it is sent with the method <method>
      When Cal.com delivers it
      Then the answer is 405

      Examples:
        | method |
        | GET    |
        | PUT    |
        | PATCH  |
        | DELETE |

    Example: A POST with the same body goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @ack-008 @must @guide @calcom
  Rule: A receiver MUST answer at the subscriber URL itself, without a redirect.

    Source: Cal.com sendPayload.ts (`redirect: "manual"`)
    Why: Cal.com does not follow redirects; a 3xx is an event lost.
    Fix: give Cal.com the final URL, with its scheme, host and slash.

    Scenario Outline: A <trigger> delivery is not redirected
      Given a <trigger> delivery
      When Cal.com delivers it
      Then the answer is no redirect

      Examples:
        | trigger           |
        | BOOKING_CREATED   |
        | PING              |

    Example: An ordinary delivery goes through at the subscriber URL
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

    Example: A wrong signature is not redirected either
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the answer is no redirect

  @ack-009 @must @guide @calcom
  Rule: A receiver MUST still acknowledge an ordinary delivery after everything else.

    Source: RFC 9110 section 15.6; guide, "Best Practices" 4
    Why: a receiver that a bad body can stop is stopped by the first one who tries.
    Fix: let no request end the process, exhaust its workers, or poison its connection pool.

    @last
    Example: An ordinary delivery goes through at the end of the run
      Given a last BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it within the budget

    @last
    Example: A forged delivery is turned away at the end of the run
      Given a last BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @ack-010 @should @calcom
  Rule: A receiver SHOULD NOT make the sender wait for the processing.

    Source: Cal.com sendPayload.ts (sent from within the booker's request, without a time limit)
    Why: one slow booking holds up the person who books, for as long as its processing takes.
    Fix: hand the delivery to a queue and answer.

    @needs-probe @needs-states
    Scenario Outline: The sender of a <trigger> delivery does not wait for its processing
      Given a <trigger> delivery
      And processing of it takes 0.8 seconds
      When Cal.com delivers it
      Then the receiver acknowledges it before the processing is over

      Examples:
        | trigger             |
        | BOOKING_CREATED     |
        | BOOKING_CANCELLED   |

    @needs-probe @needs-states
    Example: What nobody waited for has its effect all the same
      Given a BOOKING_CREATED delivery
      And processing of it takes 0.2 seconds
      When Cal.com delivers it
      Then it has its effect once
