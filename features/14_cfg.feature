@cfg
Feature: Configuration

  Most receivers are wrong before the first delivery: their secret is missing, stale or misread.
  What of the guide's troubleshooting checklist other chapters judge is not repeated here.

  @cfg-001 @must @guide @calcom
  Rule: A receiver MUST NOT take any delivery while it has no secret.

    Source: guide, "Security Best Practices" 1 and "Troubleshooting Checklist" (the secret matches)
    Why: a variable that a deployment forgot must not open the door to everybody; nearly half of all
      public receivers do just that.
    Fix: refuse to start without a secret, or refuse every delivery until there is one.

    @needs-secrets
    Scenario Outline: Started with <secret> the receiver takes nothing that anybody could send
      Given the receiver is started with <secret>
      When anybody delivers bookings under signatures that need no secret
      Then the receiver has taken none of them

      Examples:
        | secret          |
        | no secret       |
        | an empty secret |

    @needs-secrets
    Example: Started as ever the receiver takes what Cal.com sends
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @cfg-002 @must @guide @calcom
  Rule: A receiver MUST believe in the secret that it is started with, and in no other.

    Source: guide, "Configure Environment Variables" and "Signature Verification Failures"
    Why: a secret is replaced because somebody else may have it; a copy of the old one that goes on
      being believed makes the new one worthless.
    Fix: read the secret from its variable at every start, and keep it nowhere else.

    @needs-secrets
    Example: Once the secret is replaced the old one counts no more
      Given the receiver is started with a new secret
      When Cal.com delivers bookings under each secret
      Then the new secret alone counts

  @cfg-003 @should @guide @calcom
  Rule: A receiver SHOULD believe in the old secret and in the new one while one replaces the other.

    Source: Cal.com sendPayload.ts (a delivery is signed with the secret of the moment it is sent)
    Why: a subscription and a receiver never change at the same instant; with one secret alone every
      delivery in between is refused, and lost.
    Fix: verify with the new secret first and then with the retired one, as long as that is set.

    @needs-secrets @needs-rotation
    Example: While the secret is being replaced both count
      Given the receiver is started with a new secret beside the old one
      When Cal.com delivers bookings under each secret
      Then the old secret and the new one count

  @cfg-004 @must @guide @calcom
  Rule: A receiver MUST refuse a secret that was retired.

    Source: guide, "Signature Verification Failures" (the secret of both systems matches)
    Why: an overlap that never ends is no replacement.
    Fix: believe in a retired secret only while its variable holds it.

    @needs-secrets @needs-rotation
    Example: After the overlap the new secret alone counts
      Given the receiver is started with a new secret beside the old one
      When Cal.com delivers bookings under each secret
      And the receiver is started with a new secret
      And Cal.com delivers bookings under each secret
      Then the new secret alone counts

  @cfg-005 @must @guide @calcom
  Rule: A receiver MUST know under a new secret what it took under the old one.

    Source: guide, "Duplicate Event Processing" (the webhook id is unique, whoever signed it)
    Why: deliveries are under way while a secret is replaced; an identity that depends on the
      signature books each of them twice, and one that is verified once more is lost.
    Fix: derive the identity of a delivery from its body alone, and verify it once, at the door.

    @needs-probe @needs-secrets
    Example: A booking taken under the old secret is not made again under the new one
      Given a booking that is created
      When Cal.com delivers created
      And created has taken effect
      And the receiver is started with a new secret
      And Cal.com redelivers it under the new secret
      Then created has its effect once
      And there is one appointment

    @needs-probe @needs-states @needs-secrets
    Example: A booking taken under the old secret and processed under the new one is there
      Given a booking that is created
      When the processing pauses
      And Cal.com delivers created
      And the receiver is started with a new secret
      Then created has its effect once

  @cfg-006 @must @guide @calcom
  Rule: A receiver MUST key its HMAC with the secret as it was typed.

    Source: Cal.com sendPayload.ts (createHmac over the secret's UTF-8); guide, "Configure Webhook URL
      in Cal.com"
    Why: the secret is any text that somebody typed; a receiver that decodes, cuts or unquotes it
      refuses every delivery of a subscription whose secret happens to look like something.
    Fix: use the bytes of the text, with no prefix taken off and nothing decoded.

    @needs-secrets
    Scenario Outline: Under a secret that <looks> deliveries go through
      Given the receiver is started with a secret that <looks>
      When Cal.com delivers bookings under each secret
      Then the new secret alone counts

      Examples:
        | looks                                           |
        | is base64 behind a prefix                       |
        | is long and holds signs and letters beyond ASCII |

  @cfg-007 @may @guide @calcom
  Rule: A receiver MAY take a line feed at the end of its secret for none.

    Source: Cal.com (a secret is typed into one line, and cannot end in a line feed)
    Why: files and consoles append one unseen; taking it off is kind, taking it as it stands is
      right, and taking neither is an outage without a cause.
    Fix: take the secret as it stands or without its line end, and refuse to start with anything
      that you will not use.

    @needs-secrets
    Example: Under a secret that ends in a line feed one of its two readings counts
      Given the receiver is started with a secret that ends in a line feed
      When Cal.com delivers bookings under each secret
      Then the new secret counts with its line feed or without

  @cfg-008 @must @guide @calcom
  Rule: A receiver MUST NOT wait for another request before it processes what it has taken.

    Source: guide, "Troubleshooting Checklist" (queue workers running) and "Best Practices" 1
    Why: work that is left to a thread of a frozen process, or to whoever calls next, is done hours
      later or never; at night nobody calls.
    Fix: let workers run by themselves, whether requests come or not.

    @needs-probe
    Example: A booking is made in a silence in which nobody asks for anything
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
      And such a booking is made in silence
