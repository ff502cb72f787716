@tol
Feature: Tolerance and robustness

  What honest senders, networks and people do to a body.

  @tol-001 @must @guide @calcom
  Rule: A receiver MUST tolerate fields that it does not know.

    Source: Cal.com sendPayload.ts (whatever is on the event object is sent); guide, handlers
    Why: Cal.com adds fields without notice; a strict schema turns each into an outage.
    Fix: read the fields you need, and ignore the rest.

    Scenario Outline: An unknown field <where> does no harm
      Given a BOOKING_CREATED delivery
      And it has an unknown field <where>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | where                |
        | in the envelope      |
        | in the payload       |
        | in the organizer     |
        | in an attendee       |

    @needs-probe
    Example: Unknown fields everywhere do not change the effect
      Given a BOOKING_CREATED delivery
      And it has an unknown field in the payload
      When Cal.com delivers it
      Then it has its effect once

  @tol-002 @must @guide @calcom
  Rule: A receiver MUST take whatever people write as text.

    Source: Cal.com sendPayload.ts (JSON.stringify escapes next to nothing); RFC 8259 section 7
    Why: names hold quotes, emoji, markup and right-to-left marks, and break what glues strings.
    Fix: bind values, escape on output, and keep text as text.

    @needs-probe
    Scenario Outline: A guest and a note written with <text> have their effect
      Given a BOOKING_CREATED delivery
      And its names and notes hold <text>
      When Cal.com delivers it
      Then it has its effect once

      Examples:
        | text                     |
        | emoji                    |
        | quotes and backslashes   |
        | markup                   |
        | something like SQL       |
        | template braces          |
        | right-to-left marks      |
        | combining accents        |
        | line ends and tabs       |
        | U+2028 and U+2029        |
        | text beyond the BMP      |

    Example: Text of every kind is acknowledged
      Given a BOOKING_CREATED delivery
      And its names and notes hold emoji
      When Cal.com delivers it
      Then the receiver acknowledges it

  @tol-003 @must @guide @calcom
  Rule: A receiver MUST take bodies of up to 256 kB.

    Source: Cal.com schema (responses and notes have no limit of length)
    Why: long notes, many guests and calendar texts make bodies larger than a framework's default.
    Fix: raise the body limit of the server, the framework and the proxy.

    Scenario Outline: A body of <size> kB goes through
      Given a BOOKING_CREATED delivery
      And its body is <size> kB long
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | size |
        | 8    |
        | 32   |
        | 64   |
        | 128  |
        | 256  |

    Example: A long body with a wrong signature is turned away
      Given a BOOKING_CREATED delivery
      And its body is 128 kB long
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver refuses it

  @tol-004 @must @guide @calcom
  Rule: A receiver MUST read the body as bytes, however the network cuts it.

    Source: RFC 9293 section 3.8 (a stream has no boundaries); RFC 3629
    Why: joining text chunks corrupts a character that was cut in two, and the signature with it.
    Fix: collect bytes until the body is complete; decode afterwards.

    Scenario Outline: A body that arrives <how> goes through
      Given a BOOKING_CREATED delivery
      And its names and notes hold emoji
      When Cal.com delivers it <how>
      Then the receiver acknowledges it

      Examples:
        | how                                       |
        | in two segments cut inside a character    |
        | in two segments cut after its headers     |
        | in many small segments                    |
        | slowly                                    |

    Example: A torn body with a wrong signature is turned away
      Given a BOOKING_CREATED delivery
      But its signature is 64 random hex digits
      When Cal.com delivers it in two segments cut after its headers
      Then the receiver refuses it

  @tol-005 @must @guide @calcom
  Rule: A receiver MUST NOT drop a delivery because it comes late.

    Source: Cal.com deliver-webhook.ts (a retry keeps its createdAt; tasks queue)
    Why: a window over createdAt drops deliveries with a 2xx, and nobody ever learns of it.
    Fix: recognise replays by their bytes, not by their age; refuse what is too old for you.

    @needs-probe
    Scenario Outline: A booking reported <later> has its effect
      Given a BOOKING_CREATED delivery
      And it happened <later>
      When Cal.com delivers it
      Then it has its effect once

      Examples:
        | later              |
        | ten minutes ago    |
        | two hours ago      |
        | a second from now  |
        | four minutes from now |

    @needs-probe
    Scenario Outline: A booking reported <later> is refused or has its effect
      Given a BOOKING_CREATED delivery
      And it happened <later>
      When Cal.com delivers it
      Then each that was acknowledged has its effect once

      Examples:
        | later              |
        | three days ago     |
        | a year from now    |

  @tol-006 @must @guide @calcom
  Rule: A receiver MUST take the booking ids that Cal.com can give for what they are.

    Source: Cal.com schema.prisma (Booking.id, an Int of 32 bits)
    Why: an id that is cut or signed otherwise is the id of another booking.
    Fix: keep ids as 64-bit integers or as text.

    @needs-probe
    Scenario Outline: A booking with the id <id> keeps it
      Given a BOOKING_CREATED delivery
      And its booking id is <id>
      When Cal.com delivers it
      Then its appointment carries that booking id

      Examples:
        | id               |
        | 1                |
        | 16777217         |
        | 2147483647       |

  @tol-007 @should @guide @calcom
  Rule: A receiver SHOULD judge a body by its content and not by its content type.

    Source: Cal.com sendPayload.ts (a template that is not JSON is sent form-encoded)
    Why: the content type follows the template's text, not the body that comes out of it.
    Fix: parse the bytes as JSON whatever the header says.

    Scenario Outline: A body declared <type> goes through
      Given a BOOKING_CREATED delivery
      And its content type is <type>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | type                              |
        | application/json; charset=utf-8   |
        | APPLICATION/JSON                  |
        | application/x-www-form-urlencoded |
        | absent                            |

  @tol-008 @hardening @guide @calcom
  Rule: A receiver SHOULD survive JSON that no honest sender writes.

    Source: RFC 8259 section 9 (implementations may set limits)
    Why: parsers recurse, numbers overflow and surrogates stand alone; a stolen secret is enough
      to send them.
    Fix: limit depth and size, and answer 400.

    Scenario Outline: A signed body with <oddity> does not break the receiver
      Given a BOOKING_CREATED delivery
      But its body is <oddity>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | oddity                       |
        | 500 nested arrays            |
        | 1000 nested arrays           |
        | 10000 nested arrays          |
        | 100000 nested arrays         |
        | 10000 nested objects         |
        | a number of 400 digits       |
        | the number 1e400             |
        | the number -1e309            |
        | a lone surrogate             |
        | a surrogate pair upside down |
        | an escaped NUL in a name     |
        | NaN as a payload member      |
        | a payload with repeated keys |

    Example: A signed body without oddities goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @tol-009 @should @guide @calcom
  Rule: A receiver SHOULD take bodies of up to 1 MB.

    Source: Cal.com schema (responses and notes have no limit of length); RFC 9110 section 15.5.14
    Why: a form with uploads in its answers, or a booking with hundreds of guests, gets that long.
    Fix: raise the body limit of the server, the framework and the proxy to 1 MB at least.

    Scenario Outline: A long body of <size> kB goes through
      Given a BOOKING_CREATED delivery
      And its body is <size> kB long
      When Cal.com delivers it
      Then the receiver acknowledges it within the budget

      Examples:
        | size |
        | 512  |
        | 1024 |

    Example: A very long body with a wrong signature is turned away
      Given a BOOKING_CREATED delivery
      And its body is 512 kB long
      But its signature is absent
      When Cal.com delivers it
      Then the receiver gets over it within the budget

  @tol-010 @hardening @guide @calcom
  Rule: A receiver SHOULD get over 10 MB of a stranger within the budget.

    Source: RFC 9110 section 15.5.14 (413 Content Too Large) and section 17.5
    Why: a body that is read whole before anybody asks who sent it is memory for the asking.
    Fix: answer 413, or hang up, as soon as more has come than your limit.

    @disruptive @alone
    Scenario Outline: An unsigned body of 10 MB that is sent <how> does no harm
      Given a BOOKING_CREATED delivery
      And its body is 10240 kB long
      But its signature is absent
      When Cal.com delivers it <how>
      Then the receiver gets over it within the budget

      Examples:
        | how                          |
        | in large segments            |
        | in chunks of 65536 bytes     |

    @disruptive @alone
    Example: An ordinary body is taken after a huge one
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it within the budget

  @tol-011 @should @guide @calcom
  Rule: A receiver SHOULD cope with what stands around the JSON of a body.

    Source: RFC 8259 sections 2 and 8.1; Cal.com sendPayload.ts (a template is sent as it renders)
    Why: a custom template begins and ends with whatever its author typed there.
    Fix: verify the bytes as they came, and let the parser skip white space; answer 400 to the rest.

    Example: A body with white space around it goes through
      Given a BOOKING_CREATED delivery
      And its body is written with white space around it
      When Cal.com delivers it
      Then the receiver acknowledges it

    Scenario Outline: A signed body that is <oddity> breaks nothing
      Given a BOOKING_CREATED delivery
      But its body is <oddity>
      When Cal.com delivers it
      Then the receiver answers without failing

      Examples:
        | oddity                            |
        | a JSON text after a mark of order |
        | a JSON text before a NUL          |
        | a JSON text in UTF-16             |

  @tol-012 @hardening @guide @calcom
  Rule: A receiver SHOULD NOT do two things because of a body that says two.

    Source: RFC 8259 section 4 (names within an object should be unique); Cal.com sendPayload.ts
    Why: where two parsers disagree about a repeated name, one verifies what the other never sees.
    Fix: parse a body once, and use what came out of it everywhere.

    @needs-probe
    Scenario Outline: A body with <oddity> has one effect at the most
      Given a BOOKING_CREATED delivery
      But its body is <oddity>
      When Cal.com delivers it
      Then it has one effect at the most

      Examples:
        | oddity                            |
        | an envelope with two triggers     |
        | an envelope with two payloads     |
        | an envelope with its trigger twice |

    Example: A body that says two things does not break the receiver
      Given a BOOKING_CREATED delivery
      But its body is an envelope with two triggers
      When Cal.com delivers it
      Then the receiver answers without failing

    Example: A body that says one thing goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @tol-013 @must @guide @calcom
  Rule: A receiver MUST go on with what comes after a delivery that it can make nothing of.

    Source: guide, "Job Implementation" (`failed`) and "Best Practices" 7
    Why: one body that stops the queue behind it costs every booking after it.
    Fix: catch what a single delivery makes of a worker, put the delivery aside, and go on.

    @needs-probe
    Scenario Outline: A booking after <fault> has its effect
      Given a BOOKING_CREATED delivery
      But its payload has <fault>
      When Cal.com delivers it
      And Cal.com delivers a sound one after it
      Then the one after it has its effect once

      Examples:
        | fault                          |
        | a number as startTime          |
        | text as attendees              |
        | a list as uid                  |
        | an endTime before its time     |

    @needs-probe
    Scenario Outline: A booking after a body with <oddity> has its effect
      Given a BOOKING_CREATED delivery
      But its body is <oddity>
      When Cal.com delivers it
      And Cal.com delivers a sound one after it
      Then the one after it has its effect once

      Examples:
        | oddity                       |
        | a lone surrogate             |
        | a number of 400 digits       |
        | an escaped NUL in a name     |
        | 500 nested arrays            |

  @tol-014 @hardening @guide @calcom
  Rule: A receiver SHOULD take booking ids of any size for what they are.

    Source: RFC 8259 section 6 (integers beyond 2^53 are read differently)
    Why: an id beyond 32 bits overflows a column; beyond 2^53 two bookings become one.
    Fix: keep ids as 64-bit integers or as text.

    @needs-probe
    Scenario Outline: A booking with the large id <id> keeps it
      Given a BOOKING_CREATED delivery
      And its booking id is <id>
      When Cal.com delivers it
      Then its appointment carries that booking id

      Examples:
        | id               |
        | 2147483648       |
        | 4294967296       |
        | 9007199254740993 |

  @tol-015 @should @guide @calcom
  Rule: A receiver SHOULD take a delivery however late it comes.

    Source: Cal.com deliver-webhook.ts (a retry keeps its createdAt; tasks queue)
    Why: after a long weekend of failing, what is sent again then is all there is of its bookings.
    Fix: recognise replays by their bytes, not by their age.

    @needs-probe
    Scenario Outline: A booking reported <later> has its effect all the same
      Given a BOOKING_CREATED delivery
      And it happened <later>
      When Cal.com delivers it
      Then it has its effect once

      Examples:
        | later              |
        | three days ago     |
        | a month ago        |
