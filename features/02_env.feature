@env
Feature: Envelope and content

  What is signed is authentic, and may still be nonsense.

  @env-001 @must @guide @calcom
  Rule: A receiver MUST NOT fail on a signed body that is not JSON.

    Source: RFC 9110 section 15.6; Cal.com sendPayload.ts (a broken template is sent as `false`)
    Why: a 5xx is retried for ever and says "try again" about a body that will never parse.
    Fix: answer 4xx when the body does not parse.

    Scenario Outline: A signed body that is <nonsense> does not break the receiver
      Given a BOOKING_CREATED delivery
      But its body is <nonsense>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | nonsense                 |
        | cut in the middle        |
        | empty                    |
        | plain text               |
        | in single quotes         |
        | followed by a comma      |
        | two objects in a row     |
        | bytes that are not UTF-8 |
        | a form                   |

    Example: A signed body that is JSON goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @env-002 @must @guide
  Rule: A receiver MUST answer 400 to a signed body that is not JSON.

    Source: guide, "Controller Implementation" (no event, no payload: 400)
    Why: the sender's operator learns of the broken template from the status alone.
    Fix: answer 400 with {"error":"Invalid payload"}.

    Scenario Outline: A signed body that is <nonsense> is an invalid payload
      Given a BOOKING_CREATED delivery
      But its body is <nonsense>
      When Cal.com delivers it
      Then the answer is 400 with {"error":"Invalid payload"}

      Examples:
        | nonsense                 |
        | cut in the middle        |
        | plain text               |
        | bytes that are not UTF-8 |

    Example: A parsable signed body is not an invalid payload
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @env-003 @must @guide
  Rule: A receiver MUST answer 400 to an envelope without a trigger event or without a payload.

    Source: guide, "Controller Implementation" ("Validate required fields")
    Why: there is nothing to queue; a 202 would promise work that nobody can do.
    Fix: answer 400 with {"error":"Invalid payload"} unless both are present and not empty.

    Scenario Outline: An envelope with <fault> is an invalid payload
      Given a BOOKING_CREATED delivery
      But its envelope has <fault>
      When Cal.com delivers it
      Then the answer is 400 with {"error":"Invalid payload"}

      Examples:
        | fault                    |
        | no triggerEvent          |
        | an empty triggerEvent    |
        | a null triggerEvent      |
        | no payload               |
        | a null payload           |
        | an empty payload         |
        | an empty list as payload |
        | nothing at all           |

    Example: An envelope with both goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @env-004 @must @guide
  Rule: A receiver MUST answer 400 to signed JSON that is no object.

    Source: guide, "Controller Implementation"; Cal.com sendPayload.ts (the body `false`)
    Why: a list or a scalar has neither a trigger event nor a payload.
    Fix: look at the type of the parsed body before looking into it.

    Scenario Outline: Signed JSON that is <nonsense> is an invalid payload
      Given a BOOKING_CREATED delivery
      But its body is <nonsense>
      When Cal.com delivers it
      Then the answer is 400 with {"error":"Invalid payload"}

      Examples:
        | nonsense           |
        | the number 1       |
        | a string           |
        | the literal true   |
        | the literal false  |
        | the literal null   |
        | an empty list      |
        | the envelope in a list |

    Example: Signed JSON that is an object goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @env-005 @should @calcom
  Rule: A receiver SHOULD NOT fail on signed JSON that is no object.

    Source: Cal.com sendPayload.ts (a template that renders badly is sent as the body `false`)
    Why: the five bytes `false` do arrive, correctly signed, whenever a template breaks.
    Fix: look at the type of the parsed body before looking into it.

    Scenario Outline: Signed JSON that is <nonsense> breaks nothing
      Given a BOOKING_CREATED delivery
      But its body is <nonsense>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | nonsense           |
        | the number 1       |
        | a string           |
        | the literal false  |
        | the literal null   |
        | an empty list      |

    Example: A signed object does not break the receiver
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @env-006 @must @guide @calcom
  Rule: A receiver MUST NOT fail on an envelope whose members have other types.

    Source: guide, "Best Practices" 6 ("Don't trust webhook data blindly")
    Why: an authentic sender can still change its mind about a type.
    Fix: check the types of triggerEvent and payload before using them.

    Scenario Outline: An envelope with <fault> does not break the receiver
      Given a BOOKING_CREATED delivery
      But its envelope has <fault>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | fault                     |
        | a number as triggerEvent  |
        | a list as triggerEvent    |
        | an object as triggerEvent |
        | a string as payload       |
        | a number as payload       |
        | a list of text as payload |
        | a number as createdAt     |

    Example: An envelope of the right types goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @env-007 @must @guide @calcom
  Rule: A receiver MUST NOT half-act on a payload whose content makes no sense.

    Source: guide, "Best Practices" 6 and 7
    Why: a half-written appointment is worse than none: nobody looks for it.
    Fix: validate what a handler needs before it writes, and write in one transaction.

    @needs-probe
    Scenario Outline: A payload with <fault> changes nothing
      Given a BOOKING_CREATED delivery
      But its payload has <fault>
      When Cal.com delivers it
      Then the receiver answers without failing
      And it has no effect

      Examples:
        | fault                          |
        | a number as startTime          |
        | a word as startTime            |
        | an endTime in month 13         |
        | a list as uid                  |

    @needs-probe
    Example: A payload with text as attendees is booked as a whole or not at all
      Given a booking that is created
      But its payload has text as attendees
      When Cal.com delivers it
      Then the receiver answers without failing
      And it has no effect, or it is live once at the time of "created"

    @needs-probe
    Example: A payload that makes sense has its effect
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then it has its effect once

  @env-008 @must @guide @calcom
  Rule: A receiver MUST cope with a payload without its optional fields.

    Source: Cal.com packages/types/Calendar.d.ts (CalendarEvent); guide, handlers (`?? null`)
    Why: each Cal.com builder leaves out other fields; a receiver that needs them all loses events.
    Fix: read optional fields with a default.

    Scenario Outline: A payload with <oddity> goes through
      Given a BOOKING_CREATED delivery
      And its payload has <oddity>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | oddity               |
        | no metadata          |
        | null as metadata     |
        | no description       |
        | null as location     |
        | no attendees listed  |
        | no responses         |
        | no title             |
        | no name of its organizer |

    @needs-probe
    Scenario Outline: A payload with <oddity> still has its effect
      Given a BOOKING_CREATED delivery
      And its payload has <oddity>
      When Cal.com delivers it
      Then it has its effect once

      Examples:
        | oddity               |
        | no metadata          |
        | null as metadata     |
        | null as location     |
        | no attendees listed  |

  @env-009 @must @guide
  Rule: A receiver MUST accept an envelope without createdAt.

    Source: guide, "Controller Implementation" and "Unit Tests" (only triggerEvent and payload)
    Why: the guide's own test delivery has no createdAt.
    Fix: take the time of receipt when createdAt is missing.

    Example: An envelope without createdAt goes through
      Given a BOOKING_CREATED delivery
      And its envelope has no createdAt
      When Cal.com delivers it
      Then the receiver acknowledges it

    @needs-probe
    Example: An envelope without createdAt has its effect
      Given a BOOKING_CREATED delivery
      And its envelope has no createdAt
      When Cal.com delivers it
      Then it has its effect once
