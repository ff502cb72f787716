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
    Fix: recognise replays by their bytes, not by their age.

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
        | three days ago     |
        | a second from now  |

  @tol-006 @must @guide @calcom
  Rule: A receiver MUST take booking ids of any size for what they are.

    Source: Cal.com schema.prisma (Booking.id); RFC 8259 section 6
    Why: an id beyond 32 bits overflows a column; beyond 2^53 two bookings become one.
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
        | 2147483648       |
        | 4294967296       |
        | 9007199254740993 |

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
        | 100000 nested arrays         |
        | a number of 400 digits       |
        | the number 1e400             |
        | a lone surrogate             |
        | an escaped NUL in a name     |
        | NaN as a payload member      |
        | a payload with repeated keys |

    Example: A signed body without oddities goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
