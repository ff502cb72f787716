@thr
Feature: Throttling

  Many deliveries at once, and many requests of strangers beside them.

  @thr-001 @must @guide @calcom
  Rule: A receiver MUST take a burst of deliveries, if need be when they come again.

    Source: guide, "Register Webhook Routes" (throttle:webhook); RFC 6585 section 4 (429)
    Why: a series of bookings, or a queue that was held up, comes within a second.
    Fix: accept deliveries at the speed of your store; throttle with 429 and Retry-After alone.

    Scenario Outline: Of a burst of <count> deliveries each one gets through
      Given <count> BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst
      And what was throttled comes again in its time
      Then each of the burst has got through

      Examples:
        | count |
        | 10    |
        | 30    |

    @needs-probe
    Example: Each delivery of a burst has its effect once
      Given 20 BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst
      And what was throttled comes again in its time
      Then each of the burst has got through
      And each of them has its effect once

  @thr-002 @should @guide @calcom
  Rule: A receiver SHOULD say with a 429 when to come again.

    Source: RFC 6585 section 4 and RFC 9110 section 10.2.3 (Retry-After)
    Why: who does not know when comes too early, or not at all.
    Fix: send Retry-After with the seconds until there is room.

    Example: Whoever is throttled in a burst learns when to come again
      Given 40 BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst
      Then each 429 says when to come again

    Example: A delivery at its leisure goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @thr-003 @must @guide @calcom
  Rule: A receiver MUST NOT let the requests of strangers keep a delivery out for long.

    Source: guide, "Register Webhook Routes" (throttle:webhook); RFC 9110 section 17.5
    Why: a hundred unsigned requests would cost every booking until somebody notices.
    Fix: count what is refused apart from what is authentic, and forget it within a minute.

    @disruptive @alone
    Example: A delivery gets through after 100 unsigned requests
      Given a BOOKING_CREATED delivery
      When strangers send 100 unsigned requests
      And Cal.com delivers it in a burst
      And what was throttled comes again in its time
      Then each of the burst has got through

    @disruptive @alone
    Example: None of 100 unsigned requests breaks the receiver
      Given a BOOKING_CREATED delivery
      When strangers send 100 unsigned requests
      Then no request of a stranger has failed

  @thr-004 @must @guide @calcom
  Rule: A receiver MUST NOT act on what it throttles until it comes again.

    Source: RFC 6585 section 4 (the request was not acted on); guide, route middleware order
    Why: what has had its effect and comes again is taken for a second booking somewhere.
    Fix: throttle before anything else, as the guide's middleware does.

    @needs-probe
    Example: What is throttled in a burst has no effect
      Given 30 BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst
      Then nothing that was throttled has had an effect

    @needs-probe
    Example: What was throttled in a burst has its effect when it comes again
      Given 30 BOOKING_CREATED deliveries
      When Cal.com delivers them in a burst
      And what was throttled comes again in its time
      Then each of them has its effect once

  @thr-005 @should @guide @calcom
  Rule: A receiver SHOULD NOT throttle deliveries that come one after another.

    Source: Cal.com sendPayload.ts (sent directly, what is throttled is never sent again)
    Why: a 429 to a direct delivery is a booking lost, Retry-After or not.
    Fix: allow some deliveries a second from one address: Cal.com has few.

    Example: Of 12 deliveries one after another none is throttled
      Given 12 BOOKING_CREATED deliveries
      When Cal.com delivers them one after another, once each
      Then none of them is throttled

    Example: A single delivery is not throttled
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
