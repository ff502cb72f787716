@net
Feature: Transport

  What lies between the sender and the receiver: connections, framing, methods and addresses.

  @net-001 @must @guide @calcom
  Rule: A receiver MUST acknowledge a delivery while strangers send theirs at a crawl.

    Source: guide, "Security Best Practices" 4; RFC 9110 section 17.5
    Why: three strangers who send a byte now and then would keep every booking out.
    Fix: let no request hold a worker before it is whole: buffer in front, or read asynchronously.

    Scenario Outline: A delivery is acknowledged while 3 strangers crawl through <part>
      Given a BOOKING_CREATED delivery
      When 3 strangers send <part> a byte at a time
      And Cal.com delivers it
      Then the receiver acknowledges it within the budget

      Examples:
        | part            |
        | their headers   |
        | their bodies    |

  @net-002 @hardening @guide @calcom
  Rule: A receiver SHOULD give up on a request that is not whole when the budget is over.

    Source: RFC 9110 section 15.5.9 (408 Request Timeout); guide, "Security Best Practices" 4
    Why: what is not whole by then can no longer be answered in time, and holds a connection.
    Fix: set a limit of time for the header block and for the body, in the server or the proxy.

    @slow
    Example: Requests that stop within their headers, or their bodies, are given up
      Given a BOOKING_CREATED delivery
      When 2 strangers stop within their headers
      And 2 strangers stop within their bodies
      Then the receiver gives the strangers up within the budget

    Example: A request that is whole is taken after those that were given up
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-003 @hardening @guide @calcom
  Rule: A receiver SHOULD turn away a header block that is larger than anybody needs.

    Source: RFC 6585 section 5 (431); RFC 9110 section 5.4
    Why: headers are kept in memory before anybody asks who sent them.
    Fix: bound the header block, at 64 kB for example, and answer 431 or hang up.

    Scenario Outline: A delivery with <headers> is turned away
      Given a BOOKING_CREATED delivery
      But it carries <headers>
      When Cal.com delivers it
      Then the receiver turns it away or hangs up

      Examples:
        | headers                     |
        | a header of 1 MB            |
        | 20000 headers of 60 bytes   |

    Example: A header block of 6 kB goes through
      Given a BOOKING_CREATED delivery
      And it carries a header of 6 kB
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-004 @must @guide @calcom
  Rule: A receiver MUST take a delivery whose first attempt was torn off.

    Source: Cal.com packages/features/tasker/trigger/deliver-webhook.ts (a network error is retried)
    Why: a receiver that has marked the delivery by then refuses or forgets the whole one.
    Fix: remember a delivery after its body has come and been verified, and not before.

    Scenario Outline: A delivery that was torn off <where> is acknowledged the next time
      Given a BOOKING_CREATED delivery
      When the connection breaks <where>
      And Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | where                         |
        | within its headers            |
        | after its headers             |
        | in the middle of its body     |
        | before its last byte          |

    @needs-probe
    Scenario Outline: A delivery that was torn off <where> has its effect the next time
      Given a BOOKING_CREATED delivery
      When the connection breaks <where>
      And Cal.com delivers it
      Then it has its effect once

      Examples:
        | where                         |
        | in the middle of its body     |
        | before its last byte          |

  @net-005 @hardening @guide @calcom
  Rule: A receiver SHOULD NOT act on a body that ends before its announced length.

    Source: RFC 9112 section 8 (such a message is incomplete)
    Why: what is missing may be what made the delivery another one.
    Fix: take the end of the connection before the end of the body for an error.

    Scenario Outline: A signed body that is <bytes> bytes short of its length is not acknowledged
      Given a BOOKING_CREATED delivery
      When the connection ends <bytes> bytes before the announced end
      Then the receiver does not acknowledge it

      Examples:
        | bytes |
        | 1     |
        | 1000  |

    @needs-probe
    Example: A signed body that is short of its announced length has no effect
      Given a BOOKING_CREATED delivery
      When the connection ends 100 bytes before the announced end
      Then it has no effect

    Example: A body of its announced length goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-006 @should @guide @calcom
  Rule: A receiver SHOULD take a body in chunks, or ask for its length.

    Source: RFC 9112 section 7.1 (a recipient must be able to parse the chunked transfer coding)
    Why: a proxy may send in chunks what came with a length; read as empty, it fails verification.
    Fix: read the body however it is framed, or answer 411 Length Required.

    Scenario Outline: A delivery in chunks of <size> bytes is taken or its length asked for
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it in chunks of <size> bytes
      Then the receiver acknowledges it or asks for its length

      Examples:
        | size  |
        | 7     |
        | 512   |
        | 65536 |

    Example: A delivery with a length goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-007 @must @guide @calcom
  Rule: A receiver MUST judge each delivery on a connection by itself.

    Source: Cal.com sendPayload.ts (Node's fetch keeps connections); RFC 9112 section 9.3
    Why: a connection is shared by whoever a proxy puts on it; who was right before says nothing.
    Fix: keep nothing of a request on its connection.

    Scenario Outline: Of two deliveries on one connection, <first> and <second>, each gets its due
      Given 2 BOOKING_CREATED deliveries
      When they come on one connection, <first> and <second>
      Then each of them is answered as it is signed

      Examples:
        | first           | second           |
        | signed rightly  | signed wrongly   |
        | signed wrongly  | signed rightly   |

    Example: Two right deliveries on one connection are both acknowledged
      Given 2 BOOKING_CREATED deliveries
      When they come on one connection, signed rightly and signed rightly
      Then the receiver acknowledges each of them

  @net-008 @hardening @guide @calcom
  Rule: A receiver SHOULD answer deliveries that come without waiting in their order.

    Source: RFC 9112 section 9.3.2 (pipelining)
    Why: answers in another order tell a proxy that the forged delivery was the one taken.
    Fix: leave the order of answers to the server, or close the connection after the first.

    Scenario Outline: Of two deliveries sent at once, <first> and <second>, each gets its due
      Given 2 BOOKING_CREATED deliveries
      When they come on one connection without waiting, <first> and <second>
      Then each of them is answered as it is signed

      Examples:
        | first           | second           |
        | signed rightly  | signed wrongly   |
        | signed wrongly  | signed rightly   |

    Example: Two right deliveries sent at once are both acknowledged
      Given 2 BOOKING_CREATED deliveries
      When they come on one connection without waiting, signed rightly and signed rightly
      Then the receiver acknowledges each of them

  @net-009 @hardening @guide @calcom
  Rule: A receiver SHOULD let a sender that asks first go ahead.

    Source: RFC 9110 section 10.1.1 (Expect: 100-continue)
    Why: curl asks before it sends a longer body; a receiver that fails at it cannot be tried out.
    Fix: answer 100, or 417, and leave it to the server which.

    Example: A delivery that asks before it sends its body is taken or told not to ask
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it after asking for a go-ahead
      Then the receiver acknowledges it or declines to be asked

    Example: A delivery that does not ask goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-010 @must @guide @calcom
  Rule: A receiver MUST NOT act on, or fail at, a request with another method than POST.

    Source: guide, "Register Webhook Routes" (Route::post); Cal.com sendPayload.ts (always POST)
    Why: browsers, link previews and monitors ask with GET and HEAD; none of them books.
    Fix: route POST only, and let the framework answer the rest.

    Scenario Outline: A <method> request with a signed body does not break the receiver
      Given a BOOKING_CREATED delivery
      But it is sent with the method <method>
      When Cal.com delivers it
      Then the receiver gets over it within the budget

      Examples:
        | method  |
        | GET     |
        | HEAD    |
        | PUT     |
        | PATCH   |
        | DELETE  |
        | OPTIONS |

    @needs-probe
    Scenario Outline: A <method> request with a signed body has no effect
      Given a BOOKING_CREATED delivery
      But it is sent with the method <method>
      When Cal.com delivers it
      Then it has no effect

      Examples:
        | method  |
        | GET     |
        | HEAD    |
        | PUT     |
        | PATCH   |
        | DELETE  |
        | OPTIONS |

    Example: A POST request with the same body is acknowledged
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-011 @should @guide @calcom
  Rule: A receiver SHOULD NOT acknowledge at another address what it does not act on there.

    Source: guide, "Configure Webhook URL in Cal.com"; RFC 9110 section 15.5.5
    Why: where everything is answered with 200, a mistyped URL loses every event in silence.
    Fix: answer 404 at addresses that nobody registered, whatever the method and the signature.

    Scenario Outline: A forged delivery to <address> is not acknowledged
      Given a BOOKING_CREATED delivery
      But it is sent to <address>
      And its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver does not acknowledge it

      Examples:
        | address                           |
        | an address that nobody registered |
        | its address with a letter missing |

    Scenario Outline: What its own address refuses is not acknowledged at <address>
      Given a BOOKING_CREATED delivery
      But its envelope has no triggerEvent
      And it is sent to <address>
      When Cal.com delivers it
      Then the receiver does not acknowledge it where its own address refuses it

      Examples:
        | address                           |
        | an address that nobody registered |
        | its address with a letter missing |

    @needs-probe
    Scenario Outline: A signed delivery to <address> is not acknowledged and lost
      Given a BOOKING_CREATED delivery
      But it is sent to <address>
      When Cal.com delivers it
      Then the receiver does not acknowledge it without acting on it

      Examples:
        | address                           |
        | an address that nobody registered |
        | its address with a letter missing |

    Example: A delivery to the right address is acknowledged
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-012 @hardening @guide @calcom
  Rule: A receiver SHOULD get over a body that is compressed, or said to be.

    Source: RFC 9110 sections 8.4 and 15.5.16; Cal.com sendPayload.ts (never compresses)
    Why: inflated before it is verified, 16 kB of a stranger are 16 MB of memory.
    Fix: verify the bytes as they came, and refuse or ignore a content encoding.

    Scenario Outline: A body that is <encoding> breaks nothing
      Given a BOOKING_CREATED delivery
      But its body is sent <encoding>
      When Cal.com delivers it
      Then the receiver gets over it within the budget

      Examples:
        | encoding                                 |
        | compressed, with a wrong signature       |
        | as a bomb, with a wrong signature        |
        | said to be compressed, which it is not   |
        | in an encoding that nobody knows         |

    Example: A body without an encoding goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-013 @should @guide @calcom
  Rule: A receiver SHOULD NOT acknowledge a delivery with a page for people.

    Source: Cal.com sendPayload.ts (any 2xx counts as delivered); RFC 9110 section 15.3
    Why: a login wall or a parked domain answers 200 with a page, and the event is lost.
    Fix: let the receiver's address past whatever shows pages to people.

    Scenario Outline: The answer to a <trigger> delivery is no page
      Given a <trigger> delivery
      When Cal.com delivers it
      Then the answer is no page for people

      Examples:
        | trigger           |
        | BOOKING_CREATED   |
        | PING              |

    Example: A delivery that gets no page is acknowledged
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-014 @should @guide @calcom
  Rule: A receiver SHOULD judge a delivery by its signature and not by what a browser would send.

    Source: Cal.com sendPayload.ts (no cookie, Origin or Referer; the client's own User-Agent)
    Why: a filter against forged forms or bots turns honest deliveries away with 403 or 419.
    Fix: take the receiver's route out of CSRF and bot protection: the signature is the protection.

    Scenario Outline: A delivery with <browser> goes through
      Given a BOOKING_CREATED delivery
      And it carries <browser>
      When Cal.com delivers it
      Then the receiver acknowledges it

      Examples:
        | browser                        |
        | no user agent                  |
        | the user agent of a library    |
        | the origin of another site     |
        | a referrer of another site     |
        | a stale session cookie         |

    Example: A forged delivery with a right origin is turned away all the same
      Given a BOOKING_CREATED delivery
      And it carries the origin of the receiver
      But its signature is 64 random hex digits
      When Cal.com delivers it
      Then the receiver gets over it within the budget

  @net-015 @must @guide @calcom
  Rule: A receiver MUST show a certificate that its sender can trust.

    Source: guide, "Troubleshooting Checklist" (valid and not self-signed) and "Security Best
      Practices" 2; Cal.com sendPayload.ts (Node's fetch verifies certificates)
    Why: Cal.com refuses to deliver where it cannot verify, and every event is lost.
    Fix: use a certificate of a public authority for the host in the URL, and renew it by itself.

    @needs-tls
    Example: The certificate is in date, made out to the host and signed by an authority
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver's certificate can be trusted

    @needs-tls
    Example: A delivery over the encrypted connection goes through
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it

  @net-016 @should @guide @calcom
  Rule: A receiver SHOULD NOT take deliveries over plain http beside https.

    Source: guide, "Security Best Practices" 2 ("Use HTTPS only"); RFC 9110 section 4.2.2
    Why: a subscription with the wrong scheme works, and shows every booking to the network.
    Fix: redirect plain http, or do not listen to it at all.

    @needs-tls
    Example: A delivery over plain http is not acknowledged
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it over plain http
      Then the receiver does not acknowledge it

    @needs-tls
    Example: The same kind of delivery is acknowledged over https
      Given a BOOKING_CREATED delivery
      When Cal.com delivers it
      Then the receiver acknowledges it
